/* SPDX-License-Identifier: MIT */
/*
 * Replies of Redis out of a stream of bytes: the one door to hiredis. Published
 * messages are handed on where they lie in those bytes; nothing is allocated for
 * them, and only one that is cut by the end of the bytes is copied.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_REPLY_H
#define SRC_REDIS_REPLY_H

#include "eio/bytes.h"
#include "src/redis/link.h"

#include <stdint.h>

enum redis_reply_kind {
	REDIS_REPLY_KIND_STATUS, /* +OK, +PONG; also the array a subscriber gets for PING */
	REDIS_REPLY_KIND_ERROR, /* -ERR … */
	REDIS_REPLY_KIND_INTEGER,
	REDIS_REPLY_KIND_SUBSCRIBED, /* one SUBSCRIBE or PSUBSCRIBE confirmed */
	REDIS_REPLY_KIND_OTHER,
};

/* Neither function may feed or free the parser. Bytes are valid during the call. */
struct redis_reply_handlers {
	void (*message)(void *user, const struct redis_message *m);
	void (*reply)(void *user, enum redis_reply_kind kind, struct eio_bytes text);
	void *user;
};

struct redis_parser;

/* NULL when out of memory. */
struct redis_parser *redis_parser_new(const struct redis_reply_handlers *handlers);
void redis_parser_free(struct redis_parser *p); /* NULL is fine */

/* Takes bytes from the server and calls the handlers for what is complete. 0; -1 when this is not the Redis protocol or
 * memory ran out: the connection must go, *why is a constant sentence. */
int redis_parser_feed(struct redis_parser *p, struct eio_bytes bytes, const char **why);

/* The same, with everything through the reader of hiredis: what the tests compare the other with. On one parser either the
 * one or the other. */
int redis_parser_feed_reader(struct redis_parser *p, struct eio_bytes bytes, const char **why);

#endif
