/* SPDX-License-Identifier: MIT */
/*
 * The sockets that workers listen on. Each worker has one of its own for every address, unless they were open before:
 * then they share what there is. Several may listen on copies of one socket: whoever is awake first takes the next
 * connection.
 *
 * Threads: the main one.
 */
#ifndef SRC_WORKER_LISTENERS_H
#define SRC_WORKER_LISTENERS_H

#include "src/base/inherited.h"
#include "src/config/config.h"

struct listening {
	int fd; /* the worker's, once it has it */
	unsigned worker;
	size_t address; /* its number in the configuration */
	bool held; /* a service manager has it, too: its file is not ours */
};

struct listeners {
	struct listening *v; /* owned */
	size_t n;
};

/* Opens them for all workers of the configuration, or takes them from what was inherited. 0, or -1 when that failed,
 * which was logged and is the end of the program. */
int listeners_open(const struct config *c, struct inherited *in, struct listeners *out);

/* The first of an address; NULL: there is none. */
const struct listening *listeners_of(const struct listeners *all, size_t address);

/* Removes the files of Unix sockets that it made. */
void listeners_remove_files(const struct listeners *all, const struct config *c);

/* Frees the list, but closes nothing. */
void listeners_deinit(struct listeners *all);

#endif
