/* SPDX-License-Identifier: MIT */
/*
 * One client: an Engine.IO session with its Socket.IO state. What is sent to it alone
 * goes through here.
 *
 *     eio_socket ◀─▶ client ── sio_client ── sio_socket ─ user ─▶ client_socket ─▶ namespace
 *                                            one for each namespace it is in
 *
 * Threads: belongs to its worker's.
 */
#ifndef SRC_CLIENTS_CLIENT_H
#define SRC_CLIENTS_CLIENT_H

#include "eio/check.h"
#include "eio/net/server.h"
#include "sio/client.h"
#include "src/clients/namespace.h"

struct clients;

struct client {
	struct sio_client sio;
	struct clients *clients;
	struct eio_socket *eio;
	struct eio_timer connect_timer;
	char *query; /* of the handshake URL, NUL-terminated; NULL when no handler wants it */
	const char *reason; /* why its sockets end, when that was decided here; else NULL */
	/* A handler put out the socket it runs for, or all: done after the run, which must not free its own socket. */
	bool leaves, close_whole;
};

/* What our side knows of a socket. */
struct client_socket {
	struct namespace *namespace;
	size_t query_n;
	char query[]; /* what handlers know as $query; empty when none of them wants it */
};

static inline struct client *
client_of(const struct sio_socket *s)
{
	return EIO_CONTAINER(s->client, struct client, sio);
}

static inline struct client_socket *
client_socket_of(const struct sio_socket *s)
{
	return s->user;
}

/* Sends a bundle that must arrive; takes over the reference. A client that asks for more than it reads is disconnected; NULL, for out
 * of memory, ends it too. */
void client_send(struct client *c, struct eio_bundle *b);

/* Ends a client that does not keep up; what waits for it is dropped. The client is freed later, by its session's close. */
void client_disconnect_slow(struct client *c);

#endif
