/* SPDX-License-Identifier: MIT */
/*
 * Who a socket is: the claims that handlers know as {claims}, and until when they hold. Sockets of namespaces without
 * authentication have none, and cost nothing for it.
 */
#ifndef SRC_CLIENTS_IDENTITY_H
#define SRC_CLIENTS_IDENTITY_H

#include "src/clients/client.h"

struct identity {
	struct eio_timer timer;
	struct sio_socket *socket;
	void (*expired)(struct sio_socket *s);
	uint64_t expires_s; /* since 1970; UINT64_MAX: never */
	size_t n;
	char claims[]; /* n bytes, a JSON object */
};

/* What is known of a client that is let in. */
struct identity_claims {
	struct eio_bytes json; /* a JSON object; empty: nothing is known */
	uint64_t expires_s; /* as above, any leeway included */
	void (*expired)(struct sio_socket *s); /* is called then, and may end the socket; NULL when it never is */
};

/* Gives a socket its identity, in the place of the one it has. The bytes are copied. False when out of memory, and
 * then nothing changes. */
bool identity_set(struct sio_socket *s, const struct identity_claims *claims);

/* Takes it away. */
void identity_clear(struct sio_socket *s);

/* Its claims, or nothing. Valid until they change. */
static inline struct eio_bytes
identity_claims_of(const struct sio_socket *s)
{
	const struct identity *i = client_socket_of(s)->identity;

	return i ? eio_bytes(i->claims, i->n) : eio_bytes("", 0);
}

/* What handlers and templates find of a socket; without what carries out their effects. Valid as long as it, its
 * claims until they change. */
static inline struct handlers_call
client_call_of(struct sio_socket *s)
{
	const struct client_socket *own = client_socket_of(s);
	const struct client_kept *kept = client_kept(client_of(s));

	return (struct handlers_call){
		.socket = s,
		.pattern = own->namespace->is_pattern ? own->namespace->name : eio_bytes("", 0),
		.query = eio_bytes(own->query, own->query_n),
		.headers = eio_cstr(kept->headers ? kept->headers : ""),
		.address = eio_cstr(kept->address ? kept->address : ""),
		.claims = identity_claims_of(s),
	};
}

/* Seconds since 1970. */
uint64_t identity_now_s(void);

#endif
