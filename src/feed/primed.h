/* SPDX-License-Identifier: MIT */
/*
 * Whether a message that was read from Redis, and not heard, says anything new to what a feed retains. See priming.h.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_PRIMED_H
#define SRC_FEED_PRIMED_H

#include "src/feed/feed_int.h"

/* Of one feed, while something that was read goes through it. */
struct feed_primed {
	bool collects; /* a state of the newest messages is read as a whole, into: */
	struct eio_buf list;
	size_t n;
	struct feed_stream *stream; /* where all of them go */
};

/* Lies in the list in front of each message. */
struct feed_listed {
	size_t n;
	uint64_t key; /* message.key */
};

/* Whether a message that was read is to be appended to its stream; shaped, with its note. Not where it collects. */
bool feed_primed_wants(struct feed_at_work *s, struct feed_stream *stream, const struct message *m);

#endif
