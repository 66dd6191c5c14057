/* SPDX-License-Identifier: MIT */
/*
 * From a value that was read to the message that it would have been.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_PRIME_VALUE_H
#define SRC_FEED_PRIME_VALUE_H

#include "src/feed/feed_int.h"
#include "src/feed/fetch.h"

/* Fills kind, name, channel and payload; the channel lies in scratch. False: by no channel of the feed. */
bool feed_prime_value(const struct feed_at_work *s, const struct feed_prime *prime, const struct feed_value *v,
	struct eio_buf *scratch, struct message *m);

#endif
