/* SPDX-License-Identifier: MIT */
/* What is asked of all sockets that are meant. */
#include "src/clients/inquiry.h"

#include "sio/json.h"
#include "src/clients/acked.h"
#include "src/clients/chosen.h"
#include "src/clients/describe.h"

#include <stdlib.h>

enum { EVERYBODY_BYTES = 2 << 20 }; /* of one worker: some thousand sockets */

static void
separate(struct feed_answer *a)
{
	if (a->n++) eio_buf_addc(&a->json, ',');
}

static void
answer_with_rooms(const struct clients *c, struct eio_bytes nsp, struct feed_answer *a)
{
	EIO_HASH_FOREACH(n, &c->rooms.rooms) {
		const struct sio_room *room = EIO_CONTAINER(n, struct sio_room, node);

		if (room->key.everyone || room->key.aside || !eio_bytes_eq(room->key.nsp, nsp)) continue;
		separate(a);
		sio_json_escape(&a->json, room->key.name);
	}
}

static void
answer_with_sockets(const struct feed_move *m, const struct chosen *all, struct feed_answer *a)
{
	for (size_t i = 0; i < all->n && !eio_buf_failed(&a->json); i++) {
		separate(a);
		if (m->kind == FEED_MOVE_SOCKETS)
			describe_for_servers(all->v[i], &a->json);
		else
			sio_json_escape(&a->json, sio_socket_id(all->v[i]));
	}
}

/* The sockets of one namespace; false when out of memory. */
static bool
add_everybody_in(struct clients *c, struct eio_bytes nsp, struct feed_answer *a)
{
	struct chosen all;

	if (!chosen_find(c, &(struct audience){ .nsp = nsp }, &all)) return false;
	for (size_t i = 0; i < all.n && a->json.n < EVERYBODY_BYTES && !eio_buf_failed(&a->json); i++) {
		separate(a);
		describe_for_ui(all.v[i], &a->json);
	}
	free(all.v);
	return true;
}

static bool
answer_with_everybody(struct clients *c, struct feed_answer *a)
{
	EIO_HASH_FOREACH(n, &c->rooms.rooms) {
		const struct sio_room *room = EIO_CONTAINER(n, struct sio_room, node);

		if (room->key.everyone && !room->key.aside && !add_everybody_in(c, room->key.nsp, a)) return false;
	}
	return true;
}

/* False when out of memory. */
static bool
answer_about_sockets(struct clients *c, const struct feed_move *m)
{
	struct chosen all;

	if (!chosen_find(c, m->who, &all)) return false;
	if (m->kind == FEED_MOVE_CALL)
		m->answer->n = acked_send(c, &all, m->survey);
	else
		answer_with_sockets(m, &all, m->answer);
	free(all.v);
	return true;
}

void
inquiry_answer(struct clients *c, const struct feed_move *m)
{
	struct feed_answer *a = m->answer;
	bool done = true;

	if (m->kind == FEED_MOVE_ROOMS)
		answer_with_rooms(c, m->who->nsp, a);
	else if (m->kind == FEED_MOVE_EVERYBODY)
		done = answer_with_everybody(c, a);
	else
		done = answer_about_sockets(c, m);
	if (done && !eio_buf_failed(&a->json)) return;
	eio_buf_deinit(&a->json);
	a->n = 0;
	clients__count(c, CLIENTS_METRIC_MOVES_FAILED);
}
