/* SPDX-License-Identifier: MIT */
/*
 * What is opened first.
 *
 * Threads: the main one, while no other runs.
 */
#ifndef SRC_OPENING_H
#define SRC_OPENING_H

#include "src/config/config.h"
#include "src/web/files.h"

/* The log and the access log of a configuration. 0, or an error, which was logged. */
int opening_log(const struct config *c);

/* What is served over HTTP. 0, or -1, which was logged. */
int opening_files(const struct config *c, struct files **out);

/* -t: finds out whether what the configuration names is there, and says so, with the name of its file (NULL: none).
 * Returns the exit status. */
int opening_test(const struct config *c, const char *file);

/* Sets how many files may be open. */
void opening_limit(const struct config *c);

/* How many connections there may be: the files that are open now stay, and what is left of the limit is for them, but
 * for a spare. It is logged. */
uint64_t opening_share(const struct config *c);

/* Says in the log that there are warnings, if there are. */
void opening_warn(const struct config *c);

#endif
