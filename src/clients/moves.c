/* SPDX-License-Identifier: MIT */
/* What an application elsewhere wants of sockets here. Who they are is found out first: what is done changes rooms. */
#include "src/clients/clients_int.h"
#include "src/clients/fanout.h"
#include "src/clients/rooms.h"
#include "src/clients/sockets.h"

#include <stdlib.h>

/* The sockets that an order is for. */
struct chosen {
	struct sio_socket **v; /* owned */
	size_t n;
};

static struct sio_room *
room_of(struct clients *c, struct sio_room_key key)
{
	return sio_rooms_find(&c->rooms, key);
}

/* How many members its rooms have, who may be in several. */
static size_t
count_members(struct clients *c, const struct audience *who)
{
	size_t n = 0;

	for (size_t i = 0; i < audience_keys(who); i++) {
		const struct sio_room *room = room_of(c, audience_key(who, i));

		if (room) n += room->n;
	}
	return n;
}

static void
mark_excepted(struct clients *c, const struct audience *who)
{
	for (size_t i = 0; i < who->n_except; i++) {
		const struct sio_room *room = room_of(c, sio_room_named(who->nsp, who->except[i]));

		for (size_t k = 0; room && k < room->n; k++) fanout_mark(client_of_session(room->slots[k].target));
	}
}

/* Each of a room's members that is not marked, once. */
static void
choose_members(struct chosen *out, const struct sio_room *room, struct eio_bytes nsp)
{
	for (size_t k = 0; k < room->n; k++) {
		struct client *c = client_of_session(room->slots[k].target);

		if (c->ended || c->seen == c->clients->serial) continue;
		fanout_mark(c);
		out->v[out->n++] = sio_client_find(&c->sio, nsp);
	}
}

/* False when out of memory. */
static bool
choose(struct clients *c, const struct audience *who, struct chosen *out)
{
	size_t n = count_members(c, who);

	*out = (struct chosen){ .v = n ? malloc(n * sizeof(struct sio_socket *)) : NULL };
	if (n && !out->v) return false;
	fanout_begin_marks(c);
	mark_excepted(c, who);
	for (size_t i = 0; i < audience_keys(who); i++) {
		const struct sio_room *room = room_of(c, audience_key(who, i));

		if (room) choose_members(out, room, who->nsp);
	}
	return true;
}

static void
join_all(struct sio_socket *s, const struct audience *rooms)
{
	for (size_t i = 0; i < rooms->n_rooms && !client_of(s)->ended; i++)
		rooms_join(s, sio_room_named(s->nsp, rooms->rooms[i]));
}

static void
leave_all(struct sio_socket *s, const struct audience *rooms)
{
	for (size_t i = 0; i < rooms->n_rooms; i++) rooms_leave(s, sio_room_named(s->nsp, rooms->rooms[i]));
}

static void
put_out_ordered(struct sio_socket *s, bool whole)
{
	struct client *c = client_of(s);

	c->leaves = !whole;
	c->close_whole = whole;
	sockets_after_run(s);
}

void
clients_take_move(struct clients *c, const struct feed_move *m)
{
	struct chosen all;

	if (c->stopping) return;
	if (!choose(c, m->who, &all)) {
		clients__count(c, CLIENTS_METRIC_MOVES_FAILED);
		return;
	}
	for (size_t i = 0; i < all.n; i++) {
		switch (m->kind) {
		case FEED_MOVE_JOIN: join_all(all.v[i], m->rooms); break;
		case FEED_MOVE_LEAVE: leave_all(all.v[i], m->rooms); break;
		case FEED_MOVE_DISCONNECT: put_out_ordered(all.v[i], false); break;
		case FEED_MOVE_CLOSE: put_out_ordered(all.v[i], true); break;
		}
	}
	metrics_add(c->metrics, CLIENTS_METRIC_MOVED, all.n);
	free(all.v);
}
