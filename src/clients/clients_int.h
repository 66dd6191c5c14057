/* SPDX-License-Identifier: MIT */
/* What clients.c (their messages, rooms and end) and fanout.c (broadcasts to them) share. */
#ifndef SRC_CLIENTS_CLIENTS_INT_H
#define SRC_CLIENTS_CLIENTS_INT_H

#include "sio/client.h"
#include "src/base/log.h"
#include "src/clients/clients.h"
#include "src/handlers/request.h"

struct clients {
	struct clients_options options;
	struct sio_client_config sio_config;
	struct sio_rooms rooms;
	bool keep_query; /* some handler speaks of {query} */
	struct handlers_needs needs; /* what they want to know of requests beside it */
	struct log_limit skipped_limit; /* of lines about actions that were left out */
	unsigned char random[SIO_ID_RANDOM * 32]; /* unused random bytes, from random_used on */
	size_t random_used;
};

struct client {
	struct sio_client sio;
	struct clients *clients;
	struct eio_socket *eio;
	struct eio_timer connect_timer;
	char *request; /* what handlers want of its headers, NUL-terminated; NULL when none does */
	char *query; /* of the handshake URL, NUL-terminated; NULL when no handler wants it */
	const char *reason; /* why its sockets end, when that was decided here; else NULL */
	/* A handler put out the socket it runs for, or all: done after the run, which must not free its own socket. */
	bool leaves, close_whole;
};

static inline void
clients__count(struct clients *c, enum metric m)
{
	metrics_inc(c->options.metrics, m);
}

/* Ends a client that does not keep up; what waits for it is dropped. The client is freed later, by its session's close. */
void clients__disconnect_slow(struct client *c);

#endif
