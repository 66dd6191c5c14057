/* SPDX-License-Identifier: MIT */
/* From the word behind "siocast" to the command of that name. */
#ifndef SRC_TOOLS_TOOLS_H
#define SRC_TOOLS_TOOLS_H

#include "src/tools/tool.h"

/* Runs the command that argv[0] names, with the arguments behind it. Returns the exit status. */
int tools_run(int argc, char **argv, const struct tool_daemon *daemon);

/* Writes a line about each command. */
void tools_help(FILE *out);

/* All commands, ended by NULL, in the order of help. */
extern const struct tool *const tools_all[];

#endif
