/* SPDX-License-Identifier: MIT */
/*
 * The sockets that workers listen on. Each worker has one of its own for every address, unless they were open before:
 * then they share what there is. Several may listen on copies of one socket: whoever is awake first takes the next
 * connection.
 *
 * Those of another configuration are a list beside the first. What is listened on already is in both, what is new is
 * opened; then the one list is put in the place of the other, or forgotten.
 *
 * Threads: the main one, but for `taken`, which belongs to the worker.
 */
#ifndef SRC_WORKER_LISTENERS_H
#define SRC_WORKER_LISTENERS_H

#include "eio/net/httpd.h"
#include "src/base/inherited.h"
#include "src/config/config.h"

enum { LISTENERS_WHY_MAX = 512 };

struct listening {
	int fd; /* the worker's, once it has it */
	unsigned worker;
	size_t address; /* its number in the configuration */
	bool held; /* a service manager has it, too: its file is not ours */
	bool kept; /* it is listened on already, in another list */
	struct eio_httpd_listener *taken; /* by the worker; or NULL */
};

/* An address of the configuration. */
struct listen_address {
	char *text; /* owned; as configured */
	const char *path; /* of a Unix socket, in the text; or NULL */
	bool held;
	bool kept;
	size_t before; /* kept: its number in the list before */
	bool goes; /* it is not in the list that is being prepared */
};

struct listeners {
	struct listening *v; /* owned */
	size_t n;
	struct listen_address *addresses; /* owned; as many as in the configuration */
	size_t n_addresses;
	struct inherited parked; /* a service manager's, of addresses that are not listened on any more */
};

/* Opens them for all workers of the configuration, or takes them from what was inherited. 0, or -1 when that failed,
 * which was logged and is the end of the program. */
int listeners_open(const struct config *c, struct inherited *in, struct listeners *out);

/* The same for another configuration, beside those of now, of which is taken what it has, too. 0, or -1: then nothing
 * has changed, and why (LISTENERS_WHY_MAX bytes) says what was wrong. */
int listeners_prepare(struct listeners *now, const struct config *next, struct listeners *out, char *why);

/* Closes what was opened for it; what workers have taken is theirs to close. */
void listeners_forget(struct listeners *next);

/* It takes the place of the one before, whose workers have closed what is not in it: removes files of Unix sockets,
 * and says what has come and gone. Returns whether anything has. */
bool listeners_replace(struct listeners *now, struct listeners *next);

/* The first of an address; NULL: there is none. */
const struct listening *listeners_of(const struct listeners *all, size_t address);

/* Removes the files of Unix sockets that it made. */
void listeners_remove_files(const struct listeners *all);

/* Frees the list, but closes nothing. */
void listeners_deinit(struct listeners *all);

#endif
