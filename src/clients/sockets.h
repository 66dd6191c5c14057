/* SPDX-License-Identifier: MIT */
/* Sockets: how a client comes to be in a namespace, and how that ends. */
#ifndef SRC_CLIENTS_SOCKETS_H
#define SRC_CLIENTS_SOCKETS_H

#include "src/clients/client.h"

/* Puts a client into a namespace, which it must not be in, and tells it. nsp: what it calls it; auth: raw JSON object
 * or p NULL; query: what its CONNECT had of its own. They are copied, the last two as far as handlers speak of them.
 * NULL when out of memory; then the client ends. */
struct sio_socket *sockets_open(
	struct client *c, struct namespace *n, struct eio_bytes nsp, struct eio_bytes auth, struct eio_bytes query);

/* Runs the handlers of disconnect and frees the socket, of which the client is told nothing. reason: as handlers see
 * it. */
void sockets_end(struct sio_socket *s, const char *reason);
void sockets_end_all(struct client *c, const char *reason);

/* Ends what a handler that ran for s wants to be ended. The socket may be gone afterwards. */
void sockets_after_run(struct sio_socket *s);

#endif
