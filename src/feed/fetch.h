/* SPDX-License-Identifier: MIT */
/*
 * Reading what a feed retains out of Redis, in portions: which command is next, and what its reply holds. No I/O.
 *
 *     hash    HSCAN key cursor COUNT n         until the cursor is 0
 *     string  GET key
 *     list    LRANGE key 0 n-1, or -n -1       all at once, as are the next two
 *     zset    ZRANGE key -n -1
 *     stream  XREVRANGE key + - COUNT n
 *     scan    SCAN cursor MATCH pattern COUNT n, and MGET of the keys, until the cursor is 0
 *
 * How much is asked for in one portion follows from how long the last one was: about 32 KB, and not more than 128
 * values.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_FETCH_H
#define SRC_FEED_FETCH_H

#include "src/feed/entry.h"
#include "src/feed/spec.h"
#include "src/redis/values.h"

struct feed_fetch {
	const struct feed_prime *prime; /* borrowed */
	char cursor[24];
	unsigned count; /* of the next portion */
	struct eio_buf keys; /* of SCAN: those whose values are next, each behind its length */
	size_t keys_at; /* where the next lies, */
	size_t n_keys, n_asked; /* how many there are, and of how many the values are asked for */
	bool over;
	size_t left_out; /* values that were too long, or no strings */
	struct feed_entry entry;
};

/* One value. */
struct feed_value {
	struct eio_bytes key, field; /* where it stands; a field in a hash only */
	struct eio_bytes value;
};

/* All zero at first; begins to read, from the beginning. */
void feed_fetch_begin(struct feed_fetch *f, const struct feed_prime *prime);
void feed_fetch_deinit(struct feed_fetch *f);

/* Whether the next command reads values, and not only keys. */
bool feed_fetch_reads_values(const struct feed_fetch *f);

/* Appends the command. */
void feed_fetch_ask(struct feed_fetch *f, struct eio_buf *out);

enum feed_fetched {
	FEED_FETCHED, /* all of it has been told */
	FEED_FETCH_AGAIN, /* nothing was: less is to be asked for, */
	FEED_FETCH_REFUSED, /* it is an error, in *why */
	FEED_FETCH_TOO_LARGE, /* it cannot be asked for less */
	FEED_FETCH_WRONG, /* it is no such reply */
	FEED_FETCH_NO_MEMORY,
};

/* Takes the reply, whose items begin at `at`: each value is told, those of a list from the oldest to the newest. */
enum feed_fetched feed_fetch_take(struct feed_fetch *f, const struct redis_values *reply, size_t at,
	struct eio_bytes *why, void (*each)(void *user, const struct feed_value *v), void *user);

/* Whether the server may answer later, and all is to be asked again; else what an operator may do, for the log: a
 * constant with a space in front, or empty. */
bool feed_fetch_is_transient(struct eio_bytes error);
const char *feed_fetch_hint(struct eio_bytes error);

#endif
