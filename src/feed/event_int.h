/* SPDX-License-Identifier: MIT */
/* For src/feed/ only. */
#ifndef SRC_FEED_EVENT_INT_H
#define SRC_FEED_EVENT_INT_H

#include "src/feed/feed_int.h"

/* Puts an event that no feed made into the order of all, as feed_out_event() does, for an audience that may lie on a
 * stack. Returns how many workers do not get it. */
unsigned feed_event_send(
	struct feed_out *o, struct eio_bundle *bundle, const struct audience *a, uint64_t stream, uint64_t now_ms);

#endif
