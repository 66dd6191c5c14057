/* SPDX-License-Identifier: MIT */
/*
 * The one door to hiredis: its redisReader, with object functions that build nothing. It is given the pieces of replies
 * that reader.h has cut, and says what they are when they are complete.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_REPLIES_H
#define SRC_REDIS_REPLIES_H

#include "eio/bytes.h"
#include "src/redis/entries.h"
#include "src/redis/push.h"
#include "src/redis/values.h"

#include <stdint.h>

enum redis_read {
	REDIS_READ_NONE, /* nothing more that is complete: feed the next bytes */
	REDIS_READ_MESSAGE,
	REDIS_READ_SKIPPED, /* a message that was longer than allowed: what was too long is empty in it */
	REDIS_READ_REPLY,
	REDIS_READ_ENTRY, /* of a stream: one of those in an answer that is not complete yet; or it was too long */
	REDIS_READ_ERROR, /* the connection must go; said again by every further call */
};

enum redis_reply {
	REDIS_REPLY_IS_STATUS, /* +OK, +PONG; also the array a subscriber gets for PING */
	REDIS_REPLY_IS_ERROR, /* -ERR … */
	REDIS_REPLY_IS_INTEGER,
	REDIS_REPLY_IS_SUBSCRIBED, /* one SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE or the opposite of the former confirmed */
	/* A shard channel, whose name is the text, is left: as was asked for, or as its slot went elsewhere. */
	REDIS_REPLY_IS_SUNSUBSCRIBED,
	REDIS_REPLY_IS_INFO, /* of a stream, by XINFO STREAM */
	REDIS_REPLY_IS_ENTRIES, /* of streams, all of which have been told */
	REDIS_REPLY_IS_OTHER,
};

/* What was read; which fields are set depends on what it is. All bytes are valid until the next call for the reader,
 * and no longer than the bytes that were fed. */
struct redis_event {
	struct redis_message message; /* of REDIS_READ_MESSAGE and REDIS_READ_SKIPPED */
	uint64_t skipped; /* of REDIS_READ_SKIPPED: how many bytes were too many to be kept */
	enum redis_reply reply; /* of REDIS_READ_REPLY, and text */
	struct eio_bytes text;
	struct redis_entry entry; /* of REDIS_READ_ENTRY */
	const struct redis_stream_info *info; /* of REDIS_REPLY_IS_INFO */
	const struct redis_values *values; /* of REDIS_READ_REPLY, where values are expected */
	const char *why; /* of REDIS_READ_ERROR: a constant sentence */
};

struct redis_replies;

/* NULL when out of memory. */
struct redis_replies *redis_replies_new(void);
void redis_replies_free(struct redis_replies *rs); /* NULL is fine */

/* What comes are answers about streams, with entries of so many bytes at most. Before anything is fed. */
void redis_replies_expect_entries(struct redis_replies *rs, size_t entry_bytes);

/* What comes are replies of any shape: all that is in one is kept, up to so many bytes. Before anything is fed. */
void redis_replies_expect_values(struct redis_replies *rs, size_t reply_bytes);

/* Gives it a piece, which it copies. 0, or -1 when out of memory. */
int redis_replies_feed(struct redis_replies *rs, struct eio_bytes piece);

/* The string that was just fed is empty in place of one of n bytes. */
void redis_replies_skipped(struct redis_replies *rs, uint64_t n);

/* The reply that has been completed, NONE where it has not been, or ERROR. *more: what was fed may hold another. */
enum redis_read redis_replies_next(struct redis_replies *rs, struct redis_event *event, bool *more);

/* Whether it is inside of a reply. */
bool redis_replies_inside(const struct redis_replies *rs);

#endif
