/* SPDX-License-Identifier: MIT */
/*
 * How long to wait before trying again what failed: 100 ms, doubling to 5 s, less a random half, so that a thousand
 * daemons do not come back in step. Only what went well for a while begins with the shortest wait again: a server that
 * takes every connection and hangs up at once is a failing one.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_BACKOFF_H
#define SRC_REDIS_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define REDIS_BACKOFF_MIN_MS 100
#define REDIS_BACKOFF_MAX_MS 5000
#define REDIS_STEADY_MS 1000 /* what went well for so long has left the failures before it behind */

/* All zero is its start. */
struct redis_backoff {
	unsigned failures; /* in a row */
	bool works;
	uint64_t works_ms; /* since when */
};

/* It works from now on. */
void redis_backoff_works(struct redis_backoff *b, uint64_t now_ms);

/* It failed, or works no more. Returns how many ms to wait before the next attempt. */
uint64_t redis_backoff_failed(struct redis_backoff *b, uint64_t now_ms);

#endif
