/* SPDX-License-Identifier: MIT */
/* A feed that is being read, for the files that do it. */
#ifndef SRC_FEED_RESTORING_INT_H
#define SRC_FEED_RESTORING_INT_H

#include "src/feed/saving.h"
#include "src/feed/snapshots_int.h"

/* What was read so far. */
struct restoring {
	const struct feed_parts *p;
	struct archive_in *in;
	bool begun; /* the head was there */
	struct ledger *ledger; /* NULL: no client can be recovered any more, or none could */
	bool ledgered; /* it was written with one */
	uint64_t elapsed_ms; /* since it was written */
	uint64_t serial, latest; /* the last number; that of the last broadcast */
	unsigned *feeds; /* for each that was: its number now, or that of no feed; owned */
	size_t n_feeds;
	struct interest **rooms; /* references; owned */
	size_t n_rooms, max_rooms;
	struct feed_state **states; /* NULL: of a feed that is another one now; owned */
	size_t n_states, max_states;
	struct feed_tally *tally;
	const char *why; /* NULL as long as all is well */
};

/* What is next in the record. */
static inline uint64_t
restoring_number(struct restoring *r)
{
	return archive_take_number(r->in);
}

static inline struct eio_bytes
restoring_text(struct restoring *r)
{
	return archive_take_text(r->in);
}

/* Whether it is well so far. A record that was cut, or a number that cannot be, is the end. */
bool restoring_holds(struct restoring *r, bool what_must_be);

/* The same, unless memory is out. */
bool restoring_got(struct restoring *r, bool memory);

/* An age, as it is by now; and what the loop's time was then. */
uint64_t restoring_age(struct restoring *r);
uint64_t restoring_time_of(const struct restoring *r, uint64_t age);

struct sio_room_key restoring_key(struct restoring *r);
bool restoring_is_key(const struct sio_room_key *key);

/* A list of n pointers with room for one more: the same one or its successor; NULL: out of memory, it is as it was. */
void *restoring_room(void *list, size_t n, size_t *max);

/* Passes over the numbers behind one that nobody wants. */
void restoring_skip(struct restoring *r, uint64_t n);

/* Records of restoring_sent.c: what was sent, and what is retained. */
void restoring_read_broadcast(struct restoring *r);
void restoring_read_state(struct restoring *r);
void restoring_read_retained(struct restoring *r);

/* No more states come: nothing is put together for them, and those without a message go. */
void restoring_rest_states(struct restoring *r);

#endif
