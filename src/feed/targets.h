/* SPDX-License-Identifier: MIT */
/*
 * Where one message goes: its namespace, its rooms, and who shall not get it. Each name
 * stands there once, in an order that does not depend on the message, so that the same rooms
 * are always the same stream.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_TARGETS_H
#define SRC_FEED_TARGETS_H

#include "src/feed/audience.h"
#include "src/feed/fate.h"
#include "src/feed/spec.h"

/* So many rooms one message goes to at most, and so many are excepted. */
#define FEED_MAX_ROOMS 1000

/* Names on their way into order. */
struct feed_name_list {
	struct eio_bytes v[FEED_MAX_ROOMS];
	size_t n;
};

/* Memory for one message, kept from one to the next. */
struct feed_targets {
	struct eio_buf bytes; /* all names, one behind the other */
	struct template_names names;
	struct feed_name_list rooms, except;
	struct eio_buf key;
};

/* Makes it in *t where that is NULL. NULL when out of memory. */
struct feed_targets *feed_targets_make(struct feed_targets **t);
void feed_targets_free(struct feed_targets *t); /* NULL is fine */

/* Finds where a message goes. FEED_FATE_TAKEN: the namespace and rooms are in *audience, whose bytes are valid until
 * the next call. */
enum feed_fate feed_targets_find(
	struct feed_targets *t, const struct feed_spec *f, const struct template_input *in, struct audience *audience);

/* Whether one target is all of it, and which: then a stream goes there as any other. */
bool feed_targets_single(const struct audience *audience, struct sio_room_key *target);

/* The name of an audience within its namespace, as netstrings: "1:a,2:bc,-3:def," is rooms "a" and "bc" without "def".
 * Valid until the next call. p is NULL when out of memory. */
struct eio_bytes feed_targets_name(struct feed_targets *t, const struct audience *audience);

#endif
