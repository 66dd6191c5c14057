/* SPDX-License-Identifier: MIT */
/*
 * Presence that is shared with other nodes, by way of Redis: one connection to write and to ask, one to listen. What
 * travels is described in wire.h; what is understood of others is in replica.h.
 *
 * While Redis is away nothing is kept to be written: when it is back, this node's whole state is.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_PRESENCE_SHARED_H
#define SRC_PRESENCE_SHARED_H

#include "src/presence/replica.h"
#include "src/presence/wire.h"
#include "src/redis/metrics.h"
#include "src/redis/url.h"

#include <uv.h>

struct presence_shared;

struct presence_shared_options {
	uv_loop_t *loop;
	const struct redis_url *url; /* borrowed, as all below */
	struct metrics *metrics; /* of redis_metrics */
	const struct presence_specs *specs;
	const char *prefix;
	unsigned expiry_ms;
	struct presence_core *core;
	struct presence_counts *counts;
	void (*changed)(void *user); /* core or counts may have something to tell */
	void *user;
};

/* Begins to connect. NULL when out of memory, or without random numbers. */
struct presence_shared *presence_shared_open(const struct presence_shared_options *options);

/* Says that this node ends, and closes. What the kernel takes at once still leaves. The rest of it goes when the loop
 * has run. core and counts must still be there. */
void presence_shared_close(struct presence_shared *s);

/* Its server is at another address now: it connects there, and goes on as when Redis was away. What it has written at
 * the one before expires there. */
void presence_shared_move(struct presence_shared *s);

/* A change of ours, which is written by the next flush. */
void presence_shared_add(struct presence_shared *s, const struct presence_change *c);
void presence_shared_flush(struct presence_shared *s);

/* How many other nodes are known. */
size_t presence_shared_nodes(const struct presence_shared *s);

#endif
