/* SPDX-License-Identifier: MIT */
/*
 * A source that goes over to another server: two subscribers, of which the one is heard after the other, as
 * crossing.h says.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_SOURCE_PUBSUB_MOVE_H
#define SRC_SOURCE_PUBSUB_MOVE_H

#include "src/source/pubsub_int.h"

/* What it needs of the source. */
struct pubsub_move_parts {
	struct redis_subscriber_options (*options)(const struct source_options *options, struct pubsub_side *side);
	struct pubsub_side *(*open)(
		struct pubsub *p, const struct source_options *options, const struct source_place *place);
	void (*close)(struct pubsub_side *s); /* NULL is fine */
	void (*take)(void *user, const struct redis_message *m, uint64_t skipped); /* user: the source */
};

/* Begins; see source_ops.move. */
void pubsub_move_begin(struct pubsub *p, const struct pubsub_move_parts *parts, const struct source_options *options,
	const struct redis_url *old, const struct source_move_events *events);

/* Ends it, and tells nothing. NULL is fine. */
void pubsub_move_end(struct pubsub_move *v);

/* A message has come to a side, or (skipped) what is left of one that was too long: whether it is to be taken now. */
bool pubsub_move_message(
	struct pubsub_move *v, const struct pubsub_side *s, const struct redis_message *m, uint64_t skipped);

/* A side is not ready any more, which the source has not told yet. */
void pubsub_move_lost(struct pubsub_move *v, const struct pubsub_side *s);

/* A channel is refused, or not any more: whether it is that of the markers. */
bool pubsub_move_refused(struct pubsub_move *v, struct eio_bytes name);

#endif
