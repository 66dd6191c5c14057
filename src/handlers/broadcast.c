/* SPDX-License-Identifier: MIT */
/* Broadcast: an event to the members of rooms whose names are made of the client's event. */
#include "src/handlers/handlers_int.h"

#include <stdlib.h>

/* Each room is looked up in the table that all workers share, so what a client sends must not make more of them. */
enum { MAX_ROOMS = 1000 };

/* Names that are being made. Their bytes lie one behind the other in the run's list; the lengths are here. */
struct name_list {
	struct handlers_run *run;
	size_t n, cap;
	size_t *lengths; /* owned */
	bool full;
	bool joined, foreign; /* only rooms that the socket is in are kept; another was named */
};

/* Whether a socket is in a room. */
static bool
is_joined(const struct sio_socket *s, struct eio_bytes name)
{
	const struct sio_room_key *key;
	const struct eio_list *at = NULL;

	while ((key = sio_member_next_room(&s->member, &at)))
		if (!key->everyone && eio_bytes_eq(key->name, name)) return true;
	return false;
}

static void
keep_name(void *ctx, struct eio_bytes name)
{
	struct name_list *l = ctx;

	if (l->n == MAX_ROOMS) {
		l->full = true;
		return;
	}
	if (l->joined && !is_joined(l->run->call->socket, name)) {
		l->foreign = true;
		return;
	}
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 8;
		size_t *lengths = realloc(l->lengths, cap * sizeof *lengths);

		if (!lengths) {
			l->run->nomem = true;
			return;
		}
		l->lengths = lengths;
		l->cap = cap;
	}
	l->lengths[l->n++] = name.n;
	eio_buf_add(&l->run->list, name);
}

/* The names of n parts. A part of which none can be made is left out. */
static void
make_names(struct name_list *l, const struct handlers_action *a, const struct handlers_part *parts, size_t n)
{
	struct handlers_run *r = l->run;

	for (size_t i = 0; i < n && !r->nomem; i++) {
		enum template_result result = template_render_names(
			parts[i].template, &r->input, &r->names, keep_name, l);

		if (result == TEMPLATE_OK && l->full) result = TEMPLATE_TOO_MANY;
		if (result == TEMPLATE_NOMEM || eio_buf_failed(&r->list))
			r->nomem = true;
		else if (result != TEMPLATE_OK)
			handlers__skip(r, a, &parts[i], template_result_text(result));
		else if (l->foreign)
			handlers__skip(r, a, &parts[i], "the client is not in that room");
		l->foreign = false;
	}
}

/* The arguments are written once, for everybody. */
static void
send_to(struct handlers_run *r, const struct handlers_action *a, struct handlers_broadcast *b)
{
	int rc = handlers__packet(r, false, a->parts[0].template, &b->bundle);

	if (rc)
		handlers__arguments_failed(r, a, rc);
	else
		r->call->ops->broadcast(r->call->ctx, r->call->socket, b);
}

static void
send_to_names(struct handlers_run *r, const struct handlers_action *a, const struct name_list *l, size_t n_rooms)
{
	struct eio_bytes *names = calloc(l->n + 1, sizeof *names);
	struct handlers_broadcast b;
	size_t at = 0;

	if (!names) {
		r->nomem = true;
		return;
	}
	b = (struct handlers_broadcast){
		.rooms = names,
		.n_rooms = n_rooms,
		.except = names + n_rooms,
		.n_except = l->n - n_rooms,
		.self = a->self && !r->reason, /* who has left gets nothing */
	};
	for (size_t i = 0; i < l->n; i++) {
		names[i] = eio_bytes(r->list.n ? r->list.p + at : "", l->lengths[i]);
		at += l->lengths[i];
	}
	send_to(r, a, &b);
	free(names);
}

/* Where rooms are configured and none can be made, nobody is meant: it must not become everyone. */
void
handlers__broadcast(struct handlers_run *r, const struct handlers_action *a)
{
	struct name_list l = { .run = r, .joined = a->joined };
	size_t n_rooms;

	eio_buf_clear(&r->list);
	make_names(&l, a, a->parts + 1, a->n_rooms);
	n_rooms = l.n;
	l.joined = false;
	if (n_rooms || !a->n_rooms) make_names(&l, a, a->parts + 1 + a->n_rooms, a->n - 1 - a->n_rooms);
	if (!r->nomem && (n_rooms || !a->n_rooms)) send_to_names(r, a, &l, n_rooms);
	free(l.lengths);
}
