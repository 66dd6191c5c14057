/* SPDX-License-Identifier: MIT */
/* For src/feed/ only. */
#ifndef SRC_FEED_RECALL_INT_H
#define SRC_FEED_RECALL_INT_H

#include "src/feed/feed_int.h"

/* Takes a question, or its way back, on the feed's thread; it belongs to the feed then. */
void feed_recall_take(struct feed_out *o, struct feed_recall *r, uint64_t now_ms);

#endif
