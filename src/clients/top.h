/* SPDX-License-Identifier: MIT */
/*
 * The largest rooms of a worker and its slowest clients, found by a walk in pieces: a few hundred clients or rooms in
 * each turn of the loop, between which the clients have theirs.
 *
 * Threads: the worker's while it walks, then whoever is handed the result.
 */
#ifndef SRC_CLIENTS_TOP_H
#define SRC_CLIENTS_TOP_H

#include "eio/net/server.h"

struct clients;

enum { CLIENTS_TOP_TEXT = 224 }; /* bytes of a namespace and a room's name together: longer ones are cut */

enum clients_top_kind { CLIENTS_TOP_MEMBERS, CLIENTS_TOP_BYTES, CLIENTS_TOP_SLOWEST, CLIENTS_TOP_KINDS };

/* A room, or a client. */
struct clients_top_entry {
	uint64_t by; /* what it is among the first by: members, bytes, or bytes that wait for the client */
	const void *what; /* only to be compared, during the walk */
	uint64_t members, bytes; /* of a room: and what was sent there times its members, since there are any */
	bool everyone; /* it is no room but all of the namespace */
	unsigned char revision; /* of a client, as the next */
	const char *transport; /* constant */
	struct eio_connection connection; /* all zero without a WebSocket */
	unsigned short nsp_n, name_n; /* the bytes of text that are the one, and behind it the other; or its sid */
	char text[CLIENTS_TOP_TEXT];
};

/* The first of one kind, the largest first. */
struct clients_top_list {
	size_t n;
	struct clients_top_entry *v; /* max */
};

struct clients_top {
	unsigned max; /* of each kind */
	struct clients_top_list lists[CLIENTS_TOP_KINDS];
	size_t sessions, rooms; /* how many there are, at the end of the walk */
	size_t turns; /* it took */
	size_t at; /* where the walk is, as the next */
	bool at_rooms;
};

/* max > 0. 0, or -1 when out of memory: nothing is to be undone then. */
int clients_top_init(struct clients_top *t, unsigned max);
void clients_top_deinit(struct clients_top *t);

/* The next piece of the walk. Returns whether there is more; between two pieces anything may happen to the clients. */
bool clients_top_step(struct clients_top *t, struct clients *c, struct eio_server *server);

#endif
