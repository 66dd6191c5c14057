/* SPDX-License-Identifier: MIT */
/*
 * The sockets of WebSockets on the loop: reads them, tells when they take writes, and
 * keeps the time of their end. What the bytes mean it is not asked. Inside of the
 * WebSockets.
 *
 * They have an epoll set of their own (eio/net/watch.h).
 *
 * Nobody gets more than his share: what one turn of the loop does not take of what a
 * socket brought waits here, and the socket with it.
 *
 * Threads: everything here belongs to the loop's thread.
 */
#ifndef EIO_NET_CARRIER_H
#define EIO_NET_CARRIER_H

#include "eio/list.h"

#include <stdint.h>
#include <uv.h>

enum {
	EIO__CARRIER_WAIT_MS = 5000, /* for the peer's close frame, and for its end of the connection */
	EIO__CARRIER_TURN_SOCKETS = 4, /* that have more than was taken at once, and go on in a turn of the loop */
};

struct eio__carrier;

/* A socket that is carried: part of whatever stands for it. Private, but for fd, -1 from lost() on, and tls. */
struct eio__carried {
	int fd : 27; /* as many as no process has */
	bool ended : 1; /* it is in the list of those that end when the loop runs */
	bool waited : 1; /* it is in the list of those that are waited for, or was */
	bool awaits_room : 1;
	bool watched : 1; /* epoll tells when there is room */
	bool busy : 1; /* some of what arrived waits for a turn of its own: no more is read meanwhile */
	uint32_t end_ms; /* on the loop's clock, its lower half, when it is waited for */
	struct eio_tls *tls; /* owned; NULL: it is plain */
	struct eio_list link; /* in one of its carrier's three lists */
};

/* None of these is called from within the functions below, but for eio__carrier_close and eio__carrier_feed. */
struct eio__carrier_handler {
	/* n bytes arrived, decrypted if need be, which may be changed and are valid during the call. Returns how many
	 * were taken: what is left comes again, in one of the next turns of the loop, before anything that follows. */
	size_t (*received)(struct eio__carried *s, char *p, size_t n);
	/* The socket takes writes, after eio__carrier_await_room, or when something of its TLS waits. */
	void (*room)(struct eio__carried *s);
	/* The connection ends: its descriptor must not be used any more, it is about to be closed. */
	void (*lost)(struct eio__carried *s);
	/* The descriptor is closed, and the socket no longer carried: the last call. */
	void (*gone)(struct eio__carried *s);
};

/* NULL when out of memory or of descriptors, errno says which. */
struct eio__carrier *eio__carrier_new(uv_loop_t *loop, const struct eio__carrier_handler *handler);

/* Closes all sockets: lost and gone are called for each, from here. */
void eio__carrier_close(struct eio__carrier *c);

/* Frees a closed one, after the loop has run out or at least once around. */
void eio__carrier_free(struct eio__carrier *c);

/* Takes a connected stream socket, and owns the descriptor from now on. s: all zero, but for the TLS. Returns 0, or -1
 * when that fails: the descriptor is closed then, and the TLS freed. */
int eio__carrier_adopt(struct eio__carrier *c, struct eio__carried *s, int fd);

/* Has received() called, from here, with bytes that arrived before the socket was carried, and may be changed. */
void eio__carrier_feed(struct eio__carrier *c, struct eio__carried *s, char *p, size_t n);

/* Has room() called once the socket takes writes, from the loop. */
void eio__carrier_await_room(struct eio__carrier *c, struct eio__carried *s);

/* Closes the socket as soon as the loop runs. */
void eio__carrier_end(struct eio__carrier *c, struct eio__carried *s);

/* Closes it EIO__CARRIER_WAIT_MS after the first of these calls, if nothing ends it before. */
void eio__carrier_end_later(struct eio__carrier *c, struct eio__carried *s);

#endif
