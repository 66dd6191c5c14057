/* SPDX-License-Identifier: MIT */
/*
 * Whether a server can be reached: connected to, and greeted with what is known of user, password and certificates.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_REACH_H
#define SRC_REDIS_REACH_H

#include "src/redis/metrics.h"
#include "src/redis/url.h"

#include <uv.h>

enum { REDIS_REACH_MS = 6000 }; /* more than a dial, or a greeting, may take */

struct redis_reach;

/* Tries it, as a replica asks where replicates says so, and tells once: why is NULL when it can be, and else valid
 * during the call. url and metrics are borrowed until then. NULL when out of memory. */
struct redis_reach *redis_reach_start(uv_loop_t *loop, const struct redis_url *url, bool replicates,
	struct metrics *metrics, void (*done)(void *user, const char *why), void *user);

/* Ends it, before or after it has told. What is left goes when the loop has run. */
void redis_reach_end(struct redis_reach *r);

#endif
