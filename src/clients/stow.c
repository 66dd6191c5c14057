/* SPDX-License-Identifier: MIT */
/* What is noted of sessions that Redis has. */
#include "src/clients/stow.h"

#include <stdlib.h>

static struct clients *
clients_of_stow(const struct client_stow *w)
{
	return client_of(w->socket)->clients;
}

static const struct stow_room *
find_stow_room(const struct client_stow *w, uint64_t room)
{
	for (size_t i = 0; i < w->n_rooms; i++)
		if (w->rooms[i].room == room) return &w->rooms[i];
	return NULL;
}

static uint64_t
hash_of_key(const struct client_stow *w, struct sio_room_key key)
{
	return sio_room_key_hash(clients_of_stow(w)->rooms.config.hash_key, key);
}

/* Drops those that it is not in any more. */
static void
tidy_stow_rooms(struct client_stow *w)
{
	const struct sio_room_key *key;
	const struct eio_list *at = NULL;
	size_t n = 0;

	while ((key = sio_member_next_room(&w->socket->member, &at))) {
		struct stow_room *r = (struct stow_room *)(uintptr_t)find_stow_room(w, hash_of_key(w, *key)), kept;

		if (!r || r < w->rooms + n) continue;
		kept = *r;
		*r = w->rooms[n];
		w->rooms[n++] = kept;
	}
	w->n_rooms = n;
}

static bool
add_stow_room(struct client_stow *w, uint64_t room, const struct feed_offset_text *joined)
{
	size_t cap = w->cap ? 2 * w->cap : 4;
	struct stow_room *rooms;

	if (w->n_rooms == w->cap) {
		rooms = realloc(w->rooms, cap * sizeof *rooms);
		if (!rooms) return false;
		w->rooms = rooms;
		w->cap = cap;
	}
	w->rooms[w->n_rooms++] = (struct stow_room){ room, *joined };
	return true;
}

bool
stow_joined(struct client_stow *w, uint64_t room)
{
	const struct feed_offset_text *now;
	struct stow_room *known;

	if (!w) return true;
	stow_touch(w);
	now = &clients_of_stow(w)->reached_text;
	known = (struct stow_room *)(uintptr_t)find_stow_room(w, room);
	if (known) {
		known->joined = *now;
		return true;
	}
	if (eio_bytes_eq(feed_offset_bytes(now), feed_offset_bytes(&w->joined))) return true;
	if (w->n_rooms == w->cap) tidy_stow_rooms(w);
	return add_stow_room(w, room, now);
}

const struct feed_offset_text *
stow_joined_at(const struct client_stow *w, uint64_t room)
{
	const struct stow_room *known = w->n_rooms ? find_stow_room(w, room) : NULL;

	return known ? &known->joined : &w->joined;
}

/* What its session knows of its rooms is true for what it is now: it may have nothing of what it got again. */
static bool
carry_stow_rooms(struct client_stow *w, const struct feed_session *session)
{
	if (!session || !session->joined) return true;
	w->joined = session->joined[0];
	for (size_t i = 1; i < session->n_rooms; i++) {
		uint64_t room = hash_of_key(w, session->rooms[i].room->key);

		if (eio_bytes_eq(feed_offset_bytes(&session->joined[i]), feed_offset_bytes(&w->joined))) continue;
		if (!add_stow_room(w, room, &session->joined[i])) return false;
	}
	return true;
}

struct client_stow *
stow_new(struct sio_socket *s, struct client_past *past, const struct feed_recall *recall)
{
	struct clients *c = client_of(s)->clients;
	struct client_stow *w = calloc(1, sizeof *w);

	if (!w) return NULL;
	eio_list_init(&w->link);
	w->socket = s;
	w->past = past;
	w->store = c->store;
	w->begun = w->joined = c->reached_text;
	w->stored = recall && recall->was_taken;
	if (w->stored)
		memcpy(w->token, recall->token, sizeof w->token);
	else
		feed_make_token(feed_returning_of(c->options.feed), sio_socket_nsp(s),
			eio_random_take(c->options.random, FEED_TOKEN_RANDOM), w->token);
	if (recall && !carry_stow_rooms(w, recall->session)) {
		stow_free(w);
		return NULL;
	}
	stow_touch(w);
	return w;
}

void
stow_free(struct client_stow *w)
{
	if (!w) return;
	stow_uncork(w);
	eio_list_remove(&w->link);
	free(w->rooms);
	free(w);
}

void
stow_give_up(struct client_stow *w)
{
	if (!w) return;
	w->moved = true;
	w->dirty = false;
	eio_list_remove(&w->link);
}

void
stow_touch(struct client_stow *w)
{
	struct client *c;

	if (!w || w->left || w->moved) return;
	c = client_of(w->socket);
	if (!w->corked && c->corks++ == 0) eio_socket_cork(c->eio, true);
	w->corked = true;
	if (w->dirty) return;
	w->dirty = true;
	eio_list_remove(&w->link);
	eio_list_add_tail(&c->clients->stowing, &w->link);
}

void
stow_uncork(struct client_stow *w)
{
	struct client *c = client_of(w->socket);

	if (!w->corked) return;
	w->corked = false;
	if (--c->corks == 0) eio_socket_cork(c->eio, false);
}
