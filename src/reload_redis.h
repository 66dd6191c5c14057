/* SPDX-License-Identifier: MIT */
/*
 * Other addresses of Redis, at a reload: first it is tried whether the new one can be reached, which nobody waits for;
 * then all that is connected there goes over. One that cannot be reached changes nothing.
 *
 * Threads: the main thread's, while that of the feed runs.
 */
#ifndef SRC_RELOAD_REDIS_H
#define SRC_RELOAD_REDIS_H

#include "src/config/config.h"
#include "src/redis/reach.h"
#include "src/worker/worker.h"

#include <stdatomic.h>
#include <uv.h>

struct reload_redis;

/* A server that is to be gone over to. */
struct reload_server {
	struct reload_redis *all;
	size_t server; /* its number */
	struct redis_url url; /* owned: its new address; then the one before */
	struct redis_reach *reach; /* the feed thread's */
	bool reached; /* told by the feed thread, as the next */
	char why[256];
};

struct reload_redis {
	unsigned magic;
	uv_async_t told; /* all have been tried */
	const struct config *first; /* borrowed: whose addresses are those in force */
	const struct workers *workers; /* borrowed: their feed and presence go over; NULL: nobody has yet */
	struct reload_server v[CONFIG_MAX_REDIS];
	size_t n; /* that are gone over to, or prepared */
	atomic_uint untold; /* of those that are tried */
};

void reload_redis_init(struct reload_redis *r, uv_loop_t *loop, const struct config *first);

/* Notes what is at another address in a configuration. 0, or -1 when out of memory (nothing to undo then). Then it is
 * tried, or forgotten. In between servers are added behind the others, or the last ones are left, at once: one that is
 * away is connected to when it is there. */
int reload_redis_prepare(struct reload_redis *r, const struct workers *workers, const struct config *now);
void reload_redis_number(struct reload_redis *r, const struct config *now);
void reload_redis_begin(struct reload_redis *r);
void reload_redis_forget(struct reload_redis *r);

/* Whether something is under way. */
bool reload_redis_is_busy(const struct reload_redis *r);

/* Ends what is; as long as the feed runs. The loop must run until its handle is closed. */
void reload_redis_close(struct reload_redis *r);

#endif
