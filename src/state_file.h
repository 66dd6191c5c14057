/* SPDX-License-Identifier: MIT */
/*
 * The file in which one process leaves what the next goes on with.
 *
 * Threads: the main one, while no other runs.
 */
#ifndef SRC_STATE_FILE_H
#define SRC_STATE_FILE_H

#include "src/feed/feed.h"

/* path: of the file; NULL: there is none, and nothing is done. */

/* Before the feed and the workers start. Whatever is wrong with the file is logged, and they begin with nothing. */
void state_file_load(const char *path, struct feed *feed);

/* When they have stopped. */
void state_file_save(const char *path, struct feed *feed);

/* The same in memory for a process that goes on at once. A descriptor; -1: it failed, which was logged. */
int state_memory_give(struct feed *feed);

/* Goes on with that, and closes it, in the place of a file. */
void state_memory_take(int fd, struct feed *feed);

#endif
