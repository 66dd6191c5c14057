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

#endif
