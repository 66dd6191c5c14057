/* SPDX-License-Identifier: MIT */
/*
 * What is told of options that have changed, when a configuration was read anew: those that are in force, and those
 * that take a restart.
 *
 * Threads: the main thread's.
 */
#ifndef SRC_RELOAD_CHANGES_H
#define SRC_RELOAD_CHANGES_H

#include "eio/buf.h"
#include "src/config/changes.h"

#include <stdbool.h>
#include <stddef.h>

/* Logs those that are live (event=reloaded), or the others (event=restart-needed), if there are any. */
void reload_log_changes(const struct config_change *all, size_t n, bool live);

/* Appends {"changed":[…],"needsRestart":[…]} and a newline. */
void reload_answer_changes(const struct config_change *all, size_t n, struct eio_buf *answer);

#endif
