/* SPDX-License-Identifier: MIT */
/*
 * The other direction: what workers publish, on its way to Redis. Any thread posts; the
 * feed's thread has the connection, which is made when something is published first. Where there is no Redis,
 * it goes the way of what comes by the intake.
 */
#ifndef SRC_FEED_UPLINK_H
#define SRC_FEED_UPLINK_H

#include "src/base/thread.h"
#include "src/redis/metrics.h"
#include "src/redis/url.h"

#include <stdatomic.h>
#include <stdbool.h>

struct redis_publisher;
struct redis_spublisher;

struct feed_uplink_options {
	struct thread *thread; /* borrowed, as all below; it has not been started */
	const struct redis_url *url; /* whom to publish to; NULL: nobody, then it is taken here */
	void (*take)(void *user, struct eio_bytes channel, struct eio_bytes payload); /* on the thread, as the next */
	/* Whether a channel is a shard channel. Asked where there is a url. */
	bool (*is_shard)(void *user, struct eio_bytes channel);
	void *user;
	size_t queue_bytes; /* what may wait */
	struct metrics *metrics; /* of redis_metrics, the thread's */
};

/* The fields are private. */
struct feed_uplink {
	unsigned magic; /* FEED_UPLINK_MAGIC */
	struct feed_uplink_options options;
	struct mail_port publishes;
	struct redis_publisher *publisher; /* the thread's; NULL until something is published */
	bool stays; /* the thread's: what is at the new address is not known yet */
	struct redis_spublisher *spublisher; /* the same, on shard channels of a Cluster */
	bool closed; /* the thread's: nothing is published any more */
	atomic_size_t posted; /* bytes posted and not yet taken */
	_Atomic uint64_t overflows; /* messages not even posted; the thread counts them when it takes the next */
};

enum { FEED_UPLINK_MAGIC = 0x0b11c4 };

/* u must stay where it is. */
void feed_uplink_init(struct feed_uplink *u, const struct feed_uplink_options *options);

/* Publishes payload to a channel. Any thread, before the thread is stopped; bytes are copied. Never blocks: when more
 * than queue_bytes wait, the message is dropped. 0, or -1 when out of memory. What is dropped, for either reason, is
 * counted by the thread. */
int feed_uplink_post(struct feed_uplink *u, struct eio_bytes channel, struct eio_bytes payload);

/* Its server is about to be at another address: what it cannot publish at the old one waits until feed_uplink_move(),
 * since at a replica it would be heard there only. On the feed's thread. */
void feed_uplink_stay(struct feed_uplink *u);

/* Until then it publishes nothing: all waits. The same. */
void feed_uplink_rest(struct feed_uplink *u);

/* Whether all that it has published is answered. The same. */
bool feed_uplink_is_answered(const struct feed_uplink *u);

/* Its server is at another address now; lost: that before answers no more. On the feed's thread. */
void feed_uplink_move(struct feed_uplink *u, bool lost);

/* Whether it still waits for answers of the server before. The same. */
bool feed_uplink_moves(const struct feed_uplink *u);

/* Writes what is queued, and looks whether it is time to go over in any case. The same. */
void feed_uplink_flush(struct feed_uplink *u);

/* Closes the connection. On the thread, or before it was started; once. What is posted afterwards is thrown away. */
void feed_uplink_close(struct feed_uplink *u);

#endif
