/* SPDX-License-Identifier: MIT */
/* A list of (feed, namespace, event, room), in which rooms are compared; few feeds are for one message. */
#include "src/tools/twice.h"

#include "eio/buf.h"

#include <stdlib.h>

/* How a message is published, a bit each. */
enum { WAY_PUBLISH = 1, WAY_SPUBLISH = 2, WAY_XADD = 4, WAY_POST = 8 };

struct twice_entry {
	unsigned feed, ways; /* ways: that lead to it */
	bool everyone;
	size_t nsp_n, event_n, room_n; /* bytes, which lie one behind the other */
	size_t at;
};

struct twice {
	struct twice_entry *v;
	size_t n, cap;
	struct eio_buf bytes;
	bool posted;
};

struct twice *
twice_new(bool posted)
{
	struct twice *t = calloc(1, sizeof *t);

	if (t) t->posted = posted;
	return t;
}

void
twice_free(struct twice *t)
{
	if (!t) return;
	eio_buf_deinit(&t->bytes);
	free(t->v);
	free(t);
}

static bool
meets(const struct twice *t, const struct twice_entry *e, struct eio_bytes nsp, struct eio_bytes event,
	const struct eio_bytes *room)
{
	const char *p = t->bytes.p + e->at;

	if (!eio_bytes_eq(eio_bytes(p, e->nsp_n), nsp) || !eio_bytes_eq(eio_bytes(p + e->nsp_n, e->event_n), event))
		return false;
	return e->everyone || !room || eio_bytes_eq(eio_bytes(p + e->nsp_n + e->event_n, e->room_n), *room);
}

static void
note_audience(
	struct twice *t, struct twice_entry e, struct eio_bytes nsp, struct eio_bytes event, struct eio_bytes room)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		struct twice_entry *v = realloc(t->v, cap * sizeof *v);

		if (!v) return;
		t->v = v;
		t->cap = cap;
	}
	e.at = t->bytes.n;
	e.nsp_n = nsp.n;
	e.event_n = event.n;
	e.room_n = room.n;
	eio_buf_add(&t->bytes, nsp);
	eio_buf_add(&t->bytes, event);
	eio_buf_add(&t->bytes, room);
	if (!eio_buf_failed(&t->bytes)) t->v[t->n++] = e;
}

/* Without Redis what is published reaches channels, patterns and shard channels alike. */
static unsigned
ways_to(const struct twice *t, enum message_kind kind)
{
	unsigned post = t->posted ? WAY_POST : 0;

	if (kind == MESSAGE_OF_STREAM) return WAY_XADD;
	return post | (kind == MESSAGE_OF_SHARD ? WAY_SPUBLISH : WAY_PUBLISH);
}

/* Looks at one more that was noted: the first one counts that messages of Redis reach, too, or else the first one. */
static void
find_twice(const struct twice_entry *e, unsigned ways, struct twice_found *found)
{
	bool only_posted = (ways & e->ways) == WAY_POST;

	if (!(ways & e->ways) || (found->feed >= 0 && only_posted)) return;
	*found = (struct twice_found){ e->feed, only_posted };
}

struct twice_found
twice_add(struct twice *t, unsigned feed, enum message_kind kind, struct eio_bytes event, const struct audience *a)
{
	struct twice_entry e = { .feed = feed, .ways = ways_to(t, kind), .everyone = a->n_rooms == 0 };
	struct twice_found found = { .feed = -1 };
	size_t known = t->n;

	for (size_t i = 0; i < audience_keys(a); i++) {
		const struct eio_bytes *room = a->n_rooms ? &a->rooms[i] : NULL;

		for (size_t k = 0; k < known && (found.feed < 0 || found.only_posted); k++)
			if (meets(t, &t->v[k], a->nsp, event, room)) find_twice(&t->v[k], e.ways, &found);
		note_audience(t, e, a->nsp, event, room ? *room : EIO_LIT(""));
	}
	return found;
}
