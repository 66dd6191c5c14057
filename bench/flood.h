/* SPDX-License-Identifier: MIT */
/*
 * The inside of the flood: flood_server.c is as much of a Redis as a subscriber needs to see, flood.c the schedule of
 * the messages it then gets. One thread.
 */
#ifndef BENCH_FLOOD_H
#define BENCH_FLOOD_H

#include "eio/buf.h"

#include <netinet/in.h>
#include <stdint.h>

enum { CONNECTIONS_MAX = 64, CHANNELS_MAX = 65536 };

/* A connection to a subscriber. */
struct connection {
	int fd; /* -1: this place is free */
	bool push; /* it asked for RESP3 */
	unsigned subscriptions;
	struct eio_buf in;
	struct eio_buf out;
	size_t out_at; /* what of out has been written */
	struct eio_bytes *heads; /* by channel: what stands before the length of a message; no bytes: not subscribed */
};

struct flood {
	struct sockaddr_in listen;
	const char *channel;
	unsigned channels, size; /* size 0: the story mix */
	uint64_t messages; /* 0: as many as there is time for */
	double rate, seconds; /* rate 0: as fast as they are taken */

	int listener, epoll;
	struct connection connections[CONNECTIONS_MAX];
	unsigned used; /* so many of these places have ever been used */
	uint64_t stalls, stalled_ns; /* how often, and how long, a subscriber was waited for */
};
extern struct flood flood;

/* The name of a channel; out: 128 bytes. Returns its length. */
unsigned flood_channel(char *out, unsigned channel);

void server_open(void);
void server_accept(void);

/* Reads and answers commands; closes the connection when the other side did. */
void server_read(struct connection *c);

/* Writes what there is to write as far as the socket takes it. Returns false when some is left. */
bool server_write(struct connection *c);

#endif
