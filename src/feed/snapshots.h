/* SPDX-License-Identifier: MIT */
/*
 * Snapshots: what is retained, found by room, for those who join. A state is encoded once for all who come before it
 * changes again.
 *
 *     keeper (one for each feed that retains) ── states, by stream ── link ──▶ rooms: which states go there
 *                                                  └─ bundle, while it is warm          ▲
 *     stream ── retained ──▶ state, which outlives it                         answer ───┘
 *
 * A state that goes to several rooms has a link for each, and for each that is excepted. What a socket has, because it
 * was in one of them before, and what it is excepted from are marked with the number of its question first; then what
 * goes to the rooms it joins is taken where there is no mark, and marked: so each comes once.
 *
 * Threads: the feed's only, but for `wide`.
 */
#ifndef SRC_FEED_SNAPSHOTS_H
#define SRC_FEED_SNAPSHOTS_H

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/feed/ask.h"
#include "src/feed/stream.h"

#include <stdatomic.h>

#define FEED_SNAPSHOT_WARM_MS 1000 /* so long an encoded state is kept for the next who joins */
#define FEED_SNAPSHOT_WARM_BYTES ((size_t)32 << 20) /* and so much of them: those used longest ago go */

struct feed_state;

/* Of all feeds. */
struct feed_snapshots {
	uint64_t hash_key[2];
	struct eio_hash rooms; /* of links */
	struct eio_list warm; /* states with a bundle, that used longest ago first */
	size_t warm_bytes;
	uint64_t serial; /* of questions */
	uint64_t born; /* states so far */
	struct feed_state **found; /* owned: for the question at hand */
	size_t n_found, max_found;
	size_t answer_bytes; /* for more there is another answer */
	atomic_bool wide; /* some state went to several rooms, or not to all of one: what a socket has must be told */
};

/* answer_bytes: of what a client gets at once, of one state and of several rooms. 0, or -1 when out of memory. */
int feed_snapshots_init(struct feed_snapshots *s, const uint64_t hash_key[2], size_t answer_bytes);

/* Every keeper must be gone. */
void feed_snapshots_deinit(struct feed_snapshots *s);

/* Puts the answer into a question. */
void feed_snapshots_answer(struct feed_snapshots *s, struct feed_ask *a, uint64_t now_ms);

/* Forgets bundles that nobody has asked for; and when there will be some, UINT64_MAX: never. */
void feed_snapshots_tick(struct feed_snapshots *s, uint64_t now_ms);
uint64_t feed_snapshots_deadline(const struct feed_snapshots *s);

/* What one feed retains. All zero: nothing. */
struct feed_keeper {
	struct feed_snapshots *all; /* NULL: it retains nothing */
	const struct feed_spec *spec;
	struct metrics *metrics; /* the feed's */
	struct retain retain;
	struct eio_hash states; /* of struct feed_state, by their stream's hash */
	struct eio_buf key; /* of the message at hand */
	struct log_limit full; /* lines about messages that had no room */
	size_t shown_n, shown_bytes; /* what the metrics say */
	uint64_t shown_dropped;
};

/* All are borrowed. 0, or -1 when out of memory: it retains nothing then. */
int feed_keeper_init(
	struct feed_keeper *k, struct feed_snapshots *all, const struct feed_spec *spec, struct metrics *metrics);
void feed_keeper_deinit(struct feed_keeper *k);

/* Goes on for another spec, which retains in the same way, with metrics that go on with those before. */
void feed_keeper_change(struct feed_keeper *k, const struct feed_spec *spec, struct metrics *metrics);

/* Gives a stream its state, the one that it had before. It is connected with its crowd, where it is wide. False when
 * out of memory. */
bool feed_keeper_connect(struct feed_keeper *k, struct feed_stream *stream);

/* The stream goes. */
void feed_keeper_release(struct feed_keeper *k, struct feed_stream *stream);

/* What is to be noted of a message as it came; its key is valid until the next call. False when out of memory. */
bool feed_keeper_note(struct feed_keeper *k, const struct message *m, struct retain_note *note);

/* Drops what has become too old, and shows what there is. */
void feed_keeper_tidy(struct feed_keeper *k, uint64_t now_ms);

#endif
