/* SPDX-License-Identifier: MIT */
/*
 * All subscriptions to one server, on one link. Threads: the loop's only.
 */
#ifndef SRC_REDIS_SUBSCRIBER_H
#define SRC_REDIS_SUBSCRIBER_H

#include "src/redis/metrics.h"
#include "src/redis/push.h"
#include "src/redis/url.h"

#include <uv.h>

struct redis_subscriber;

struct redis_subscriber_options {
	const struct redis_url *url; /* borrowed, like all below */
	struct metrics *metrics;
	const char *const *channels, *const *patterns; /* what to subscribe to */
	size_t n_channels, n_patterns;
	unsigned silent_ms, dead_ms; /* as a link has them */
	bool may_pause; /* messages may come REDIS_PAUSE_MS late, together, when they are many */
	/* Neither may close the subscriber. The bytes of m are valid during the call. */
	void (*message)(void *user, const struct redis_message *m);
	void (*state)(void *user, bool ready); /* every subscription is confirmed, or is not any more */
	void *user;
};

/* A subscriber that begins to connect at once. NULL when out of memory. */
struct redis_subscriber *redis_subscriber_open(uv_loop_t *loop, const struct redis_subscriber_options *options);

/* Closes it; nothing is called any more. What is left goes when the loop has run. */
void redis_subscriber_close(struct redis_subscriber *s);

#endif
