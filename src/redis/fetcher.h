/* SPDX-License-Identifier: MIT */
/*
 * A connection for commands whose replies may be anything: what is read from Redis, beside what comes by itself. A
 * subscriber's connection cannot run them.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_FETCHER_H
#define SRC_REDIS_FETCHER_H

#include "src/redis/metrics.h"
#include "src/redis/replies.h"
#include "src/redis/url.h"

#include <uv.h>

struct redis_fetcher;

struct redis_fetcher_options {
	const struct redis_url *url; /* borrowed, like all below */
	struct metrics *metrics;
	size_t max_string; /* the longest string that is taken, */
	size_t max_reply; /* and the longest reply */
	unsigned silent_ms, dead_ms; /* as a link has them */
	/* None of these may close the fetcher. */
	void (*ready)(void *user); /* commands are taken from now on, */
	void (*lost)(void *user); /* not any more: those without a reply get none */
	/* A reply, in the order of the commands. values: what is in it, valid during the call; text: of an error or a
	 * status. It may not write. */
	void (*reply)(void *user, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values);
	/* All that had arrived has been told: the place to write. */
	void (*idle)(void *user);
	void *user;
};

/* A fetcher that begins to connect at once. NULL when out of memory. */
struct redis_fetcher *redis_fetcher_open(uv_loop_t *loop, const struct redis_fetcher_options *options);

/* Closes it; nothing is called any more. What is left goes when the loop has run. */
void redis_fetcher_close(struct redis_fetcher *f);

/* Replies may have so many bytes from now on. */
void redis_fetcher_allow(struct redis_fetcher *f, size_t max_reply);

/* As redis_link_redial(), and why it was lost last, or not made. */
void redis_fetcher_redial(struct redis_fetcher *f);
const char *redis_fetcher_failure(const struct redis_fetcher *f);

/* As redis_link_place(). */
const struct redis_url *redis_fetcher_place(const struct redis_fetcher *f);

bool redis_fetcher_is_ready(const struct redis_fetcher *f);

/* Writes a buffer with n commands, which it takes over and leaves empty. It must be ready; it may be lost
 * afterwards. */
void redis_fetcher_write(struct redis_fetcher *f, struct eio_buf *buf, size_t n);

#endif
