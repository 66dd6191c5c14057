/* SPDX-License-Identifier: MIT */
/*
 * Which feeds each channel, pattern, shard channel and stream leads to, and what that makes to subscribe to and to
 * read: of one set of specs, from which its names are borrowed.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_TABLE_H
#define SRC_FEED_TABLE_H

#include "eio/hash.h"
#include "src/feed/message.h"
#include "src/feed/spec.h"
#include "src/redis/streamer.h"

/* What one of them leads to. */
struct feed_route {
	struct eio_hash_node node;
	enum message_kind kind;
	struct eio_bytes name; /* borrowed from the spec */
	size_t n;
	unsigned *feeds; /* owned: indexes, in their order */
};

struct feed_table {
	uint64_t hash_key[2];
	struct eio_hash routes; /* of struct feed_route */
	const char **channels, **patterns, **shards; /* the distinct ones, to subscribe to */
	size_t n_channels, n_patterns, n_shards;
	struct redis_streamer_stream *streams; /* the same, to read */
	size_t n_streams;
	size_t n_demanded; /* feeds on demand, to whose channels and patterns nothing leads: see demand.h */
};

/* What its messages come by. */
static inline enum message_kind
feed_kind_of(const struct feed_spec *f)
{
	if (f->is_stream) return MESSAGE_OF_STREAM;
	if (f->is_shard) return MESSAGE_OF_SHARD;
	return f->is_pattern ? MESSAGE_OF_PATTERN : MESSAGE_OF_CHANNEL;
}

static inline bool
feed_route_is(const struct feed_route *route, enum message_kind kind, struct eio_bytes name)
{
	return route->kind == kind && eio_bytes_eq(route->name, name);
}

/* 0, or -1 when out of memory (nothing to undo then). */
int feed_table_init(struct feed_table *t, const struct feed_specs *specs, const uint64_t hash_key[2]);
void feed_table_deinit(struct feed_table *t); /* all zero is fine */

/* NULL: it leads nowhere. */
struct feed_route *feed_table_find(const struct feed_table *t, enum message_kind kind, struct eio_bytes name);

#endif
