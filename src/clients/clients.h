/* SPDX-License-Identifier: MIT */
/*
 * The Socket.IO clients of one worker: what their messages mean, which rooms
 * they are in, and the fan-out of broadcasts to them.
 *
 * Threads: belongs to the worker's thread.
 */
#ifndef SRC_CLIENTS_CLIENTS_H
#define SRC_CLIENTS_CLIENTS_H

#include "eio/net/server.h"
#include "src/base/metrics.h"
#include "src/config/config.h"
#include "src/feed/delivery.h"
#include "src/feed/feed.h"
#include "src/feed/interest.h"

struct clients;

struct clients_options {
	const struct config *config; /* borrowed, as everything here */
	struct interest_table *interest;
	struct feed *feed; /* takes what handlers publish */
	struct metrics *metrics; /* the worker's row */
	struct eio_clock *clock;
	unsigned worker;
};

/* NULL when out of memory. */
struct clients *clients_new(const struct clients_options *options);

/* Frees it; every Engine.IO session must be closed. NULL is fine. */
void clients_free(struct clients *c);

/* The callbacks of the Engine.IO server; user is the struct clients. */
void clients_open(void *user, struct eio_socket *s);
void clients_message(void *user, struct eio_socket *s, bool binary, struct eio_bytes data);
void clients_close(void *user, struct eio_socket *s, enum eio_reason reason);

/* Sends the broadcasts of a delivery to their members here. The delivery stays the caller's. */
void clients_deliver(struct clients *c, const struct delivery *d);

#endif
