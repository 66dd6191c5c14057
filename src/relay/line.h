/* SPDX-License-Identifier: MIT */
/*
 * An edge's line to its hub: a WebSocket by libwebsockets' role of a client, which lives on a thread of its own,
 * so that no loop of ours has to know how that library waits, which differs between its builds. Bytes come by
 * mail, and what is sent is taken from a buffer.
 *
 * Threads: everything here is called on the thread that it tells, but for making and freeing it.
 */
#ifndef SRC_RELAY_LINE_H
#define SRC_RELAY_LINE_H

#include "eio/bytes.h"
#include "src/base/thread.h"

enum { RELAY_LINE_UNREAD = 4 << 20 }; /* bytes that may wait to be looked at: beyond them nothing is read */

struct relay_line;

/* What has come, owned by who was told of it. */
struct relay_chunk {
	struct mail mail; /* on its way; then the owner's to link it */
	uint64_t came_wall_ms; /* the owner's */
	unsigned kind; /* private, as the next */
	uint64_t attempt;
	size_t n;
	char data[];
};

/* Of the connection that was asked for last. */
struct relay_line_events {
	void (*opened)(void *user);
	void (*received)(void *user, struct relay_chunk *c);
	void (*closed)(void *user, const char *why); /* once, also when it was never open */
	void *user;
};

/* NULL when out of memory or of descriptors. thread: where it tells. */
struct relay_line *relay_line_new(struct thread *thread, const struct relay_line_events *events);

/* Its own thread runs from now on. 0, or -errno. */
int relay_line_start(struct relay_line *l);

/* Connects: to an address in numbers; host and port are what the hub is told it was called. In the place of a
 * connection that there may be, of which nothing more is told. False when out of memory. */
bool relay_line_connect(struct relay_line *l, const char *address, unsigned port, const char *host, const char *path);

/* Ends the connection. Nothing more is told of it. */
void relay_line_hang_up(struct relay_line *l);

/* Sends bytes as soon as they are taken. False when out of memory, or there is no connection. */
bool relay_line_send(struct relay_line *l, struct eio_bytes s);

/* How many bytes have not been taken. */
size_t relay_line_unsent(struct relay_line *l);

/* Gives back what has been looked at. */
void relay_line_done(struct relay_line *l, struct relay_chunk *c);

/* So many bytes are not given back. */
size_t relay_line_unread(const struct relay_line *l);

/* Ends its thread, waiting for it. What is told later is freed. */
void relay_line_stop(struct relay_line *l);

/* When the mailbox of `thread` was read for the last time. NULL is fine. */
void relay_line_free(struct relay_line *l);

#endif
