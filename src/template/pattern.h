/* SPDX-License-Identifier: MIT */
/*
 * Redis glob patterns: what their stars stand for in a channel's name. The rules are
 * those of Redis itself. Pure functions, any thread.
 */
#ifndef SRC_TEMPLATE_PATTERN_H
#define SRC_TEMPLATE_PATTERN_H

#include "eio/bytes.h"

#define TEMPLATE_CAPTURES 9

/* What a pattern's stars matched in one channel. The bytes lie in the channel's name. */
struct template_captures {
	unsigned n;
	struct eio_bytes v[TEMPLATE_CAPTURES];
};

/* How many stars a Redis glob pattern has: the captures it can give, at most TEMPLATE_CAPTURES. */
unsigned template_count_stars(struct eio_bytes pattern);

/* Finds what the stars of a Redis glob pattern matched in a channel, the shortest way from the left. True when
 * the channel matches; Redis has already decided that, so false only means that it decided differently. */
bool template_match(struct eio_bytes pattern, struct eio_bytes channel, struct template_captures *out);

#endif
