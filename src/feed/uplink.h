/* SPDX-License-Identifier: MIT */
/*
 * The other direction: what workers publish, on its way to Redis. Any thread posts; the
 * feed's thread has the connection, which is made when something is published first.
 */
#ifndef SRC_FEED_UPLINK_H
#define SRC_FEED_UPLINK_H

#include "src/base/thread.h"
#include "src/redis/url.h"

#include <stdatomic.h>
#include <stdbool.h>

struct redis_publisher;

/* The fields are private. */
struct feed_uplink {
	unsigned magic; /* FEED_UPLINK_MAGIC */
	struct thread *thread; /* borrowed, like url */
	const struct redis_url *url; /* whom it publishes to */
	size_t queue_bytes; /* what may wait */
	struct mail_port publishes;
	struct redis_publisher *publisher; /* the thread's; NULL until something is published */
	bool closed; /* the thread's: nothing is published any more */
	atomic_size_t posted; /* bytes posted and not yet taken */
	_Atomic uint64_t overflows; /* messages not even posted; the thread counts them */
};

enum { FEED_UPLINK_MAGIC = 0x0b11c4 };

/* Whose thread has not been started. u must stay where it is. */
void feed_uplink_init(struct feed_uplink *u, struct thread *thread, const struct redis_url *url, size_t queue_bytes);

/* Publishes payload to a channel. Any thread, before the thread is stopped; bytes are copied. Never blocks: when more
 * than queue_bytes wait, the message is dropped and counted. 0, or -1 when out of memory. */
int feed_uplink_post(struct feed_uplink *u, struct eio_bytes channel, struct eio_bytes payload);

/* Closes the connection. On the thread, or before it was started; once. What is posted afterwards is thrown away. */
void feed_uplink_close(struct feed_uplink *u);

#endif
