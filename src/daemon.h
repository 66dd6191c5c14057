/* SPDX-License-Identifier: MIT */
/* The daemon: everything that a configuration asks for, from its making to its end. */
#ifndef SRC_DAEMON_H
#define SRC_DAEMON_H

#include "src/config/config.h"

/* Makes everything, starts the threads, waits for SIGTERM or SIGINT, and takes everything down. flags: those by which
 * the configuration was loaded, and will be when it is read anew. Returns the exit status: 0, or 1 when it did not
 * start, which was logged; then threads may still run, and the program is to end. */
int daemon_run(const struct config *config, const struct config_flags *flags);

#endif
