/* SPDX-License-Identifier: MIT */
/* What the files about sources share. For src/feed/ only. */
#ifndef SRC_FEED_INTAKES_INT_H
#define SRC_FEED_INTAKES_INT_H

#include "src/feed/intakes.h"
#include "src/feed/primes.h"

#define FEED_INTAKE_MAGIC 0xfeed0002

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
	bool rests; /* its source has told that, while it goes over */
	bool leaves; /* its source is about to go, and takes back what it has refused */
	bool settles; /* it has not said yet what is missing since then; or: */
	bool past; /* what was there before is still to come */
};

static inline bool
feed_intake_is_of_streams(const struct feed_intake *in)
{
	return (in - in->all->v) % FEED_INTAKES == FEED_INTAKE_STREAMS;
}

static inline enum feed_intake_kind
feed_intake_kind(const struct feed_intake *in)
{
	return (enum feed_intake_kind)((in - in->all->v) % FEED_INTAKES);
}

/* By which the messages of a feed come. */
static inline enum feed_intake_kind
feed_intake_kind_of(const struct feed_spec *f)
{
	if (f->is_stream) return FEED_INTAKE_STREAMS;
	if (f->is_shard) return FEED_INTAKE_SHARDS;
	return f->subscribe == FEED_SUBSCRIBE_ON_DEMAND ? FEED_INTAKE_DEMANDED : FEED_INTAKE_PUBLISHED;
}

/* Whether a table has something for it. */
static inline bool
feed_intake_is_wanted(const struct feed_intake *in, const struct feed_table *table)
{
	switch (feed_intake_kind(in)) {
	case FEED_INTAKE_STREAMS: return table->n_streams > 0;
	case FEED_INTAKE_DEMANDED: return table->n_demanded > 0;
	case FEED_INTAKE_SHARDS: return table->n_shards > 0;
	default: return table->n_channels + table->n_patterns > 0;
	}
}

/* intakes.c: what a source tells, where the marker of a line is among the messages, or not. */
const struct source_events *feed_intake_events(const struct feed_intake *in, bool line);

/* intake_demanded.c: what a source of channels on demand tells. */
extern const struct source_events feed_demanded_events;

/* intake_state.c, for all kinds: what they tell; what is refused, as it shows, and that nothing is by a source that
 * goes while its feeds stay; it has said what is missing; and what feeds have heard of other servers while those are
 * read was forgotten, too. */
void feed_intake_on_state(void *user, bool ready);
void feed_intake_on_settled(void *user);
void feed_intake_count_refused(struct feed_intake *in, bool refused);
void feed_intake_forget_refused(struct feed_intake *in);
void feed_intake_settle(struct feed_intake *in);
void feed_intake_read_others(const struct feed_intake *in);

/* What one is opened with, for feeds that may be others than the router's. */
struct source_options feed_intake_options(
	struct feed_intake *in, const struct feed_table *table, const struct feed_specs *specs);

/* Opens its source, which is wanted. */
void feed_intake_begin(struct feed_intake *in);

/* A source with these, or NULL when out of memory. */
struct source *feed_intake_open(struct feed_intake *in, const struct source_options *o);

/* intake_places.c: forgets them. */
void feed_intake_forget_places(struct feed_intake *in);

/* Notes how far its source has read, in the place of what was noted before. */
void feed_intake_note(struct feed_intake *in);

/* The line of its server; NULL: what it brings are entries, or what comes by shard channels. */
static inline struct feed_prime_line *
feed_intake_line(const struct feed_intake *in)
{
	size_t i = (size_t)(in - in->all->v);

	return i % FEED_INTAKES == FEED_INTAKE_PUBLISHED ? in->all->lines[i / FEED_INTAKES] : NULL;
}

/* The functions of source number i. */
static inline const struct source_ops *
feed_intake_ops(const struct feed_intakes *all, size_t i)
{
	const struct feed_options *o = all->options;

	if (i % FEED_INTAKES == FEED_INTAKE_STREAMS) return o->streams;
	if (i % FEED_INTAKES == FEED_INTAKE_DEMANDED) return o->demanded;
	if (i % FEED_INTAKES == FEED_INTAKE_SHARDS) return o->shards;
	return o->replicates && o->replicates[i / FEED_INTAKES] ? o->replicated : o->published;
}

/* intake_tracks.c */

/* Something of it may be missing: of a stream, or of what is published. */
void feed_intake_break(const struct feed_intake *in, enum message_kind kind, struct eio_bytes name);

/* Connected anew, or not any more: what is published meanwhile is lost, but not entries, nor what is replicated, of
 * which a gap tells. */
void feed_intake_note_state(const struct feed_intake *in);

/* What was there of it before is over, if it was not: nothing is known of what has not come, where it has not ended. */
void feed_intake_leave_past(struct feed_intake *in);

/* What was there before: an entry, and the end of a stream's. */
void feed_intake_on_past(void *user, struct message *m);
void feed_intake_on_past_end(void *user, struct eio_bytes name, const struct redis_id *from);

/* Where an entry is. */
void feed_intake_find_place(const struct feed_intake *in, struct message *m);

#endif
