/* SPDX-License-Identifier: MIT */
/*
 * A CONNECT that waits: for the answer of the application, for what the feed knows of a client that comes back, or for
 * a password to be checked. It has a copy of all that is needed then. It counts among the client's namespaces, and goes
 * with it.
 */
#ifndef SRC_CLIENTS_WAITING_H
#define SRC_CLIENTS_WAITING_H

#include "src/auth/asks.h"
#include "src/clients/admission.h"
#include "src/clients/sockets.h"

#define WAITING_MAGIC 0xc11e2703u

struct waiting {
	unsigned magic;
	struct eio_list link; /* in the client's */
	struct client *client;
	struct namespace *namespace;
	struct auth_ask ask; /* to the application */
	struct feed_recall *recall; /* to the feed, which owns it; or NULL */
	struct auth_check
		*check; /* of a password, whose thread owns it; or NULL. Without both the application is asked */
	unsigned char random[SIO_ID_RANDOM]; /* what the id of the socket will be made of */
	uint64_t expires_s;
	size_t nsp_n, auth_n, query_n, claims_n, rooms_n, events_n;
	bool has_auth;
	char bytes[]; /* nsp, auth, query, claims, rooms, events */
};

/* What the client asked for, and what is known of it. */
struct waiting_parts {
	struct namespace *namespace;
	const unsigned char *random; /* NULL: any */
	struct eio_bytes claims;
	uint64_t expires_s;
	struct eio_bytes rooms, events; /* that the application gave */
};

/* NULL when out of memory. */
struct waiting *waiting_new(const struct admission *a, const struct waiting_parts *p);

/* The same as spans of w. */
struct admission waiting_read(const struct waiting *w, struct waiting_parts *p);
void waiting_free(struct waiting *w);

/* Whether a CONNECT for the namespace waits. */
bool waiting_for(const struct client *c, struct eio_bytes nsp);

#endif
