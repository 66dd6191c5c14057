/* SPDX-License-Identifier: MIT */
/*
 * Shard channels (SSUBSCRIBE, since Redis 7) that come and go: of one server by one connection, of a Redis Cluster by
 * one to each node that has some of them. Each channel has a slot, whose node alone tells its messages. Where a slot
 * goes, its channels go, too: a node takes them away when it has it no more (sunsubscribe), refuses them (MOVED), is
 * lost, or the map says so; then they are asked for at the node that has it now.
 *
 *     LOOSE ──▶ ASKED ──▶ THERE         at a node
 *       ▲        │ MOVED, lost │ lost, taken away, the map
 *       └────────┴─────────────┘        REFUSED: asked for again with the waits of backoff.h
 *
 * What was published between is missing, and told. A channel is heard from one node at a time: what comes of a node
 * that it has left already is nobody's, for the next one may tell it as well.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_SHARDS_H
#define SRC_REDIS_SHARDS_H

#include "src/redis/metrics.h"
#include "src/redis/push.h"
#include "src/redis/url.h"

#include <uv.h>

struct redis_shards;

struct redis_shards_options {
	const struct redis_url *url; /* of a server, or of a Cluster; borrowed, like all below */
	struct metrics *metrics; /* of redis_metrics */
	size_t message_bytes; /* the longest message that is taken */
	/* None of these may close it, or want or leave one. The bytes of m are valid during the call. */
	void (*message)(void *user, const struct redis_message *m);
	/* A message was longer, by a string of n bytes, and is not there; its channel is. */
	void (*too_long)(void *user, const struct redis_message *m, uint64_t n);
	/* All that is wanted comes, but for what is refused, and something does; or that is not so any more. It is so
	 * while none is wanted. */
	void (*state)(void *user, bool ready);
	/* One is refused from now on, or is not any more. NULL: nobody asks. */
	void (*refused)(void *user, struct eio_bytes name, bool refused);
	/* One was lost, and is there again: what was published between these times, in milliseconds since 1970, is
	 * missing, or may be. NULL: nobody asks. */
	void (*gap)(void *user, struct eio_bytes name, uint64_t from_ms, uint64_t to_ms);
	void *user;
};

/* Without channels; a Cluster is asked at once for its nodes. NULL when out of memory. */
struct redis_shards *redis_shards_open(uv_loop_t *loop, const struct redis_shards_options *options);

/* Wants one, which may be wanted several times, or not any more, as often; what that takes is done when the loop runs
 * on. 0, or -1 when out of memory: then it is not wanted. Whoever does not want it any more must have wanted it. */
int redis_shards_want(struct redis_shards *s, struct eio_bytes name);
void redis_shards_leave(struct redis_shards *s, struct eio_bytes name);

/* How many are refused; and tells of each of them that it is, or is not any more. */
size_t redis_shards_refused(const struct redis_shards *s);
void redis_shards_tell_refused(const struct redis_shards *s, bool refused);

/* Closes it; nothing is called any more. What is left goes when the loop has run. */
void redis_shards_close(struct redis_shards *s);

#endif
