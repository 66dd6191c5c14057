/* SPDX-License-Identifier: MIT */
/*
 * From one server to another at which the same is published, or something else, without missing a message and without
 * taking one twice. Both are heard for a moment; what is published at the new one is held back. Messages of our own
 * show what the one is to the other, and where one of them stands among the messages there is the cut: the old one up
 * to it, the new one behind it.
 *
 *     marker 1, published at the new one, is heard at the old one    it is the same server, or the old one is its
 *                                                                    replica. The cut is marker 4, published at the
 *                                                                    new one when handlers publish there, too: what
 *                                                                    they publish at a replica is heard there only
 *     marker 2, published at the old one, is heard at the new one    that is a replica. The cut is marker 3, published
 *                                                                    at the old one; then handlers go over
 *     each is heard where it was published, and nowhere else         they have nothing to do with each other: handlers
 *                                                                    go over, then what was held back is taken, and
 *                                                                    the old one left. But if both are of one
 *                                                                    replication, each message would come twice
 *
 * When the cut has come to the one and not yet to the other, what comes behind it is held back: of the old one, too,
 * since it is passed after all where the new one never gets there.
 *
 * All else, such as a connection that is lost, a marker that may not be published, or too much to be held back, ends in
 * connecting anew, with a gap that is told.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_SOURCE_PUBSUB_MOVE_H
#define SRC_SOURCE_PUBSUB_MOVE_H

#include "src/source/pubsub_int.h"

enum {
	PUBSUB_MOVE_CONNECT_MS = 6000, /* for all connections */
	PUBSUB_MOVE_RELATE_MS = 2000, /* for a marker to come to the other one: more than replicas lag behind */
	PUBSUB_MOVE_CUT_MS = 5000, /* for the cut to come on both */
	PUBSUB_MOVE_LEAVE_MS = 1000, /* for whoever publishes to go over, too */
	PUBSUB_MOVE_HELD_BYTES = 32 << 20,
};

/* What it needs of the source. */
struct pubsub_move_parts {
	struct redis_subscriber_options (*options)(const struct source_options *options, struct pubsub_side *side);
	struct pubsub_side *(*open)(
		struct pubsub *p, const struct source_options *options, const struct source_place *place);
	void (*close)(struct pubsub_side *s); /* NULL is fine */
	void (*take)(void *user, const struct redis_message *m); /* user: the source */
};

/* Begins; see source_ops.move. */
void pubsub_move_begin(struct pubsub *p, const struct pubsub_move_parts *parts, const struct source_options *options,
	struct redis_url *old, const struct source_move_events *events);

/* Ends it, and tells nothing. NULL is fine. */
void pubsub_move_end(struct pubsub_move *v);

/* A message has come to a side: whether it is to be taken now. */
bool pubsub_move_message(struct pubsub_move *v, const struct pubsub_side *s, const struct redis_message *m);

/* A side is not ready any more, which the source has not told yet. */
void pubsub_move_lost(struct pubsub_move *v, const struct pubsub_side *s);

/* A channel is refused, or not any more: whether it is that of the markers. */
bool pubsub_move_refused(struct pubsub_move *v, struct eio_bytes name);

#endif
