/* SPDX-License-Identifier: MIT */
/*
 * What libwebsockets does for WebSockets: it has their sockets on the loop, reads
 * them, tells when they take writes, keeps the time of their end, and knows what
 * answers a key. What the bytes mean it is not asked (see carrier.c). Inside of
 * the WebSockets.
 *
 * Threads: everything here belongs to the loop's thread.
 */
#ifndef EIO_NET_CARRIER_H
#define EIO_NET_CARRIER_H

#include "eio/bytes.h"

#include <uv.h>

struct eio__carrier;
struct lws; /* a socket that is carried */

struct eio__carrier_handler {
	/* n bytes arrived, which may be changed and are valid during the call. */
	void (*received)(void *owner, char *p, size_t n);
	/* The socket takes writes, after eio__carrier_await_room. */
	void (*room)(void *owner);
	/* The connection ends: its descriptor must not be used any more, it is about to be closed. */
	void (*lost)(void *owner);
	/* The descriptor is closed, and the socket no longer carried: the last call. */
	void (*gone)(void *owner);
};

/* NULL when libwebsockets fails, which is told by errno where that is known: start-up only. */
struct eio__carrier *eio__carrier_new(uv_loop_t *loop, const struct eio__carrier_handler *handler);

/* Closes all sockets: lost and gone are called for each, from here or while the loop runs. */
void eio__carrier_close(struct eio__carrier *c);

/* Frees a closed one, after the loop has run out or at least once around. */
void eio__carrier_free(struct eio__carrier *c);

/* Takes a connected stream socket, and owns the descriptor from now on. NULL when that fails: the descriptor is closed
 * then. owner is handed back to the handler, which is not called before this returns. */
struct lws *eio__carrier_adopt(struct eio__carrier *c, int fd, void *owner);

/* Has room() called once the socket takes writes, from the loop. */
void eio__carrier_await_room(struct lws *socket);

/* Closes the socket after some seconds; after 0 that is done as soon as the loop runs. A later call counts instead. */
void eio__carrier_end_after(struct lws *socket, int seconds);

enum { EIO__CARRIER_ANSWER_BYTES = 28 };

/* What answers a Sec-WebSocket-Key of 24 bytes (RFC 6455 section 4.2.2); a NUL follows. */
void eio__carrier_answer_key(struct eio_bytes key, char answer[EIO__CARRIER_ANSWER_BYTES + 1]);

#endif
