/* SPDX-License-Identifier: MIT */
/* Joins and leaves. */
#include "src/clients/rooms.h"

#include "src/base/log.h"

static void
on_room_opened(void *user, struct sio_room *room)
{
	struct clients *c = user;

	if (interest_set(
		    c->options.interest, c->options.worker, room->key.nsp, room->key.everyone ? NULL : &room->key.name))
		log_error("event=interest worker=%u error=\"out of memory\"", c->options.worker);
}

static void
on_room_closing(void *user, struct sio_room *room)
{
	struct clients *c = user;

	interest_clear(
		c->options.interest, c->options.worker, room->key.nsp, room->key.everyone ? NULL : &room->key.name);
}

int
rooms_init(struct clients *c)
{
	struct sio_rooms_config rooms = { .max_per_member = c->options.limits.rooms_per_socket,
		.max_name = c->options.limits.room_name_length,
		.opened = on_room_opened,
		.closing = on_room_closing,
		.user = c };

	if (uv_random(NULL, NULL, rooms.hash_key, sizeof rooms.hash_key, 0, NULL)) return -1;
	return sio_rooms_init(&c->rooms, &rooms) ? -1 : 0;
}

bool
rooms_join(struct sio_socket *s, struct sio_room_key key)
{
	struct clients *c = client_of(s)->clients;

	if (sio_rooms_join(&c->rooms, &s->member, key) >= 0) return true;
	clients__count(c, METRIC_JOINS_REFUSED);
	return false;
}

void
rooms_leave(struct sio_socket *s, struct sio_room_key key)
{
	sio_rooms_leave(&client_of(s)->clients->rooms, &s->member, key);
}
