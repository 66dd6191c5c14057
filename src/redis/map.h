/* SPDX-License-Identifier: MIT */
/*
 * Which node of a Redis Cluster has which slot, now: a connection to any node by which that is read every second, and
 * more often while somebody doubts it. It follows nodes that come and go, and asks another node when one does not know
 * better for long: that one may be cut off from the others.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_MAP_H
#define SRC_REDIS_MAP_H

#include "src/redis/metrics.h"
#include "src/redis/topology.h"
#include "src/redis/url.h"

#include <uv.h>

enum {
	REDIS_MAP_MS = 1000, /* between an answer and the next question, */
	REDIS_MAP_DOUBT_MS = 200, /* and while somebody doubts what was said */
	REDIS_MAP_PATIENCE_MS = 3000, /* doubted for so long: somebody else is asked */
};

struct redis_map;

struct redis_map_options {
	const struct redis_url *url; /* of a Cluster; borrowed, like all below */
	struct metrics *metrics;
	/* Slots are elsewhere, for the first time, too. It may not close the map. */
	void (*changed)(void *user);
	void *user;
};

/* NULL when out of memory. */
struct redis_map *redis_map_open(uv_loop_t *loop, const struct redis_map_options *options);

/* Closes it; nothing is called any more. What is left goes when the loop has run. */
void redis_map_close(struct redis_map *m);

/* The master of a slot, or NULL: nobody knows. Valid until the loop runs on. */
const struct redis_node *redis_map_owner(const struct redis_map *m, unsigned slot);

/* What is known does not hold: it is read again soon. For as long as it is said every 100 ms. */
void redis_map_doubt(struct redis_map *m);

/* A node, at this host, has said where a slot is (MOVED): that is so until it is read. `changed` is not called. */
void redis_map_redirect(struct redis_map *m, const struct redis_redirect *to, const char *said_at);

/* When it was asked at last for what is known, and before that: in milliseconds since 1970; 0: never. */
uint64_t redis_map_seen_ms(const struct redis_map *m);
uint64_t redis_map_seen_before_ms(const struct redis_map *m);

#endif
