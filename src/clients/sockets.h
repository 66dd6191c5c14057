/* SPDX-License-Identifier: MIT */
/* Sockets: how a client comes to be in a namespace, and how that ends. */
#ifndef SRC_CLIENTS_SOCKETS_H
#define SRC_CLIENTS_SOCKETS_H

#include "src/clients/identity.h"
#include "src/feed/recall.h"

/* What a socket begins with. The bytes are copied, auth and query as far as handlers speak of them. */
struct sockets_birth {
	struct namespace *namespace; /* which the client must not be in */
	struct eio_bytes nsp; /* what the client calls it */
	struct eio_bytes auth; /* raw JSON object or p NULL */
	struct eio_bytes query; /* what its CONNECT had of its own */
	const unsigned char *random; /* SIO_ID_RANDOM bytes that its id is made of; NULL: any */
	const struct identity_claims *claims; /* NULL: nobody asked who it is */
	struct eio_bytes rooms; /* JSON array of those that it is in from the beginning; or empty */
	/* Of one that said that it comes back: its session, if there is one, and what it missed. Else NULL. */
	const struct feed_recall *recall;
};

/* Puts a client into a namespace and tells it. NULL when out of memory; then the client ends. */
struct sio_socket *sockets_open(struct client *c, const struct sockets_birth *birth);

/* Ends a socket, and tells its client. */
void sockets_put_out(struct sio_socket *s);

/* Runs the handlers of disconnect and frees the socket, of which the client is told nothing. reason: as handlers see
 * it. */
void sockets_end(struct sio_socket *s, const char *reason);
void sockets_end_all(struct client *c, const char *reason);

/* Ends what a handler that ran for s wants to be ended. The socket may be gone afterwards. */
void sockets_after_run(struct sio_socket *s);

/* The namespaces have changed: it goes over to the one that its name leads to now, see clients_renew(). */
void sockets_renew(struct sio_socket *s);

#endif
