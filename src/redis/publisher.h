/* SPDX-License-Identifier: MIT */
/*
 * Publishes to one server, or adds to its streams, on one link. What is published while Redis is away waits,
 * within a bound. Threads: the loop's only.
 */
#ifndef SRC_REDIS_PUBLISHER_H
#define SRC_REDIS_PUBLISHER_H

#include "eio/bytes.h"
#include "src/redis/metrics.h"
#include "src/redis/url.h"

#include <uv.h>

struct redis_publisher;

enum { REDIS_PUBLISHER_MOVE_MS = 500 };

struct redis_publisher_options {
	const struct redis_url *url; /* borrowed */
	struct metrics *metrics; /* borrowed: of redis_metrics */
	size_t queue_bytes; /* what may wait to be published */
	unsigned silent_ms, dead_ms; /* as a link has them */
};

/* A publisher that begins to connect at once. NULL when out of memory. */
struct redis_publisher *redis_publisher_open(uv_loop_t *loop, const struct redis_publisher_options *options);

/* Queues PUBLISH; it is written by redis_publisher_flush, or when Redis is back. 0, or -1 when it was dropped (and
 * counted). */
int redis_publisher_publish(struct redis_publisher *p, struct eio_bytes channel, struct eio_bytes payload);

/* The same with any command of n words that has one reply. */
int redis_publisher_command(struct redis_publisher *p, const struct eio_bytes *words, size_t n);

/* Writes what is queued. Once per loop turn is enough. */
void redis_publisher_flush(struct redis_publisher *p);

/* Its address is about to be another one: until redis_publisher_move() it publishes only on the connection that it has,
 * if it has one; else all waits. */
void redis_publisher_stay(struct redis_publisher *p);

/* Until then it publishes nothing: all waits. After redis_publisher_stay(). */
void redis_publisher_rest(struct redis_publisher *p);

/* Whether all that it has written is answered, or its connection lost. */
bool redis_publisher_is_answered(const struct redis_publisher *p);

/* Its address is another one now: it connects there once what it has written is answered, or after
 * REDIS_PUBLISHER_MOVE_MS, and publishes on. at_once: it does not wait for that. */
void redis_publisher_move(struct redis_publisher *p, bool at_once);

/* Whether it waits for that. */
bool redis_publisher_moves(const struct redis_publisher *p);

/* Closes it. What the kernel takes at once still leaves, the rest is dropped, and counted. What is left of it goes when
 * the loop has run. */
void redis_publisher_close(struct redis_publisher *p);

#endif
