/* SPDX-License-Identifier: MIT */
/* For src/feed/ only. */
#ifndef SRC_FEED_RECALL_INT_H
#define SRC_FEED_RECALL_INT_H

#include "src/feed/elsewhere.h"
#include "src/feed/store.h"

/* Takes a question, or its way back, on the feed's thread; it belongs to the feed then. */
void feed_recall_take(struct feed_out *o, struct feed_recall *r, uint64_t now_ms);

enum { FEED_RECALL_WAIT_MS = 1000 };

/* Asks again about those in o->early, who have something that had not come here yet. */
void feed_recall_again(struct feed_out *o, uint64_t now_ms);

/* Answers a question about a session of another siocast, which is the feed's then: `who` says what is known there of
 * its client. */
void feed_recall_take_in(struct feed_router *router, struct feed_recall *r, struct feed_session *s,
	const struct feed_stranger *who, uint64_t now_ms);

/* What Redis had of a recall's session: as store_options.taken, with the struct feed_out. */
void feed_recall_taken(void *user, struct feed_recall *r, enum store_taken how, struct eio_bytes value);

#endif
