/* SPDX-License-Identifier: MIT */
/* What the files about sources share. For src/feed/ only. */
#ifndef SRC_FEED_INTAKES_INT_H
#define SRC_FEED_INTAKES_INT_H

#include "src/feed/intakes.h"
#include "src/feed/primes.h"

#define FEED_INTAKE_MAGIC 0xfeed0002

/* What messages come by, from one server: what is published there, its streams, and its shard channels. */
enum { INTAKE_PUBLISHED, INTAKE_STREAMS, INTAKE_SHARDS, INTAKES };

/* Which of them a feed is of. */
static inline unsigned
feed_intake_kind(const struct feed_spec *f)
{
	if (f->is_stream) return INTAKE_STREAMS;
	return f->is_shard ? INTAKE_SHARDS : INTAKE_PUBLISHED;
}

/* Whether one of such a kind has something to bring. */
static inline bool
feed_intake_kind_is_wanted(unsigned kind, const struct feed_table *table)
{
	if (kind == INTAKE_STREAMS) return table->n_streams > 0;
	return kind == INTAKE_SHARDS ? table->n_shards > 0 : table->n_channels + table->n_patterns > 0;
}

struct feed_intake {
	unsigned magic;
	struct feed_intakes *all;
	struct feed_prime_line *line; /* borrowed, while it is wanted; NULL: what comes is for feeds, all of it */
	unsigned track; /* of what is published, or of its first stream: see journal.h; 0 without one */
	struct source *source; /* feed thread only; NULL before the start and after the end */
	atomic_bool wanted; /* there is something to be had from it; feed thread only writes */
	struct source *next; /* what was prepared to take the place of the source; or NULL */
	bool prepared; /* the source itself was */
	atomic_bool subscribed;
	atomic_uint refused; /* how many channels and patterns */
	struct source_place *places; /* owned, with their texts */
	size_t n_places;
	bool settles; /* it has not said yet what is missing since then */
};

static inline bool
feed_intake_is_of_streams(const struct feed_intake *in)
{
	return (in - in->all->v) % INTAKES == INTAKE_STREAMS;
}

/* intakes.c: what a source tells, where the marker of a line is among the messages, or not. */
const struct source_events *feed_intake_events(bool line);

/* What one is opened with, for feeds that may be others than the router's. */
struct source_options feed_intake_options(
	struct feed_intake *in, const struct feed_table *table, const struct feed_specs *specs);

/* A source with these, or NULL when out of memory. */
struct source *feed_intake_open(struct feed_intake *in, const struct source_options *o);

/* Notes how far its source has read, in the place of what was noted before. */
void feed_intake_note(struct feed_intake *in);

/* The line of its server; NULL: what it brings are entries, or what comes by shard channels. */
static inline struct feed_prime_line *
feed_intake_line(const struct feed_intake *in)
{
	size_t i = (size_t)(in - in->all->v);

	return i % INTAKES == INTAKE_PUBLISHED ? in->all->lines[i / INTAKES] : NULL;
}

/* The functions of source number i. */
static inline const struct source_ops *
feed_intake_ops(const struct feed_intakes *all, size_t i)
{
	const struct feed_options *o = all->options;

	if (i % INTAKES == INTAKE_STREAMS) return o->streams;
	if (i % INTAKES == INTAKE_SHARDS) return o->shards;
	return o->replicates && o->replicates[i / INTAKES] ? o->replicated : o->published;
}

/* intake_tracks.c */

/* Something of it may be missing: of a stream, or of what is published. */
void feed_intake_break(const struct feed_intake *in, enum message_kind kind, struct eio_bytes name);

/* Connected anew, or not any more: what is published meanwhile is lost, but not entries, nor what is replicated, of
 * which a gap tells. */
void feed_intake_note_state(const struct feed_intake *in);

/* Where an entry is. */
void feed_intake_find_place(const struct feed_intake *in, struct message *m);

#endif
