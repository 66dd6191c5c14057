/* SPDX-License-Identifier: MIT */
/* What the files about published messages share. For src/source/ only. */
#ifndef SRC_SOURCE_PUBSUB_INT_H
#define SRC_SOURCE_PUBSUB_INT_H

#include "eio/check.h"
#include "eio/list.h"
#include "src/redis/subscriber.h"
#include "src/source/pubsub.h"

#define PUBSUB_MAGIC 0x50bb5b50

struct pubsub;
struct pubsub_move;
struct source_place;

/* A subscriber, and what is heard of it. Two, while the source goes over to another address. */
struct pubsub_side {
	unsigned magic; /* PUBSUB_MAGIC */
	struct pubsub *of;
	struct redis_subscriber *subscriber;
};

struct pubsub {
	struct source source;
	unsigned magic; /* PUBSUB_MAGIC */
	uv_loop_t *loop;
	struct pubsub_side *side; /* owned: whose messages are taken, and who tells how it is */
	struct pubsub_move *move; /* NULL: it stays where it is */
	bool quiet; /* what it tells is known already */
	bool goes_on; /* with a connection that it was given, and has not said so yet */
	const struct source_events *events, *next; /* next: what was prepared */
	void *user;
};

static inline struct pubsub_side *
pubsub_side_of(void *user)
{
	struct pubsub_side *s = user;

	CHECK_MAGIC(s, PUBSUB_MAGIC);
	return s;
}

#endif
