/* SPDX-License-Identifier: MIT */
/* From the text of a session to its client. */
#include "src/feed/stranger.h"

#include "eio/base64.h"

#include <stdlib.h>

/* Whose an offset is; false when nobody's. */
static bool
node_of(struct eio_bytes offset, uint32_t *node)
{
	struct eio_bytes standing;

	return feed_offset_cut(&offset, node, &standing);
}

bool
feed_arrival_is_ours(const struct feed_out *o, const struct feed_recall *r)
{
	uint32_t node;

	return node_of(r->stored.begun, &node) && feed_node_is_same(node, o->journal->node);
}

/* What he has of his last siocast. An offset of one before says nothing more than that he had begun there: all up to
 * that had he when he did. False when something may be lost that nobody knows of. */
static bool
find_has(const struct feed_recall *r, struct eio_bytes *has)
{
	uint32_t of_session, of_offset;

	*has = eio_bytes("", 0);
	if (!node_of(r->stored.begun, &of_session)) return false;
	if (!r->gives_offset) return true;
	if (!node_of(feed_offset_bytes(&r->has), &of_offset)) return false;
	if (!feed_node_is_same(of_session, of_offset)) return true;
	*has = feed_offset_bytes(&r->has);
	return of_session == of_offset;
}

static bool
is_this_client(const struct feed_out *o, const struct feed_recall *r)
{
	const struct stored_session *s = &r->stored;
	struct eio_bytes name = eio_bytes(s->pid.p, s->pid.n < FEED_PID_LEN ? s->pid.n : FEED_PID_LEN);

	return s->shape == o->journal->shape && s->who == r->who && eio_bytes_eq(s->nsp, eio_bytes(r->nsp, r->nsp_n)) &&
	       eio_bytes_eq(name, eio_bytes(r->pid, FEED_PID_LEN)) && s->sid.n == SIO_ID_LEN;
}

static bool
add_arrival_room(struct feed_arrival *a, const struct feed_out *o, struct sio_room_key key, struct eio_bytes joined)
{
	if (!feed_session_add(a->session, o->options->interest, key, 0)) return false;
	a->rooms[a->who.n_rooms].room = a->session->rooms[a->who.n_rooms].room;
	a->rooms[a->who.n_rooms++].joined = joined;
	return true;
}

static bool
add_arrival_rooms(struct feed_arrival *a, const struct feed_out *o, const struct stored_session *s)
{
	if (!add_arrival_room(a, o, sio_room_everyone(s->nsp), s->joined)) return false;
	for (size_t i = 0; i < s->n_rooms; i++) {
		const struct stored_room *room = &s->rooms[i];

		if (!add_arrival_room(
			    a, o, sio_room_named(s->nsp, room->name), room->joined.n ? room->joined : s->joined))
			return false;
	}
	return true;
}

bool
feed_arrival_make(struct feed_arrival *a, const struct feed_out *o, const struct feed_recall *r)
{
	const struct stored_session *s = &r->stored;
	unsigned char id[SIO_ID_LEN];

	*a = (struct feed_arrival){ .who = { .must = s->must, .id = s->sid, .max_bytes = r->max_bytes } };
	if (!is_this_client(o, r) || !find_has(r, &a->who.has)) return false;
	if (eio_base64_decode((char *)id, s->sid) != SIO_ID_RANDOM) return false;
	a->session = feed_session_new(1 + s->n_rooms);
	a->rooms = calloc(1 + s->n_rooms, sizeof *a->rooms);
	if (a->session && a->rooms && add_arrival_rooms(a, o, s)) {
		memcpy(a->session->pid, r->pid, sizeof a->session->pid);
		memcpy(a->session->id, id, sizeof a->session->id);
		a->session->who = r->who;
		a->who.rooms = a->rooms;
		return true;
	}
	feed_session_free(a->session);
	free(a->rooms);
	return false;
}

void
feed_arrival_deinit(struct feed_arrival *a)
{
	free(a->rooms);
}
