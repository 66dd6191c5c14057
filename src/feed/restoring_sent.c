/* SPDX-License-Identifier: MIT */
/* What was sent lately, and what is retained, of a feed that was written down. */
#include "src/feed/restoring_int.h"

#include <stdlib.h>

/* What was sent */

/* Names, in a list of their own; NULL when something is wrong, or there is none. */
static struct eio_bytes *
take_list_of_names(struct restoring *r, size_t *n)
{
	uint64_t names = restoring_number(r);
	struct eio_bytes *v;

	*n = 0;
	if (!restoring_holds(r, names <= r->in->block.n) || !names) return NULL;
	v = calloc((size_t)names, sizeof *v);
	if (!restoring_got(r, v != NULL)) return NULL;
	for (; *n < names; ++*n) v[*n] = restoring_text(r);
	if (restoring_holds(r, true)) return v;
	free(v);
	*n = 0;
	return NULL;
}

/* The messages of a bundle. */
struct messages {
	struct eio_message *v; /* owned */
	size_t n, max;
};

static bool
add_to_messages(struct restoring *r, struct messages *all, uint64_t flags)
{
	struct eio_message *v = all->v;

	if (!restoring_holds(r, flags <= 4)) return false;
	if (all->n == all->max) {
		all->max = all->max ? 2 * all->max : 4;
		v = realloc(all->v, all->max * sizeof *v);
		if (!restoring_got(r, v != NULL)) return false;
		all->v = v;
	}
	v[all->n] = (struct eio_message){
		.binary = (flags - 1) & 1, .json = (flags - 1) & 2, .data = restoring_text(r)
	};
	all->n++;
	return restoring_holds(r, true);
}

/* NULL when something is wrong. */
static struct eio_bundle *
take_bundle(struct restoring *r)
{
	struct messages all = { 0 };
	struct eio_bundle *b = NULL;
	uint64_t flags;

	while ((flags = restoring_number(r)) && add_to_messages(r, &all, flags)) continue;
	if (restoring_holds(r, all.n > 0)) b = eio_bundle_new(all.v, all.n);
	restoring_got(r, b != NULL);
	free(all.v);
	return b;
}

/* Remembers it, behind all that went before. */
static void
remember(struct restoring *r, struct history_broadcast *b, unsigned feed, uint64_t age)
{
	struct history_limits *limits = &r->ledger->histories[feed]->limits;

	b->now_ms = restoring_time_of(r, age);
	if (age > limits->ms)
		history_lose(b->rooms, b->n_rooms, b->serial);
	else
		ledger_remember(r->ledger, feed, b);
	r->tally->broadcasts += age <= limits->ms;
}

/* Who it was for, and what it was. */
static void
take_broadcast_rest(struct restoring *r, struct history_broadcast *b, unsigned feed, uint64_t age)
{
	size_t n;
	struct eio_bytes *except = take_list_of_names(r, &n);
	struct eio_bundle *bundle = take_bundle(r);
	struct audience a = { .except = except, .n_except = n };

	if (!r->why && n) {
		a.nsp = b->rooms[0]->key.nsp;
		b->audience = audience_new(&a);
		restoring_got(r, b->audience != NULL);
	}
	b->bundle = bundle;
	if (!r->why) remember(r, b, feed, age);
	audience_unref(b->audience);
	eio_bundle_unref(bundle);
	free(except);
}

static void
take_broadcast(struct restoring *r, uint64_t feed)
{
	struct history_broadcast b = { .serial = restoring_number(r), .workers = restoring_number(r) };
	uint64_t age = restoring_age(r), messages = restoring_number(r), n = restoring_number(r);
	struct interest **rooms;

	if (!restoring_holds(r, b.serial > r->latest && b.serial <= r->serial && messages <= UINT32_MAX && n > 0))
		return;
	if (!restoring_holds(r, n <= r->in->block.n)) return;
	rooms = calloc((size_t)n, sizeof(struct interest *));
	if (!restoring_got(r, rooms != NULL)) return;
	r->latest = b.serial;
	b.messages = (unsigned)messages;
	b.rooms = rooms;
	for (; b.n_rooms < n; b.n_rooms++) {
		uint64_t room = restoring_number(r);

		if (!restoring_holds(r, room < r->n_rooms)) break;
		rooms[b.n_rooms] = r->rooms[room];
	}
	if (!r->why)
		take_broadcast_rest(
			r, &b, feed < r->n_feeds ? r->feeds[feed] : (unsigned)r->ledger->n_histories - 1, age);
	free(rooms);
}

void
restoring_read_broadcast(struct restoring *r)
{
	uint64_t feed = restoring_number(r), flags;

	if (!restoring_holds(r, r->ledgered)) return;
	if (r->ledger) {
		take_broadcast(r, feed);
		return;
	}
	restoring_skip(r, 4);
	restoring_skip(r, restoring_number(r));
	for (uint64_t n = restoring_number(r); n > 0 && !r->in->bad; n--) restoring_text(r);
	while ((flags = restoring_number(r)) && !r->in->bad) restoring_text(r);
	restoring_holds(r, true);
}

/* What is retained */

/* The state of a key, where the feed retains as it did. */
static void
make_state(struct restoring *r, size_t feed, struct feed_state_key *key)
{
	struct feed_router *router = r->p->router;
	struct feed_at_work *f = feed < router->options->specs->n ? router->feeds[feed] : NULL;
	uint64_t born = router->snapshots.born;
	struct feed_state *s = NULL, **states;

	if (f && f->keeper.all) {
		key->hash = feed_streams_hash(&f->streams, key->event, key->target, key->wide);
		key->recovers = feed_recovery_is_on(&router->options->recovery, key->target.nsp);
		s = feed_keeper_state(&f->keeper, key);
		if (!restoring_got(r, s != NULL) || !restoring_holds(r, s->born == born)) return; /* there are no two */
	}
	states = restoring_room(r->states, r->n_states, &r->max_states);
	if (!restoring_got(r, states != NULL)) return;
	r->states = states;
	r->states[r->n_states++] = s;
}

void
restoring_read_state(struct restoring *r)
{
	uint64_t feed = restoring_number(r);
	struct feed_state_key key = { .event = restoring_text(r) };
	struct audience a = { .n_rooms = 0 };
	struct eio_bytes *rooms = NULL, *except = NULL;

	key.target = restoring_key(r);
	key.wide = restoring_number(r);
	if (key.wide) {
		a.nsp = key.target.nsp;
		a.rooms = rooms = take_list_of_names(r, &a.n_rooms);
		a.except = except = take_list_of_names(r, &a.n_except);
	}
	if (restoring_holds(r, feed < r->n_feeds && restoring_is_key(&key.target))) {
		if (key.wide) key.audience = audience_new(&a);
		if (restoring_got(r, !key.wide || key.audience)) make_state(r, r->feeds[feed], &key);
	}
	audience_unref(key.audience);
	free(rooms);
	free(except);
}

void
restoring_read_retained(struct restoring *r)
{
	uint64_t state = restoring_number(r);
	struct eio_bytes key = restoring_text(r);
	uint64_t age = restoring_age(r);
	struct eio_bytes payload = restoring_text(r);

	if (!restoring_holds(r, state < r->n_states && key.n < UINT32_MAX) || !r->states[state]) return;
	retained_put(&r->states[state]->retained, key, payload, restoring_time_of(r, age));
	r->tally->retained++;
}

void
restoring_rest_states(struct restoring *r)
{
	struct feed_router *router = r->p->router;

	for (size_t i = 0; i < r->n_states; i++)
		if (r->states[i] && r->states[i]->retained.in_use) retained_rest(&r->states[i]->retained);
	for (size_t i = 0; i < router->options->specs->n; i++)
		if (router->feeds[i]->keeper.all) feed_keeper_tidy(&router->feeds[i]->keeper, r->p->now_ms);
}
