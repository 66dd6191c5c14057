/* SPDX-License-Identifier: MIT */
/*
 * Crowds: audiences at work. Who a message is for, when that is several rooms or not all
 * of their members, is kept while streams go there, with the interest of each room: so
 * what a message costs is an atomic load for each room. All streams, of all feeds, that
 * name the same rooms share one crowd, and their broadcasts can leave in one write.
 *
 *     stream ──▶ crowd ──▶ interest of each room: which workers have members
 *                  └─────▶ audience: what a worker is told
 *
 * Threads: the feed's only; the audience is shared.
 */
#ifndef SRC_FEED_CROWD_H
#define SRC_FEED_CROWD_H

#include "eio/hash.h"
#include "src/feed/audience.h"
#include "src/feed/interest.h"

struct feed_crowd {
	struct eio_hash_node node;
	unsigned streams; /* that go there */
	struct eio_bytes name; /* see targets.h; it lies behind the interests */
	struct audience *audience; /* a reference */
	size_t n;
	struct interest *interests[]; /* references: of each room, or of everyone */
};

/* An empty table. 0, or -1 when out of memory. */
int feed_crowds_init(struct eio_hash *crowds);

/* Every crowd must have been given back. */
void feed_crowds_deinit(struct eio_hash *crowds);

/* The crowd of a name, made when it is new, for one stream more. audience: what the name stands for, borrowed; hash: of
 * the name and the namespace, under the caller's key. NULL when out of memory. */
struct feed_crowd *feed_crowd_get(struct eio_hash *crowds, struct interest_table *interest, uint64_t hash,
	struct eio_bytes name, const struct audience *audience);

/* One stream less goes there; the last one ends it. NULL is fine. */
void feed_crowd_put(struct eio_hash *crowds, struct feed_crowd *c);

/* The workers that have members of one of its rooms, one bit each. */
uint64_t feed_crowd_workers(const struct feed_crowd *c);

#endif
