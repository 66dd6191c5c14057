/* SPDX-License-Identifier: MIT */
/*
 * One attempt to reach a master whose address Sentinel knows: one sentinel after the other is asked where it is
 * (SENTINEL GET-MASTER-ADDR-BY-NAME), and who is there, whether it is a master (ROLE): a sentinel may hear of that
 * late.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_SENTINEL_H
#define SRC_REDIS_SENTINEL_H

#include "src/redis/dial.h"

enum {
	REDIS_SENTINEL_MS = 1000, /* for a sentinel to be reached and to answer; and for who it names */
	REDIS_SENTINEL_SILENT_MS = 1000, /* a connection to a master that says nothing is asked after that time, */
	REDIS_SENTINEL_DEAD_MS = 2000, /* and given up after this: another one may be the master */
	REDIS_SENTINEL_RETRY_MS = 500, /* the longest pause between two attempts: failing over takes seconds */
};

struct redis_sentinel;

/* Begins with the sentinel that *first says, which becomes the one that knew it; done is called once, later, with a
 * socket to the master or why there is none, and then the attempt is gone. It keeps a copy of url, which has sentinels;
 * first is borrowed until then. NULL when out of memory. */
struct redis_sentinel *redis_sentinel_start(
	uv_loop_t *loop, const struct redis_url *url, size_t *first, redis_dialed_fn done, void *user);

/* As redis_dial_cancel(). */
void redis_sentinel_cancel(struct redis_sentinel *s);

#endif
