/* SPDX-License-Identifier: MIT */
/*
 * Which rooms this edge is in at its hub: those that its own clients are in, and for a while those that they were
 * in. What is so when a note is taken counts, and not what was noted.
 */
#include "src/relay/edge_int.h"

#include <stdlib.h>

/* On its way from a worker: something is different with a pair. */
struct edge_note {
	struct mail mail;
	struct interest *pair; /* a reference */
};

bool
edge_say(struct relay_edge *e, unsigned type, struct eio_bytes body)
{
	struct eio_buf out = { 0 };
	bool good;

	if (e->state < EDGE_HELLO || e->state == EDGE_CLOSED) return false;
	relay_put_frame(&out, type, body);
	good = !eio_buf_failed(&out) && relay_line_send(e->line, eio_buf_bytes(&out));
	eio_buf_deinit(&out);
	return good;
}

void
edge_say_surely(struct relay_edge *e, unsigned type, const struct eio_buf *body)
{
	if (e->starved || (!eio_buf_failed(body) && edge_say(e, type, eio_buf_bytes(body)))) return;
	e->starved = true;
	eio_clock_set(&e->options.thread->clock, &e->timer, edge_now(e));
}

static void
say_key(struct relay_edge *e, unsigned type, struct sio_room_key key)
{
	struct eio_buf body = { 0 };

	if (e->state != EDGE_OPEN) return; /* all is said when it is */
	if (type == RELAY_JOIN) e->joins_said++;
	relay_put_key(&body, key);
	edge_say_surely(e, type, &body);
	eio_buf_deinit(&body);
}

static uint64_t
hash_of_number(uint64_t n)
{
	return n * UINT64_C(0x9e3779b97f4a7c15) >> 16;
}

static uint64_t
hash_of_room_pair(const struct interest *i)
{
	return hash_of_number((uint64_t)(uintptr_t)i);
}

static struct edge_room *
room_of_pair(const struct relay_edge *e, const struct interest *pair)
{
	for (struct eio_hash_node *n = eio_hash_find(&e->rooms, hash_of_room_pair(pair)); n; n = eio_hash_next(n)) {
		struct edge_room *r = EIO_CONTAINER(n, struct edge_room, by_pair);

		if (r->pair == pair) return r;
	}
	return NULL;
}

struct edge_room *
edge_rooms_numbered(const struct relay_edge *e, uint64_t number)
{
	for (struct eio_hash_node *n = eio_hash_find(&e->numbers, hash_of_number(number)); n; n = eio_hash_next(n)) {
		struct edge_room *r = EIO_CONTAINER(n, struct edge_room, by_number);

		if (r->number == number) return r;
	}
	return NULL;
}

static void
show_edge_rooms(struct relay_edge *e)
{
	metrics_put(e->metrics, RELAY_EDGE_METRIC_ROOMS, e->numbers.count);
}

static void
set_number(struct relay_edge *e, struct edge_room *r, uint64_t number)
{
	if (r->number) eio_hash_remove(&e->numbers, &r->by_number);
	r->number = number;
	if (number) eio_hash_add(&e->numbers, &r->by_number, hash_of_number(number));
	show_edge_rooms(e);
}

/* Some that were left out are looked at with the next note, or when the timer runs. */
static void
look_for_left_out(struct relay_edge *e)
{
	if (!e->crowded || e->rooms.count > RELAY_ROOMS_MOST - RELAY_ROOMS_MOST / 16) return;
	e->crowded = false;
	atomic_fetch_add_explicit(&e->unnoted, 1, memory_order_relaxed);
}

static void
free_edge_room(struct relay_edge *e, struct edge_room *r)
{
	set_number(e, r, 0);
	eio_list_remove(&r->linger);
	eio_hash_remove(&e->rooms, &r->by_pair);
	interest_unref(r->pair);
	free(r);
	look_for_left_out(e);
}

/* Wanting */

static void
arm_linger(struct relay_edge *e)
{
	const struct eio_list *first = e->lingering.next;
	bool none = eio_list_empty(&e->lingering);

	eio_clock_set(&e->options.thread->clock, &e->linger,
		none ? UINT64_MAX : EIO_CONTAINER(first, const struct edge_room, linger)->until_ms);
}

/* least_ms: so long it lingers at least. */
static void
begin_linger(struct relay_edge *e, struct edge_room *r, uint64_t least_ms)
{
	uint64_t linger_ms = (uint64_t)e->options.spec->linger_seconds * 1000;

	if (!eio_list_empty(&r->linger)) return;
	r->until_ms = edge_now(e) + (linger_ms < least_ms ? least_ms : linger_ms);
	eio_list_add_tail(&e->lingering, &r->linger);
	arm_linger(e);
}

/* Nobody wants it any more. The hub knows it by its number until it has said that this edge has left. */
static void
leave_edge_room(struct relay_edge *e, struct edge_room *r)
{
	eio_list_remove(&r->linger);
	r->wanted = false;
	say_key(e, RELAY_LEAVE, r->pair->key);
	if (!r->number && e->state != EDGE_OPEN) free_edge_room(e, r);
}

void
edge_rooms_on_linger(struct eio_timer *t)
{
	struct relay_edge *e = EIO_CONTAINER(t, struct relay_edge, linger);
	uint64_t now = edge_now(e);

	CHECK_MAGIC(e, RELAY_EDGE_MAGIC);
	while (!eio_list_empty(&e->lingering)) {
		struct edge_room *r = EIO_CONTAINER(e->lingering.next, struct edge_room, linger);

		if (now < r->until_ms) break;
		eio_list_remove(&r->linger);
		if (interest_is_kept(r->pair))
			begin_linger(e, r, RELAY_KEPT_MS);
		else
			leave_edge_room(e, r);
	}
	arm_linger(e);
}

static struct edge_room *
edge_room_new(struct relay_edge *e, struct interest *pair)
{
	struct edge_room *r = calloc(1, sizeof *r);

	if (!r) {
		log_limited(
			LOG_LEVEL_ERROR, &e->limit, edge_now(e), "event=relay-room-not-joined error=\"out of memory\"");
		return NULL;
	}
	r->pair = interest_ref(pair);
	eio_list_init(&r->linger);
	eio_hash_add(&e->rooms, &r->by_pair, hash_of_room_pair(pair));
	return r;
}

static bool
is_held(const struct relay_edge *e, const struct edge_room *r)
{
	return r->held && r->held == e->holds;
}

static void
want_room(struct relay_edge *e, struct edge_room *r)
{
	if (!eio_list_empty(&r->linger)) {
		eio_list_remove(&r->linger);
		arm_linger(e);
	}
	if (r->wanted) return;
	r->wanted = true;
	say_key(e, RELAY_JOIN, r->pair->key);
}

void
edge_rooms_hold(struct relay_edge *e, struct interest *const *pairs, size_t n)
{
	e->holds++;
	for (size_t i = 0; i < n; i++) {
		struct edge_room *r = room_of_pair(e, pairs[i]);

		if (!r) r = edge_room_new(e, pairs[i]);
		if (!r) continue;
		r->held = e->holds;
		want_room(e, r);
	}
	EIO_HASH_FOREACH(node, &e->rooms) {
		struct edge_room *r = EIO_CONTAINER(node, struct edge_room, by_pair);

		if (r->held && !is_held(e, r) && r->wanted && !interest_workers(r->pair)) begin_linger(e, r, 0);
		if (!is_held(e, r)) r->held = 0;
	}
}

/* Whether it may be in one more. Else clients in that hear nothing, which is better than none that does. */
static bool
may_join_more(struct relay_edge *e)
{
	if (e->rooms.count < RELAY_ROOMS_MOST) return true;
	e->crowded = true;
	log_limited(LOG_LEVEL_ERROR, &e->limit, edge_now(e),
		"event=relay-room-not-joined error=\"it is in a million already\"");
	return false;
}

static void
look_at_pair(struct relay_edge *e, struct interest *pair)
{
	struct edge_room *r = room_of_pair(e, pair);
	bool has = interest_workers(pair) != 0;

	if (!has) {
		if (r && r->wanted && !is_held(e, r)) begin_linger(e, r, 0);
		return;
	}
	if (!r && may_join_more(e)) r = edge_room_new(e, pair);
	if (r) want_room(e, r);
}

/* Notes */

static void
on_edge_pair(void *user, struct interest *i)
{
	struct relay_edge *e = edge_of(user);
	struct edge_note *note;

	if (i->key.aside) return;
	note = malloc(sizeof *note);
	if (!note) {
		atomic_fetch_add_explicit(&e->unnoted, 1, memory_order_relaxed);
		return;
	}
	note->pair = interest_ref(i);
	mail_post(&e->notes, &note->mail);
}

static bool
is_any_pair(const void *ctx, struct sio_room_key key)
{
	(void)ctx;
	return !key.aside;
}

/* Some were not noted: all are looked at. */
static void
look_at_all_pairs(struct relay_edge *e)
{
	struct interest **all;
	ssize_t n = interest_collect(e->options.interest, is_any_pair, NULL, &all);

	if (n < 0) {
		atomic_fetch_add_explicit(&e->unnoted, 1, memory_order_relaxed);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		look_at_pair(e, all[i]);
		interest_unref(all[i]);
	}
	free(all);
}

void
edge_rooms_look_again(struct relay_edge *e)
{
	if (e->state != EDGE_CLOSED && atomic_exchange_explicit(&e->unnoted, 0, memory_order_relaxed))
		look_at_all_pairs(e);
}

void
edge_rooms_take_notes(void *user, struct mail *run)
{
	struct relay_edge *e = edge_of(user);

	while (run) {
		struct edge_note *note = EIO_CONTAINER(run, struct edge_note, mail);

		run = run->next;
		if (e->state != EDGE_CLOSED) look_at_pair(e, note->pair);
		interest_unref(note->pair);
		free(note);
	}
	edge_rooms_look_again(e);
}

void
edge_rooms_watch(struct relay_edge *e)
{
	interest_watch(e->options.interest, false, on_edge_pair, e);
}

void
edge_rooms_forget(struct relay_edge *e)
{
	EIO_HASH_FOREACH_SAFE(n, next, &e->rooms) free_edge_room(e, EIO_CONTAINER(n, struct edge_room, by_pair));
	eio_clock_set(&e->options.thread->clock, &e->linger, UINT64_MAX);
}

/* The hub */

void
edge_rooms_tell(struct relay_edge *e, bool resumed)
{
	EIO_HASH_FOREACH_SAFE(n, next, &e->rooms)
	{
		struct edge_room *r = EIO_CONTAINER(n, struct edge_room, by_pair);

		if (!resumed) set_number(e, r, 0);
		if (r->wanted)
			say_key(e, RELAY_JOIN, r->pair->key);
		else if (r->number)
			say_key(e, RELAY_LEAVE, r->pair->key);
		else
			free_edge_room(e, r);
	}
}

static void
say_sync(struct relay_edge *e)
{
	struct eio_buf body = { 0 };

	relay_put_number(&body, ++e->syncs);
	edge_say_surely(e, RELAY_SYNC, &body);
	eio_buf_deinit(&body);
}

void
edge_rooms_sync(struct relay_edge *e)
{
	e->syncing = true;
	say_sync(e);
}

void
edge_rooms_settle(void *user)
{
	struct relay_edge *e = edge_of(user);

	/* Else the next connection asks anyhow. */
	e->settles = e->syncs + 1;
	if (e->state == EDGE_OPEN) say_sync(e);
}

bool
edge_rooms_settled(void *user)
{
	const struct relay_edge *e = edge_of(user);

	return e->synced >= e->settles;
}

enum edge_took
edge_rooms_joined(struct relay_edge *e, uint64_t number, struct sio_room_key key)
{
	struct interest *pair = interest_get(e->options.interest, key);
	struct edge_room *r = pair ? room_of_pair(e, pair) : NULL;
	struct edge_room *other = edge_rooms_numbered(e, number);

	if (pair && !r) r = edge_room_new(e, pair); /* it was left before the hub had said this */
	interest_unref(pair);
	if (!r) return EDGE_NO_MEMORY;
	if (!number || (other && other != r)) return EDGE_BAD;
	if (!other) set_number(e, r, number);
	/* The hub may have heard of it by a connection before, and not that it is not wanted any more. */
	if (!r->wanted) say_key(e, RELAY_LEAVE, key);
	return EDGE_TOOK;
}

bool
edge_rooms_left(struct relay_edge *e, uint64_t number)
{
	struct edge_room *r = edge_rooms_numbered(e, number);

	if (!r) return false;
	set_number(e, r, 0);
	if (!r->wanted) free_edge_room(e, r);
	return true;
}
