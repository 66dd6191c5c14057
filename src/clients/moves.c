/* SPDX-License-Identifier: MIT */
/* What an application elsewhere wants of sockets here. */
#include "src/clients/chosen.h"
#include "src/clients/inquiry.h"
#include "src/clients/rooms.h"
#include "src/clients/sockets.h"

#include <stdlib.h>

static void
join_all(struct sio_socket *s, const struct audience *rooms)
{
	for (size_t i = 0; i < rooms->n_rooms && !client_of(s)->ended; i++)
		rooms_join(s, sio_room_named(sio_socket_nsp(s), rooms->rooms[i]));
}

static void
leave_all(struct sio_socket *s, const struct audience *rooms)
{
	for (size_t i = 0; i < rooms->n_rooms; i++) rooms_leave(s, sio_room_named(sio_socket_nsp(s), rooms->rooms[i]));
}

static void
put_out_ordered(struct sio_socket *s, bool whole)
{
	struct client *c = client_of(s);

	c->leaves = !whole;
	c->close_whole = whole;
	sockets_after_run(s);
}

static void
do_move(struct sio_socket *s, const struct feed_move *m)
{
	switch (m->kind) {
	case FEED_MOVE_JOIN: join_all(s, m->rooms); break;
	case FEED_MOVE_LEAVE: leave_all(s, m->rooms); break;
	case FEED_MOVE_DISCONNECT: put_out_ordered(s, false); break;
	case FEED_MOVE_CLOSE: put_out_ordered(s, true); break;
	default: break;
	}
}

void
clients_take_move(struct clients *c, const struct feed_move *m)
{
	struct chosen all;

	if (c->stopping) return;
	if (m->survey) {
		inquiry_answer(c, m);
		return;
	}
	if (!chosen_find(c, m->who, &all)) {
		clients__count(c, CLIENTS_METRIC_MOVES_FAILED);
		return;
	}
	for (size_t i = 0; i < all.n; i++) do_move(all.v[i], m);
	metrics_add(c->metrics, CLIENTS_METRIC_MOVED, all.n);
	free(all.v);
}
