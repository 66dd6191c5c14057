/* SPDX-License-Identifier: MIT */
/*
 * One of the two servers between which a source goes over: a connection that publishes markers there, and asks what the
 * server is (INFO): of which replication (master_replid, which a master and its replicas have in common), and whether
 * of a cluster.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_SOURCE_MOVE_END_H
#define SRC_SOURCE_MOVE_END_H

#include "src/redis/fetcher.h"

#include <stdbool.h>

enum { MOVE_END_REPLID = 41 };

struct move_end {
	unsigned magic;
	struct redis_fetcher *fetcher;
	const char *channel; /* borrowed: what was said last is a marker, in that; NULL: that was a question */
	char number; /* of the marker */
	bool waits; /* for its answer */
	size_t unanswered; /* on the connection at hand; the last of them is that */
	bool answered; /* it has said what it is, or refuses to */
	bool clustered;
	char replid[MOVE_END_REPLID]; /* "": that is not known */
};

/* Begins to connect; url and metrics are borrowed. False when out of memory. Either way it is to be closed. */
bool move_end_open(struct move_end *e, uv_loop_t *loop, const struct redis_url *url, struct metrics *metrics);
void move_end_close(struct move_end *e);

bool move_end_is_ready(const struct move_end *e);

/* It is said once it is ready, and again on the next connection if this one is lost before the answer: so a marker may
 * come twice. What was said before is not said again: so that has to have been seen to come. channel is borrowed. */
void move_end_ask(struct move_end *e);
void move_end_publish(struct move_end *e, const char *channel, char number);

#endif
