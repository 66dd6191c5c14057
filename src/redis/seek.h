/* SPDX-License-Identifier: MIT */
/*
 * One attempt to reach a node of a Redis Cluster, whichever: one that is known after the other is asked which slots
 * there are (CLUSTER SLOTS), by which it shows that it is a node of one, and names the others.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_SEEK_H
#define SRC_REDIS_SEEK_H

#include "src/redis/dial.h"
#include "src/redis/topology.h"

enum { REDIS_SEEK_MS = 1000 }; /* for a node to be reached and to answer */

/* Which nodes somebody knows; all zero but for the topology is the beginning: those of the configuration. */
struct redis_known {
	struct redis_topology heard; /* of the others, as one said at last */
	size_t next; /* who is tried first: of those of the configuration, and behind them the others */
	struct redis_url at; /* owned: who was reached last */
};

/* 0, or -1 when out of memory. */
int redis_known_init(struct redis_known *k);
void redis_known_deinit(struct redis_known *k); /* all zero is fine */

struct redis_seek;

/* Begins with the node that known->next says, and leaves there the one behind who was reached, or was tried last; done
 * is called once, later, with a socket or why there is none, and then the attempt is gone. url, of a Cluster, and known
 * are borrowed until then. NULL when out of memory. */
struct redis_seek *redis_seek_start(
	uv_loop_t *loop, const struct redis_url *url, struct redis_known *known, redis_dialed_fn done, void *user);

/* As redis_dial_cancel(). */
void redis_seek_cancel(struct redis_seek *s);

#endif
