/* SPDX-License-Identifier: MIT */
/*
 * What Redis says, out of a stream of bytes: the one door to hiredis. Bytes are fed, and what is complete in them is
 * pulled out one by one, so nothing here calls up. Published messages are handed on where they lie in those bytes;
 * nothing is allocated for them, and only one that is cut by the end of the bytes is copied.
 *
 *     redis_reader_feed(r, bytes);
 *     while ((got = redis_reader_next(r, &event)) != REDIS_READ_NONE) …
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_READER_H
#define SRC_REDIS_READER_H

#include "eio/bytes.h"
#include "src/redis/push.h"

enum redis_read {
	REDIS_READ_NONE, /* nothing more that is complete: feed the next bytes */
	REDIS_READ_MESSAGE,
	REDIS_READ_REPLY,
	REDIS_READ_ERROR, /* the connection must go; said again by every further call */
};

enum redis_reply {
	REDIS_REPLY_IS_STATUS, /* +OK, +PONG; also the array a subscriber gets for PING */
	REDIS_REPLY_IS_ERROR, /* -ERR … */
	REDIS_REPLY_IS_INTEGER,
	REDIS_REPLY_IS_SUBSCRIBED, /* one SUBSCRIBE or PSUBSCRIBE confirmed */
	REDIS_REPLY_IS_OTHER,
};

/* What was read; which fields are set depends on what it is. All bytes are valid until the next call for the reader,
 * and no longer than the bytes that were fed. */
struct redis_event {
	struct redis_message message; /* of REDIS_READ_MESSAGE */
	enum redis_reply reply; /* of REDIS_READ_REPLY, and text */
	struct eio_bytes text;
	const char *why; /* of REDIS_READ_ERROR: a constant sentence: not the Redis protocol, or out of memory */
};

struct redis_reader;

/* NULL when out of memory. */
struct redis_reader *redis_reader_new(void);
void redis_reader_free(struct redis_reader *r); /* NULL is fine */

/* Gives bytes from the server to be read. They are borrowed until redis_reader_next says NONE or ERROR, which must have
 * been so for those before. */
void redis_reader_feed(struct redis_reader *r, struct eio_bytes bytes);

/* The same, with everything through hiredis: what the tests compare the other with. On one reader either the one or the
 * other. */
void redis_reader_feed_hiredis(struct redis_reader *r, struct eio_bytes bytes);

/* The next that is complete. */
enum redis_read redis_reader_next(struct redis_reader *r, struct redis_event *event);

#endif
