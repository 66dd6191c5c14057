/* SPDX-License-Identifier: MIT */
/* Bytes of others on a terminal. */
#ifndef SRC_TOOLS_VISIBLE_H
#define SRC_TOOLS_VISIBLE_H

#include "eio/buf.h"

/* Appends them with what would move the cursor, change colours or the direction of text escaped as JSON has it, and
 * U+FFFD for what is not UTF-8. */
void write_visible(struct eio_buf *out, struct eio_bytes bytes);

#endif
