/* SPDX-License-Identifier: MIT */
/*
 * Sessions that were stored become those of clients here. For src/feed/ only.
 *
 * Threads: the feed's.
 */
#ifndef SRC_FEED_STRANGER_H
#define SRC_FEED_STRANGER_H

#include "src/feed/elsewhere.h"
#include "src/feed/recall.h"

/* Somebody arrives. */
struct feed_arrival {
	struct feed_session *session; /* whoever takes it in owns it */
	struct feed_stranger who;
	struct feed_stranger_room *rooms; /* owned */
};

/* Whether what stood in Redis is of this process. */
bool feed_arrival_is_ours(const struct feed_out *o, const struct feed_recall *r);

/* Makes of what stood in Redis what feed_recall_take_in() wants; its bytes are the recall's. False when it is another's
 * session, or another's feeds', or is nothing that was stored, or memory is out: nothing is owned then. */
bool feed_arrival_make(struct feed_arrival *a, const struct feed_out *o, const struct feed_recall *r);
void feed_arrival_deinit(struct feed_arrival *a);

#endif
