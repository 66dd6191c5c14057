/* SPDX-License-Identifier: MIT */
/* The past of each room, in rings. */
#include "src/feed/history.h"

#include <stdlib.h>

/* An entry as one of its rooms knows it. */
struct history_trace {
	struct eio_list link; /* in room->past.traces */
	struct interest *room; /* a reference */
	struct history_entry *entry;
};

struct history_entry {
	struct eio_list link; /* in the history's */
	uint64_t serial, workers, now_ms;
	uint64_t found; /* by the question of that number */
	struct eio_bundle *bundle; /* a reference */
	struct audience *audience; /* the same, or NULL */
	unsigned messages;
	size_t bytes;
	size_t n;
	struct history_trace traces[];
};

void
history_init(struct history *h, const struct history_limits *limits)
{
	*h = (struct history){ .limits = *limits };
	eio_list_init(&h->entries);
}

static struct history_entry *
first_entry(const struct history *h)
{
	return eio_list_empty(&h->entries) ? NULL : EIO_CONTAINER(h->entries.next, struct history_entry, link);
}

static void
forget_entry(struct history *h, struct history_entry *e)
{
	for (size_t i = 0; i < e->n; i++) {
		struct history_trace *p = &e->traces[i];

		if (p->room->past.forgotten < e->serial) p->room->past.forgotten = e->serial;
		eio_list_remove(&p->link);
		interest_unref(p->room);
	}
	h->messages -= e->messages;
	h->bytes -= e->bytes;
	eio_list_remove(&e->link);
	eio_bundle_unref(e->bundle);
	audience_unref(e->audience);
	free(e);
}

void
history_deinit(struct history *h)
{
	struct history_entry *e;

	while ((e = first_entry(h))) forget_entry(h, e);
}

void
history_lose(struct interest *const *rooms, size_t n_rooms, uint64_t serial)
{
	for (size_t i = 0; i < n_rooms; i++)
		if (rooms[i]->past.forgotten < serial) rooms[i]->past.forgotten = serial;
}

static struct history_entry *
new_history_entry(const struct history_broadcast *b)
{
	size_t size = sizeof(struct history_entry) + b->n_rooms * sizeof(struct history_trace);
	struct history_entry *e = malloc(size);

	if (!e) return NULL;
	*e = (struct history_entry){
		.serial = b->serial,
		.workers = b->workers,
		.now_ms = b->now_ms,
		.bundle = eio_bundle_ref(b->bundle),
		.audience = b->audience ? audience_ref(b->audience) : NULL,
		.messages = b->messages,
		.bytes = size + eio_bundle_size(b->bundle),
		.n = b->n_rooms,
	};
	eio_list_init(&e->link);
	for (size_t i = 0; i < b->n_rooms; i++) {
		e->traces[i] = (struct history_trace){ .room = interest_ref(b->rooms[i]), .entry = e };
		eio_list_init(&e->traces[i].link);
		eio_list_add_tail(&b->rooms[i]->past.traces, &e->traces[i].link);
	}
	return e;
}

static bool
is_over(const struct history *h)
{
	return h->messages > h->limits.messages || h->bytes > h->limits.bytes;
}

void
history_add(struct history *h, const struct history_broadcast *b)
{
	struct history_entry *e = new_history_entry(b);

	history_tick(h, b->now_ms);
	if (!e) {
		history_lose(b->rooms, b->n_rooms, b->serial);
		return;
	}
	eio_list_add_tail(&h->entries, &e->link);
	h->messages += e->messages;
	h->bytes += e->bytes;
	while (is_over(h)) forget_entry(h, first_entry(h));
}

void
history_tick(struct history *h, uint64_t now_ms)
{
	struct history_entry *e;

	while ((e = first_entry(h)) && now_ms - e->now_ms > h->limits.ms) forget_entry(h, e);
}

bool
history_next(const struct history *h, const struct history_entry **at, struct history_broadcast *out)
{
	const struct eio_list *next = *at ? (*at)->link.next : h->entries.next;
	const struct history_entry *e;

	if (next == &h->entries) return false;
	e = EIO_CONTAINER((struct eio_list *)(uintptr_t)next, struct history_entry, link);
	*out = (struct history_broadcast){
		.serial = e->serial,
		.bundle = e->bundle,
		.n_rooms = e->n,
		.audience = e->audience,
		.workers = e->workers,
		.messages = e->messages,
		.now_ms = e->now_ms,
	};
	*at = e;
	return true;
}

struct interest *
history_room_of(const struct history_entry *e, size_t i)
{
	return e->traces[i].room;
}

/* Questions */

/* What was found, with the numbers to put it in order by. */
struct found {
	const struct history_entry **v;
	size_t n, cap, bytes;
};

/* Of revision 3 the id in a namespace other than "/" has its name and a '#' before it. */
static bool
is_id(const struct history_question *q, struct eio_bytes name)
{
	struct eio_bytes nsp = q->rooms[0].room->key.nsp;

	if (eio_bytes_eq(q->id, name)) return true;
	return name.n == nsp.n + 1 + q->id.n && name.p[nsp.n] == '#' && memcmp(name.p, nsp.p, nsp.n) == 0 &&
	       memcmp(name.p + nsp.n + 1, q->id.p, q->id.n) == 0;
}

static bool
is_in(const struct history_question *q, struct eio_bytes name)
{
	if (is_id(q, name)) return true;
	for (size_t i = 0; i < q->n_rooms; i++)
		if (!q->rooms[i].room->key.everyone && eio_bytes_eq(q->rooms[i].room->key.name, name)) return true;
	return false;
}

/* Whether what went to one of his rooms was for him. */
static bool
was_meant(const struct history_question *q, const struct history_room *room, const struct history_entry *e)
{
	const struct audience *a = e->audience;

	if (e->serial <= room->joined && !(e->workers >> room->worker & 1)) return false;
	for (size_t i = 0; a && i < a->n_except; i++)
		if (is_in(q, a->except[i])) return false;
	return true;
}

/* False when out of memory, or when it is too much. */
static bool
take_entry(struct found *f, const struct history_question *q, struct history_entry *e)
{
	if (e->found == q->number) return true;
	e->found = q->number;
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 16;
		const struct history_entry **v = realloc(f->v, cap * sizeof(const struct history_entry *));

		if (!v) return false;
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n++] = e;
	f->bytes += eio_bundle_size(e->bundle);
	return f->bytes <= q->max_bytes;
}

/* Those of one room, from the newest back. */
static enum history_answer
look_at_room(struct found *f, const struct history_question *q, const struct history_room *room)
{
	const struct eio_list *head = &room->room->past.traces;

	if (room->room->past.forgotten > room->after) return HISTORY_GAP;
	for (const struct eio_list *l = head->prev; l != head; l = l->prev) {
		const struct history_trace *p = EIO_CONTAINER(
			(struct eio_list *)(uintptr_t)l, struct history_trace, link);

		if (p->entry->serial <= room->after) break;
		if (was_meant(q, room, p->entry) && !take_entry(f, q, p->entry))
			return f->bytes > q->max_bytes ? HISTORY_TOO_MUCH : HISTORY_NOMEM;
	}
	return HISTORY_ALL;
}

static int
by_serial(const void *a, const void *b)
{
	const struct history_entry *const *x = a, *const *y = b;

	return (*x)->serial < (*y)->serial ? -1 : (*x)->serial > (*y)->serial;
}

/* Puts what was found in order. */
static enum history_answer
order_found(struct found *f, struct history_missed *out)
{
	if (f->n == 0) return HISTORY_ALL;
	qsort(f->v, f->n, sizeof(const struct history_entry *), by_serial);
	out->v = calloc(f->n, sizeof(struct eio_bundle *));
	if (!out->v) return HISTORY_NOMEM;
	for (size_t i = 0; i < f->n; i++) out->v[out->n++] = eio_bundle_ref(f->v[i]->bundle);
	out->bytes = f->bytes;
	return HISTORY_ALL;
}

enum history_answer
history_ask(const struct history_question *q, struct history_missed *out)
{
	enum history_answer a = HISTORY_ALL;
	struct found f = { 0 };

	*out = (struct history_missed){ 0 };
	for (size_t i = 0; i < q->n_rooms && a == HISTORY_ALL; i++) a = look_at_room(&f, q, &q->rooms[i]);
	if (a == HISTORY_ALL) a = order_found(&f, out);
	free(f.v);
	return a;
}

void
history_missed_free(struct history_missed *m)
{
	for (size_t i = 0; i < m->n; i++) eio_bundle_unref(m->v[i]);
	free(m->v);
	*m = (struct history_missed){ 0 };
}
