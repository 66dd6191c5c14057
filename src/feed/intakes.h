/* SPDX-License-Identifier: MIT */
/*
 * Where a feed's messages come in: for each Redis server a source of what is published there, and one of its streams.
 * For src/feed/ only.
 *
 * Threads: the feed's; feed_intakes_ready() and feed_intakes_status() any.
 */
#ifndef SRC_FEED_INTAKES_H
#define SRC_FEED_INTAKES_H

#include "src/feed/feed_int.h"

struct feed_intake;

struct feed_intakes {
	const struct feed_options *options;
	struct feed_router *router; /* takes what comes in */
	struct metrics *metrics; /* of connections to Redis */
	struct feed_intake *v; /* owned: some for each of options->n_redis */
};

/* All is borrowed. 0, or -1 when out of memory (nothing to undo then). */
int feed_intakes_init(struct feed_intakes *all, const struct feed_options *options, struct feed_router *router,
	struct metrics *metrics);
void feed_intakes_deinit(struct feed_intakes *all);

/* Opens the sources that something is to be had from; closes them. */
void feed_intakes_open(struct feed_intakes *all);
void feed_intakes_close(struct feed_intakes *all);

/* As feed_ready() and feed_redis_status(). */
bool feed_intakes_ready(const struct feed_intakes *all);
struct feed_redis_status feed_intakes_status(const struct feed_intakes *all, size_t i);

#endif
