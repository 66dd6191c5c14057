/* SPDX-License-Identifier: MIT */
/* Events that no feed made, on their way to be remembered: whom they are for. */
#include "src/feed/event_int.h"

#include <stdlib.h>

static void
free_rooms(struct interest **rooms, size_t n)
{
	for (size_t i = 0; i < n; i++) interest_unref(rooms[i]);
	free(rooms);
}

/* NULL when out of memory. */
static struct interest **
rooms_of(struct interest_table *t, const struct audience *a)
{
	size_t n = audience_keys(a), i = 0;
	struct interest **rooms = calloc(n, sizeof(struct interest *));

	if (!rooms) return NULL;
	while (i < n && (rooms[i] = interest_get(t, audience_key(a, i)))) i++;
	if (i == n) return rooms;
	free_rooms(rooms, i);
	return NULL;
}

unsigned
feed_event_send(struct feed_out *o, const struct feed_event *like, const struct audience *a)
{
	struct interest **rooms = rooms_of(o->options->interest, a);
	bool wide = audience_keys(a) > 1 || a->n_except;
	struct feed_event e = *like;
	unsigned dropped = 1;

	e.rooms = rooms;
	e.n_rooms = audience_keys(a);

	if (!rooms) return dropped;
	if (wide) e.audience = audience_new(a);
	if (e.audience || !wide) dropped = feed_out_event(o, &e);
	audience_unref(e.audience);
	free_rooms(rooms, e.n_rooms);
	return dropped;
}
