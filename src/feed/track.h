/* SPDX-License-Identifier: MIT */
/*
 * What one source sent lately, in its order, which is the same for every siocast that reads the same: so a place that
 * one of them names can be found by another.
 *
 *     … m7 m8 m9 m10 m11        the n-th message here is any other number there; its place is the same
 *                     └ place
 *
 * An entry of a stream has its id for a place. What is published has none: there it is a fingerprint of the last
 * messages up to that one, and the time. Where messages repeat, a fingerprint may stand for two places:
 *
 *     | ← 2 tolerances → |                 a fingerprint that came before within that time is no place, there
 *     ……………………………………… p                 nor here; who names one, and who looks for it, must have all of that
 *             | ← T → | τ | ← T → |         time before it; and the times of both differ by one tolerance at most
 *
 * So when clocks, and the ways from the source, differ by less than a tolerance, what is found is the place, or
 * nothing is found, however often anything repeats. (Fingerprints of different messages are the same once in 2^48.)
 *
 * No I/O and no clock. Threads: the feed's only.
 */
#ifndef SRC_FEED_TRACK_H
#define SRC_FEED_TRACK_H

#include "eio/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TRACK_WINDOW = 32, /* messages in a fingerprint: by the dozen they seldom repeat */
	TRACK_FINGERPRINT_BITS = 48,
	TRACK_TOLERANCE_S = 5, /* clocks that are kept differ by milliseconds; reading a source may be late by more */
	TRACK_TIME_BITS = 18, /* seconds of three days: longer than anything is remembered */
};

struct track_place {
	uint64_t a, b; /* of an entry: both parts of its id; or a fingerprint, and the seconds since 1970 */
};

/* A message that is kept: where it is, and what its owner keeps with it. */
struct track_slot {
	struct track_place place;
	uint64_t older; /* the number of one before it in its bucket, and 1; 0: there is none */
	bool has_place;
	bool clear; /* of a fingerprint: all of the time before is known, and it did not come in that */
	void *kept; /* or NULL */
};

struct track {
	bool hashed; /* places are fingerprints */
	struct track_slot *v; /* a ring of cap, a power of two; owned */
	uint64_t *newest; /* for each bucket, of which there are as many: the number of its newest, and 1; owned */
	size_t cap;
	uint64_t begin, end; /* the numbers of the first one kept, and of the next one to come */
	struct track_slot base; /* the one before the first that is kept, if has_place; older and kept mean nothing */
	uint64_t window[TRACK_WINDOW]; /* hashes of the last messages */
	uint64_t fingerprint; /* of all of these */
	uint64_t whole; /* messages since something was missing */
	uint64_t whole_s; /* since when every message has a place, where places are fingerprints */
	uint64_t power; /* of the base, for what leaves the window */
};

/* An empty one. now_s: the time. What is kept in slots is the owner's. */
void track_init(struct track *t, bool hashed, uint64_t now_s);
void track_deinit(struct track *t);

/* The place where it begins, before there is any message. */
void track_begin_at(struct track *t, struct track_place place);

/* The next message: with a place of its own, or a hash under a key that all know. False when out of memory: then it is
 * missing, and track_break() is to be called. */
bool track_add(struct track *t, struct track_place place);
bool track_add_hashed(struct track *t, uint64_t hash, uint64_t now_s);

/* Something is missing behind what came so far: nothing of that can be found any more. What was kept must have been
 * taken away. */
void track_break(struct track *t, uint64_t now_s);

/* The n-th, which is kept. */
static inline struct track_slot *
track_slot(const struct track *t, uint64_t n)
{
	return &t->v[n & (t->cap - 1)];
}

/* Forgets the first one. */
void track_forget(struct track *t);

/* The place of the last one; false when it has none. */
bool track_last(const struct track *t, struct track_place *out);

/* Finds the number of the one at a place, of the time of which only the lowest TRACK_TIME_BITS count; it may be the one
 * before the first that is kept. False when it is not there, or it is not known which it is. */
bool track_find(const struct track *t, struct track_place place, uint64_t *n);

/* Whether a place that is not found may be one of what is still to come. */
bool track_may_come(const struct track *t, struct track_place place);

/* The hash of what was published, for track_add_hashed(). */
uint64_t track_hash(unsigned kind, struct eio_bytes name, struct eio_bytes channel, struct eio_bytes payload);

#endif
