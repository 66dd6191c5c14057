/* SPDX-License-Identifier: MIT */
/*
 * Publishes on shard channels of a Redis Cluster (SPUBLISH): each message at the node that has its slot, by a
 * connection to each that is needed. One that is sent elsewhere (MOVED) goes there: so until it is answered it is kept.
 *
 * Messages of a channel arrive in their order, but for those that a slot overtakes which goes elsewhere meanwhile.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_SPUBLISHER_H
#define SRC_REDIS_SPUBLISHER_H

#include "eio/bytes.h"
#include "src/redis/metrics.h"
#include "src/redis/url.h"

#include <uv.h>

struct redis_spublisher;

struct redis_spublisher_options {
	const struct redis_url *url; /* of a Cluster; borrowed, like all below */
	struct metrics *metrics; /* of redis_metrics */
	size_t queue_bytes; /* of messages that are not answered; what is beyond them is dropped */
};

/* NULL when out of memory. */
struct redis_spublisher *redis_spublisher_open(uv_loop_t *loop, const struct redis_spublisher_options *options);

/* Publishes a message, which is copied, when the loop runs on. 0, or -1: it was dropped, and counted. */
int redis_spublisher_publish(struct redis_spublisher *p, struct eio_bytes channel, struct eio_bytes payload);

/* Closes it: what has not been answered is counted as dropped, or failed. What is left goes when the loop has run. */
void redis_spublisher_close(struct redis_spublisher *p);

#endif
