/* SPDX-License-Identifier: MIT */
/* Completion of shells. It is handed the table of commands, of which it is a part. */
#ifndef SRC_TOOLS_COMPLETION_H
#define SRC_TOOLS_COMPLETION_H

#include "eio/buf.h"
#include "src/tools/tool.h"

/* Appends the completion for "bash", "zsh" or "fish". all: ended by NULL. -1: there is none for such a shell. */
int completion_write(const char *shell, const struct tool *const *all, struct eio_buf *out);

#endif
