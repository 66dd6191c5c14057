/* SPDX-License-Identifier: MIT */
/*
 * Messages that come one by one and fast cost a wake-up each, many times what is done
 * with them. Where nobody waits for a single one, the link is then looked at once in a
 * millisecond, until there is nothing once: as network cards do with their interrupts.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_PACING_H
#define SRC_REDIS_PACING_H

#include "src/redis/link.h"

#define REDIS_PAUSE_MS 1 /* between two looks at a busy connection */

struct redis_pacing;

/* Paces a link, which is borrowed. NULL when out of memory. */
struct redis_pacing *redis_pacing_new(uv_loop_t *loop, struct redis_link *link);

/* Its memory goes when the loop has run. While the link is open redis_pacing_stop() comes first. */
void redis_pacing_free(struct redis_pacing *p);

/* The link, which is ready, has read n bytes. It may be paused afterwards. */
void redis_pacing_note(struct redis_pacing *p, size_t n);

/* The link pauses no more: if it does it goes on, and may be lost by that. */
void redis_pacing_stop(struct redis_pacing *p);

/* The link was lost: what it is next begins unpaused. */
void redis_pacing_reset(struct redis_pacing *p);

#endif
