/* SPDX-License-Identifier: MIT */
/*
 * Channels that come and go, on one link: whoever wants one says so, and says so again when not any more. Beside
 * subscriber.h, whose names are those of a configuration, this is for many, which clients cause: joining a room, and
 * leaving it. What the server refuses keeps nothing else from coming, and is asked for again and again, with the waits
 * of backoff.h. On a new connection all that is wanted is asked for. Of a Redis Cluster shard channels are at its
 * nodes, as shards.h says.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_CHANNELS_H
#define SRC_REDIS_CHANNELS_H

#include "src/redis/metrics.h"
#include "src/redis/push.h"
#include "src/redis/url.h"

#include <uv.h>

enum redis_channel_kind {
	REDIS_CHANNEL, /* SUBSCRIBE */
	REDIS_CHANNEL_PATTERN, /* PSUBSCRIBE */
	REDIS_CHANNEL_SHARD, /* SSUBSCRIBE, since Redis 7 */
};

struct redis_channels;

struct redis_channels_options {
	const struct redis_url *url; /* borrowed, like all below */
	struct metrics *metrics; /* of redis_metrics */
	size_t message_bytes; /* the longest message that is taken */
	/* None of these may close it. The bytes of m are valid during the call. */
	void (*message)(void *user, const struct redis_message *m);
	/* A message was longer, by a string of n bytes, and is not there; its channel is. */
	void (*too_long)(void *user, const struct redis_message *m, uint64_t n);
	/* Every channel has been answered, and none was refused; or that is not so any more. */
	void (*state)(void *user, bool ready);
	void *user;
};

/* One without channels that begins to connect at once. NULL when out of memory. */
struct redis_channels *redis_channels_open(uv_loop_t *loop, const struct redis_channels_options *options);

/* Wants a channel, which may be wanted several times, or not any more, as often. The server is told by
 * redis_channels_flush(). 0, or -1 when out of memory: then it is not wanted. Whoever does not want it any more must
 * have wanted it. */
int redis_channels_want(struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name);
void redis_channels_leave(struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name);

/* Not from within one of the calls above: message, too_long. */
void redis_channels_flush(struct redis_channels *c);

/* Closes it; nothing is called any more. What is left goes when the loop has run. */
void redis_channels_close(struct redis_channels *c);

#endif
