/* SPDX-License-Identifier: MIT */
/* A list of (feed, namespace, event, room), in which rooms are compared; few feeds are for one message. */
#include "src/tools/twice.h"

#include "eio/buf.h"

#include <stdlib.h>

struct twice_entry {
	unsigned feed;
	bool everyone;
	size_t nsp_n, event_n, room_n; /* bytes, which lie one behind the other */
	size_t at;
};

struct twice {
	struct twice_entry *v;
	size_t n, cap;
	struct eio_buf bytes;
};

struct twice *
twice_new(void)
{
	return calloc(1, sizeof(struct twice));
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

long
twice_add(struct twice *t, unsigned feed, struct eio_bytes event, const struct audience *a)
{
	struct twice_entry e = { .feed = feed, .everyone = a->n_rooms == 0 };
	size_t known = t->n;
	long found = -1;

	for (size_t i = 0; i < (a->n_rooms ? a->n_rooms : 1); i++) {
		const struct eio_bytes *room = a->n_rooms ? &a->rooms[i] : NULL;

		for (size_t k = 0; found < 0 && k < known; k++)
			if (meets(t, &t->v[k], a->nsp, event, room)) found = (long)t->v[k].feed;
		note_audience(t, e, a->nsp, event, room ? *room : EIO_LIT(""));
	}
	return found;
}
