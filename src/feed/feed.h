/* SPDX-License-Identifier: MIT */
/*
 * The feed: one loop, on a thread of its own or the only worker's, with the Redis connections. Messages come in, are
 * routed to the feeds of the configuration, filtered, batched and encoded once;
 * what is due goes to the workers that have members for it. In the other
 * direction it sends what workers publish to Redis.
 */
#ifndef SRC_FEED_FEED_H
#define SRC_FEED_FEED_H

#include "eio/bytes.h"
#include "src/base/metrics.h"
#include "src/feed/delivery.h"
#include "src/feed/interest.h"
#include "src/feed/spec.h"
#include "src/redis/url.h"

struct feed;

struct feed_options {
	struct feed_specs *specs; /* borrowed until feed_new, which takes a reference */
	const struct redis_url *redis; /* borrowed: the servers, the first of which is published to */
	size_t n_redis;
	size_t publish_queue_bytes; /* what may wait to be published; beyond it messages are dropped */
	size_t worker_queue_bytes; /* what a worker may be behind; beyond it broadcasts for it are dropped */
	struct interest_table *interest; /* borrowed, the same */
	struct metrics *metrics; /* borrowed: the feed thread's own row */
	unsigned workers; /* how many */
	bool on_worker; /* no thread of its own: the only worker runs the feed, on feed_loop() */
};

struct feed_redis_status {
	const char *name; /* host:port or path, no secrets; valid as long as the configuration */
	bool subscribed; /* connected and every subscription confirmed */
};

/* A feed that does nothing yet. NULL when out of memory. */
struct feed *feed_new(const struct feed_options *options);

/* The loop of a feed without a thread, NULL when it has one. It is there until feed_free. A worker may put its own handles on it; the
 * thread that runs it is the feed thread then. It must be run until feed_stop returned, and until nothing is left on it. */
uv_loop_t *feed_loop(struct feed *f);

/* Where the deliveries for worker w go, as `struct mail` in each: it is the port's to take them as long as the feed is not stopped. For
 * every worker, before the feed is started. With feed_loop() it is a port that takes at once. */
void feed_set_worker(struct feed *f, unsigned w, const struct mail_port *deliveries);

/* Starts the thread, or opens the connections on the loop that is run by another; Redis may be away. 0 or a libuv error. */
int feed_start(struct feed *f);

/* Ends the thread, or what is on the loop, and waits for it; what is batched is not flushed. From the thread that started it, once. */
void feed_stop(struct feed *f);

/* Frees a feed that is stopped (or never started), after the last delivery was given back. */
void feed_free(struct feed *f);

/* Publishes payload to a Redis channel. Any thread, before feed_stop; bytes are copied. Never blocks: when more than
 * publish_queue_bytes wait, the message is dropped and counted by the feed. 0, or -1 when out of memory. */
int feed_publish(struct feed *f, struct eio_bytes channel, struct eio_bytes payload);

/* Whether every Redis source is subscribed: what /readyz says. Any thread. */
bool feed_ready(const struct feed *f);

/* The state of each source; i < n_redis. Any thread. */
struct feed_redis_status feed_redis_status(const struct feed *f, size_t i);

#endif
