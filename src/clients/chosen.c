/* SPDX-License-Identifier: MIT */
/* Who belongs to an audience. */
#include "src/clients/chosen.h"

#include "src/clients/fanout.h"

#include <stdlib.h>

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

bool
chosen_find(struct clients *c, const struct audience *who, struct chosen *out)
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
