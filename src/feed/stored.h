/* SPDX-License-Identifier: MIT */
/*
 * Sessions as they stand in Redis, where any siocast with the same feeds may take them. The form is that of Socket.IO's
 * adapter for Redis Streams, base64 of MessagePack, with two members more: what they say Node passes over.
 *
 *     key    sio:session:<pid>
 *     value  { siocast: token, sid, pid, rooms: […], data: {}, at: [1, nsp, shape, who, begun, must, joined, […]] }
 *
 * The token stands first, so that it is always at the same place: a script in Redis sees by it whose the value is. One
 * that was taken is { siocast: token of who took it }.
 *
 * Pure functions.
 */
#ifndef SRC_FEED_STORED_H
#define SRC_FEED_STORED_H

#include "eio/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	STORED_TOKEN = 20, /* characters */
	STORED_TOKEN_AT = 12, /* where its text begins, and how long that is, in base64: */
	STORED_TOKEN_TEXT = 28, /* with the byte before it that says that it is a string */
	STORED_ROOMS_MAX = 100000,
};

struct stored_room {
	struct eio_bytes name;
	struct eio_bytes joined; /* how far its siocast was when it came there, as an offset; empty: as `joined` */
};

struct stored_session {
	struct eio_bytes token;
	struct eio_bytes sid; /* of the socket: SIO_ID_LEN characters */
	struct eio_bytes pid;
	struct eio_bytes nsp;
	uint64_t shape; /* of the feeds: another one when anything about them is another */
	uint64_t who; /* the user, as a number; 0: nobody knows */
	/* How far its siocast was, as offsets: when it began there; with the last that went to it alone, empty: there
	 * was none; and when it came to the namespace. */
	struct eio_bytes begun, must, joined;
	size_t n_rooms;
	struct stored_room *rooms;
	char *bytes; /* where all of that lies, once it was read; owned, as rooms then */
};

/* Appends its text. */
void stored_write(const struct stored_session *s, struct eio_buf *out);

/* Appends the text of one that was taken. */
void stored_write_taken(struct eio_bytes token, struct eio_buf *out);

/* Appends how a token stands in either text. */
void stored_write_token(struct eio_bytes token, struct eio_buf *out);

/* Reads one; false for what stored_write() did not write, and when out of memory. Then there is nothing to free. */
bool stored_read(struct stored_session *s, struct eio_bytes text);
void stored_free(struct stored_session *s);

#endif
