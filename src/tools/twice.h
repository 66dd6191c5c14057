/* SPDX-License-Identifier: MIT */
/* Who gets the same event of a message by two feeds. */
#ifndef SRC_TOOLS_TWICE_H
#define SRC_TOOLS_TWICE_H

#include "eio/bytes.h"
#include "src/feed/audience.h"

struct twice;

/* NULL when out of memory; for twice_free(). */
struct twice *twice_new(void);
void twice_free(struct twice *t); /* NULL is fine */

/* Notes that a feed sends an event to an audience. Returns the number of a feed before it that sends the same event to
 * somebody who may be in that audience, too, or -1. Out of memory nothing is noted. */
long twice_add(struct twice *t, unsigned feed, struct eio_bytes event, const struct audience *a);

#endif
