/* SPDX-License-Identifier: MIT */
/*
 * What the feeds do for clients that come from another siocast on the same sources, or may go to one: they leave in an
 * order that both know (standing.h), and what somebody missed elsewhere is put together again. For src/feed/ only; all
 * of it only where there is a journal.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_ELSEWHERE_H
#define SRC_FEED_ELSEWHERE_H

#include "src/feed/feed_int.h"

/* A message comes, for these feeds; it is through. */
void feed_router_begin(struct feed_router *r, const struct message *m, const unsigned *feeds, size_t n);
void feed_router_end(struct feed_router *r, uint64_t now_ms);

/* A feed has a stream for it, which is connected. */
void feed_router_note(struct feed_router *r, const struct message *m, const struct feed_stream *stream, unsigned feed);

/* A feed has taken it, or not; it may have begun to fill a batch. */
void feed_router_taken(struct feed_router *r, const struct feed_at_work *s, enum feed_fate fate);

/* Has leave what is due, or all that waits, class by class. */
void feed_router_leave(struct feed_router *r, uint64_t now_ms, bool all);

/* The same with all that a feed has waiting, with or without a journal. */
void feed_router_flush(struct feed_at_work *s, uint64_t now_ms);

/* A batch of a feed leaves. */
void feed_router_leaves(struct feed_router *r, const struct feed_batch *b);

/* Somebody from another siocast. All texts are offsets as that gave them (offset.h). */
struct feed_stranger {
	struct eio_bytes has; /* of the last event that he has; empty: of none */
	struct eio_bytes must; /* of one that was for him alone, which he must have; empty: none was */
	struct eio_bytes id; /* of his socket */
	const struct feed_stranger_room {
		struct interest *room;
		struct eio_bytes joined; /* how far that siocast was when he came there */
	} * rooms; /* everyone's is the first */
	size_t n_rooms;
	size_t max_bytes; /* he can take no more */
};

/* What he missed, as new bundles. What waits in the feeds leaves first. Their offsets have the serial number that the
 * ledger has then, and own numbers from 1 on: who has the last of them has all. HISTORY_ALL: *out is it. What came up
 * to a second, and an interval, before he did may be in it. */
enum history_answer feed_router_missed(
	struct feed_router *r, const struct feed_stranger *who, struct history_missed *out, uint64_t now_ms);

#endif
