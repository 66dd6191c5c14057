/* SPDX-License-Identifier: MIT */
/*
 * Channels that come and go (redis/channels.h), whose server may come to be another one: then there are two connections
 * for a moment, and what is said is as if there were one, without missing a message and without taking one twice, see
 * crossing.h. All is as it is there, where nothing else is said.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_SOURCE_MOVABLE_H
#define SRC_SOURCE_MOVABLE_H

#include "src/feed/source.h"
#include "src/redis/channels.h"

struct movable;

struct movable *movable_open(uv_loop_t *loop, const struct redis_channels_options *options);

int movable_want(struct movable *m, enum redis_channel_kind kind, struct eio_bytes name);
void movable_leave(struct movable *m, enum redis_channel_kind kind, struct eio_bytes name);
bool movable_has(const struct movable *m, enum redis_channel_kind kind, struct eio_bytes name);
void movable_mark(struct movable *m);
bool movable_passed_mark(struct movable *m);
void movable_flush(struct movable *m);
void movable_set_pause(struct movable *m, bool may_pause);
void movable_tell_refused(const struct movable *m, bool refused);
int movable_hand(const struct movable *m, struct eio_buf *text);
void movable_close(struct movable *m);

/* The url that it was opened with leads to another address than it is connected to: goes over to that; see
 * source_ops.move, with `user` for the events. */
void movable_move(struct movable *m, const struct redis_url *old, const struct source_move_events *events, void *user);

#endif
