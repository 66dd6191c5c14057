/* SPDX-License-Identifier: MIT */
/* Joins and leaves. */
#include "src/clients/rooms.h"

#include "src/clients/attendance.h"
#include "src/clients/behind.h"
#include "src/clients/pace.h"
#include "src/clients/recovery.h"
#include "src/clients/snapshots.h"
#include "src/clients/ui.h"

static void
on_room_opened(void *user, struct sio_room *room)
{
	struct clients *c = clients__of(user);
	const struct namespace *n;

	if (room->key.aside) return; /* no feed goes there */
	/* There is none of its name any more when a configuration has taken it away from under who is in it. */
	n = c->paces && !room->key.everyone ? namespaces_find(c->namespaces, room->key.nsp) : NULL;
	if (n) room->pace_ms = room_paces_find(n->paces, room->key.name);
	if (interest_set(c->options.interest, c->options.worker, room->key)) c->interest_failed = true;
}

static void
on_room_closing(void *user, struct sio_room *room)
{
	struct clients *c = clients__of(user);

	if (room->key.aside) return;
	interest_clear(c->options.interest, c->options.worker, room->key);
}

size_t
clients_in(const struct clients *c, struct sio_room_key key)
{
	const struct sio_room *room = sio_rooms_find(&c->rooms, key);

	return room ? room->n : 0;
}

int
rooms_init(struct clients *c)
{
	struct sio_rooms_config rooms = { .max_per_member = c->options.limits.rooms_per_socket + c->options.own_rooms,
		.max_name = c->options.limits.room_name_length,
		.opened = on_room_opened,
		.closing = on_room_closing,
		.user = c };

	if (uv_random(NULL, NULL, rooms.hash_key, sizeof rooms.hash_key, 0, NULL)) return -1;
	return sio_rooms_init(&c->rooms, &rooms) ? -1 : 0;
}

void
rooms_set_limits(struct clients *c)
{
	const struct clients_limits *l = &c->options.limits;

	sio_rooms_set_limits(&c->rooms, l->rooms_per_socket + c->options.own_rooms, l->room_name_length);
}

static void
join_refused(struct sio_socket *s, struct eio_bytes room, int error)
{
	struct client *c = client_of(s);
	const struct clients_limits *l = &c->clients->options.limits;
	bool many = error == SIO_ERR_TOO_MANY_ROOMS;

	client_count(s, many ? NAMESPACE_METRIC_JOINS_MANY : NAMESPACE_METRIC_JOINS_LONG);
	CLIENTS_DEBUG(c, CLIENTS_LINE_JOIN_REFUSED, "join-refused", sio_socket_nsp(s), "room=\"%s\" limit=%s max=%u",
		LOG_ESCAPE(room), many ? "limits.roomsPerSocket" : "limits.roomNameLength",
		many ? l->rooms_per_socket : l->room_name_length);
}

/* again: it was in there before its connection broke, and gets what it missed. */
static void
joined(struct sio_socket *s, struct sio_room_key key, bool again)
{
	if (!recovery_joined(s, key, again)) client_end(client_of(s), CLIENT_REASON_NOMEM);
	attendance_begin(s, key);
	ui_joined(s, key);
	if (!again) snapshots_join(s, key);
}

static bool
join(struct sio_socket *s, struct sio_room_key key, bool again)
{
	struct clients *c = client_of(s)->clients;
	int rc;

	c->interest_failed = false;
	behind_settle(client_of(s));
	rc = sio_rooms_join(&c->rooms, &s->member, key);
	if (c->interest_failed) {
		/* It is the only member, of a room that the feed does not know to have one: the next who joins shall
		 * try again. */
		sio_rooms_leave(&c->rooms, &s->member, key);
		rc = SIO_ERR_NOMEM;
	}
	if (rc == SIO_ERR_NOMEM) {
		client_end(client_of(s), CLIENT_REASON_NOMEM);
	} else if (rc < 0) {
		join_refused(s, key.name, rc);
	} else if (rc > 0) {
		joined(s, key, again);
	}
	return rc >= 0;
}

bool
rooms_join(struct sio_socket *s, struct sio_room_key key)
{
	return join(s, key, false);
}

bool
rooms_join_again(struct sio_socket *s, struct sio_room_key key)
{
	return join(s, key, true);
}

const char *
rooms_admit(struct sio_socket *s, struct eio_bytes room)
{
	const struct clients_limits *l = &client_of(s)->clients->options.limits;

	if (rooms_join(s, sio_room_named(sio_socket_nsp(s), room)) || client_of(s)->ended) return NULL;
	return room.n > l->room_name_length ? "room_name_too_long" : "too_many_rooms";
}

bool
rooms_have(const struct sio_socket *s, struct eio_bytes room)
{
	const struct sio_room_key *key;
	const struct eio_list *at = NULL;

	while ((key = sio_member_next_room(&s->member, &at)))
		if (!key->everyone && eio_bytes_eq(key->name, room)) return true;
	return false;
}

void
rooms_forbid(struct sio_socket *s, struct eio_bytes room)
{
	client_count(s, NAMESPACE_METRIC_JOINS_FORBIDDEN);
	CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_JOIN_REFUSED, "join-refused", sio_socket_nsp(s),
		"room=\"%s\" why=forbidden", LOG_ESCAPE(room));
}

void
rooms_leave(struct sio_socket *s, struct sio_room_key key)
{
	behind_settle(client_of(s));
	snapshots_leave(s, key);
	if (!sio_rooms_leave(&client_of(s)->clients->rooms, &s->member, key)) return;
	attendance_end(s, key);
	recovery_left(s);
	ui_left(s, key);
}
