/* SPDX-License-Identifier: MIT */
/* Walks over sessions and rooms; of each kind the first are kept in order. */
#include "src/clients/top.h"

#include "src/clients/clients_int.h"

#include <stdlib.h>

enum { PIECE = 256 }; /* buckets in a turn, each with one session or room on average: 20 to 50 µs */

/* The walk over one kind of things. */
struct top_walk {
	struct clients_top *top;
	size_t seen;
};

int
clients_top_init(struct clients_top *t, unsigned max)
{
	struct clients_top_entry *all = calloc((size_t)max * CLIENTS_TOP_KINDS, sizeof *all);

	CHECK(max > 0);
	if (!all) return -1;
	*t = (struct clients_top){ .max = max };
	for (size_t i = 0; i < CLIENTS_TOP_KINDS; i++) t->lists[i].v = all + i * max;
	return 0;
}

void
clients_top_deinit(struct clients_top *t)
{
	free(t->lists[0].v);
	t->lists[0].v = NULL;
}

/* A growing table may show a thing twice: then it is the same entry, with the newer number. */
static void
drop_top_entry(struct clients_top_list *l, const void *what)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].what != what) continue;
		memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof l->v[0]);
		l->n--;
		return;
	}
}

/* The place of a thing with that number, all zero but for these two; NULL when it is not among the first. */
static struct clients_top_entry *
place_top_entry(struct clients_top *t, enum clients_top_kind kind, const void *what, uint64_t by)
{
	struct clients_top_list *l = &t->lists[kind];
	size_t i;

	if (by == 0) return NULL;
	if (l->n == t->max && by <= l->v[l->n - 1].by) return NULL;
	drop_top_entry(l, what);
	if (l->n == t->max) l->n--;
	for (i = l->n; i > 0 && l->v[i - 1].by < by; i--) l->v[i] = l->v[i - 1];
	l->n++;
	l->v[i] = (struct clients_top_entry){ .by = by, .what = what };
	return &l->v[i];
}

/* Puts a name behind what is there, as far as there is room. Returns how much of it there is. */
static unsigned short
put_name(struct clients_top_entry *e, size_t at, struct eio_bytes name)
{
	size_t n = name.n < sizeof e->text - at ? name.n : sizeof e->text - at;

	if (n) memcpy(e->text + at, name.p, n);
	return (unsigned short)n;
}

static void
visit_client(void *user, struct eio_socket *s)
{
	struct top_walk *w = user;
	struct clients_top_entry *e = place_top_entry(w->top, CLIENTS_TOP_SLOWEST, s, eio_socket_backlog(s));

	w->seen++;
	if (!e) return;
	e->revision = (unsigned char)eio_socket_revision(s);
	e->transport = eio_socket_transport(s);
	e->name_n = put_name(e, 0, eio_cstr(eio_socket_sid(s)));
	eio_socket_connection(s, &e->connection);
}

static void
note_room(struct clients_top *t, enum clients_top_kind kind, const struct sio_room *room, uint64_t by)
{
	struct clients_top_entry *e = place_top_entry(t, kind, room, by);

	if (!e) return;
	e->members = room->n;
	e->bytes = room->bytes;
	e->everyone = room->key.everyone;
	e->nsp_n = put_name(e, 0, room->key.nsp);
	if (!e->everyone) e->name_n = put_name(e, e->nsp_n, room->key.name);
}

static void
visit_room(void *user, struct eio_hash_node *n)
{
	struct top_walk *w = user;
	const struct sio_room *room = EIO_CONTAINER(n, struct sio_room, node);

	if (room->key.aside) return;
	w->seen++;
	note_room(w->top, CLIENTS_TOP_MEMBERS, room, room->n);
	note_room(w->top, CLIENTS_TOP_BYTES, room, room->bytes);
}

bool
clients_top_step(struct clients_top *t, struct clients *c, struct eio_server *server)
{
	struct top_walk w = { .top = t };
	bool more;

	t->turns++;
	if (t->at_rooms) {
		more = eio_hash_walk(&c->rooms.rooms, &t->at, PIECE, visit_room, &w);
		t->rooms += w.seen;
		return more;
	}
	more = eio_server_walk(server, &t->at, PIECE, visit_client, &w);
	t->sessions += w.seen;
	if (more) return true;
	t->at_rooms = true;
	t->at = 0;
	return true;
}
