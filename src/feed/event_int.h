/* SPDX-License-Identifier: MIT */
/* For src/feed/ only. */
#ifndef SRC_FEED_EVENT_INT_H
#define SRC_FEED_EVENT_INT_H

#include "src/feed/feed_int.h"

/* Puts an event that no feed made into the order of all, as feed_out_event() does, for an audience that may lie on a
 * stack: of *e the other fields are set. Returns how many workers do not get it. */
unsigned feed_event_send(struct feed_out *o, const struct feed_event *e, const struct audience *a);

#endif
