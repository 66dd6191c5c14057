/* SPDX-License-Identifier: MIT */
/*
 * Where the admin port listens, and that it may listen somewhere else from one moment to the next.
 *
 * Threads: the main one.
 */
#ifndef SRC_ADMIN_LISTENING_H
#define SRC_ADMIN_LISTENING_H

#include "eio/net/httpd.h"

struct admin_socket {
	int fd; /* the HTTP server's */
	char *address; /* owned, as configured; NULL: there is none */
	bool inherited; /* it was open before: its file is not ours */
	struct eio_httpd_listener *accepts;
};

/* All zero: it listens nowhere. */
struct admin_listening {
	struct admin_socket now, next; /* next is prepared, or empty */
};

/* Listens there, or takes over a socket that does (-1: there is none). 0, or a libuv error. */
int admin_listening_open(struct admin_listening *l, struct eio_httpd *h, const char *address, int inherited);

/* Binds another address, unless it is that of now, but accepts nobody there yet. 0, or a libuv error. */
int admin_listening_prepare(struct admin_listening *l, struct eio_httpd *h, const char *address);

/* Goes over to what was prepared, if anything was: who has come by the address before is served. Or forgets it.
 * Returns whether it went. */
bool admin_listening_take(struct admin_listening *l);
void admin_listening_forget(struct admin_listening *l);

/* Frees what is remembered, and closes nothing. */
void admin_listening_deinit(struct admin_listening *l);

#endif
