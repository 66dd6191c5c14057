/* SPDX-License-Identifier: MIT */
/*
 * What Redis says, out of a stream of bytes. Bytes are fed, and what is complete in them is
 * pulled out one by one, so nothing here calls up. Published messages are handed on where they lie in those bytes;
 * nothing is allocated for them, and only one that is cut by the end of the bytes is copied. A string that is longer
 * than allowed is left out while it arrives; what comes behind it is read as if it had not been there.
 *
 *     redis_reader_feed(r, bytes);
 *     while ((got = redis_reader_next(r, &event)) != REDIS_READ_NONE) …
 *
 * Whatever the server sends, a reader holds little more than three strings of that length, or of streams one entry.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_READER_H
#define SRC_REDIS_READER_H

#include "src/redis/replies.h"

#define REDIS_LINE_BYTES 65536 /* the longest line, such as that of an error; a longer one ends the connection */

#define REDIS_ANSWER_BYTES 65536 /* of INFO, where entries are expected, however short these may be */

struct redis_reader;

/* max_string: the longest string that is kept. NULL when out of memory. */
struct redis_reader *redis_reader_new(size_t max_string);
void redis_reader_free(struct redis_reader *r); /* NULL is fine */

/* What comes are answers about streams: entries are told one by one, each of max_string bytes at most; an answer that
 * is one string may have REDIS_ANSWER_BYTES. Before anything is fed. */
void redis_reader_expect_entries(struct redis_reader *r);

/* What comes are replies of any shape, each of reply_bytes at most. Before anything is fed. */
void redis_reader_expect_values(struct redis_reader *r, size_t reply_bytes);

/* Gives bytes from the server to be read. They are borrowed until redis_reader_next says NONE or ERROR, which must have
 * been so for those before. */
void redis_reader_feed(struct redis_reader *r, struct eio_bytes bytes);

/* The same, with everything through hiredis, whatever its length: what the tests compare the other with. On one reader
 * either the one or the other. */
void redis_reader_feed_hiredis(struct redis_reader *r, struct eio_bytes bytes);

/* What there is of a published message whose end has not come, which may be nothing, for a reader that goes on with it
 * elsewhere. Valid until it is fed. False when it is in the middle of something else. After NONE. */
bool redis_reader_begun(const struct redis_reader *r, struct eio_bytes *begun);

/* The next that is complete. */
enum redis_read redis_reader_next(struct redis_reader *r, struct redis_event *event);

#endif
