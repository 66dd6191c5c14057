/* SPDX-License-Identifier: MIT */
/* From rooms to channels. */
#include "src/feed/demand.h"

#include "src/redis/marker.h"
#include "src/template/pattern.h"

#include <stdlib.h>
#include <string.h>

/* A room that a channel goes to. */
struct demand_link {
	struct eio_hash_node node; /* in demand.links */
	struct eio_list of_channel;
	struct demand_channel *channel;
	struct interest *room; /* a reference */
	bool heard;
};

static bool
is_on_demand(const struct feed_spec *f)
{
	return f->subscribe == FEED_SUBSCRIBE_ON_DEMAND;
}

bool
demand_goes_to(const struct feed_spec *f, struct eio_bytes channel, size_t *i)
{
	struct template_captures unused;

	for (; is_on_demand(f) && *i < f->n_channels; ++*i) {
		struct eio_bytes name = eio_cstr(f->channels[*i]);

		if (f->is_pattern ? template_match(name, channel, &unused) : eio_bytes_eq(name, channel)) return true;
	}
	return false;
}

static bool
has_listeners(const struct interest *room)
{
	return interest_workers(room) != 0;
}

/* Channels */

static struct demand_channel *
find_demanded(const struct demand *d, struct eio_bytes name, uint64_t hash)
{
	for (struct eio_hash_node *n = eio_hash_find(&d->channels, hash); n; n = eio_hash_next(n)) {
		struct demand_channel *c = EIO_CONTAINER(n, struct demand_channel, node);

		if (eio_bytes_eq(c->name, name)) return c;
	}
	return NULL;
}

const struct demand_channel *
demand_find(const struct demand *d, struct eio_bytes channel)
{
	return find_demanded(d, channel, eio_hash_bytes(d->hash_key, channel));
}

/* Finds the feeds of a channel. False when out of memory. */
static bool
find_demand_uses(struct demand *d, struct demand_channel *c)
{
	for (size_t i = 0; i < d->specs->n; i++) {
		const struct feed_spec *f = &d->specs->v[i];

		for (size_t k = 0; demand_goes_to(f, c->name, &k); k++) {
			struct demand_use *uses = realloc(c->uses, (c->n_uses + 1) * sizeof *uses);

			d->starved += !uses;
			if (!uses) return false;
			c->uses = uses;
			uses[c->n_uses++] = (struct demand_use){ f->index, f->channels[k] };
			if (f->linger_ms > c->linger_ms) c->linger_ms = f->linger_ms;
		}
	}
	return true;
}

/* One count for each feed, by however many of its names it comes. */
static void
count_demanded(struct demand *d, const struct demand_channel *c, size_t by)
{
	for (size_t i = 0; i < c->n_uses; i++)
		if (!i || c->uses[i].feed != c->uses[i - 1].feed) d->counts[c->uses[i].feed] += by;
}

static void
free_demanded(struct demand_channel *c)
{
	free(c->uses);
	free(c);
}

/* NULL: it goes to no feed, or memory is out. Nobody has asked for it yet. */
static struct demand_channel *
add_demanded(struct demand *d, struct eio_bytes name, uint64_t hash)
{
	struct demand_channel *c = calloc(1, sizeof *c + name.n + 1);

	if (!c || redis_is_marker(name)) {
		d->starved += !c;
		free(c);
		return NULL;
	}
	eio_list_init(&c->links);
	eio_list_init(&c->lingering);
	if (name.n) memcpy(c->data, name.p, name.n);
	c->name = eio_bytes(c->data, name.n);
	if (!find_demand_uses(d, c) || !c->n_uses) {
		free_demanded(c);
		return NULL;
	}
	eio_hash_add(&d->channels, &c->node, hash);
	count_demanded(d, c, 1);
	if (d->events) d->events->want(d->user, c->name);
	return c;
}

static struct demand_channel *
make_demanded(struct demand *d, struct eio_bytes name)
{
	uint64_t hash = eio_hash_bytes(d->hash_key, name);
	struct demand_channel *c = find_demanded(d, name, hash);

	return c ? c : add_demanded(d, name, hash);
}

static struct demand_queue *
queue_of(const struct demand *d, const struct demand_channel *c)
{
	struct demand_queue *q = d->queues;

	while (q->linger_ms != c->linger_ms) q++;
	return q;
}

/* Nobody hears it, from now on or still. */
static void
begin_lingering(struct demand *d, struct demand_channel *c, uint64_t now_ms)
{
	c->until_ms = now_ms + c->linger_ms;
	eio_list_remove(&c->lingering);
	eio_list_add_tail(&queue_of(d, c)->channels, &c->lingering);
}

/* Links */

static uint64_t
hash_of_linked(const struct interest *room)
{
	return (uint64_t)(uintptr_t)room * UINT64_C(0x9e3779b97f4a7c15) >> 16;
}

static struct demand_link *
find_room_link(const struct demand *d, const struct interest *room)
{
	struct eio_hash_node *n = eio_hash_find(&d->links, hash_of_linked(room));

	while (n && EIO_CONTAINER(n, struct demand_link, node)->room != room) n = eio_hash_next(n);
	return n ? EIO_CONTAINER(n, struct demand_link, node) : NULL;
}

static struct demand_link *
next_room_link(struct demand_link *l)
{
	struct eio_hash_node *n = eio_hash_next(&l->node);

	while (n && EIO_CONTAINER(n, struct demand_link, node)->room != l->room) n = eio_hash_next(n);
	return n ? EIO_CONTAINER(n, struct demand_link, node) : NULL;
}

static void
drop_room_link(struct demand *d, struct demand_link *l)
{
	eio_list_remove(&l->of_channel);
	eio_hash_remove(&d->links, &l->node);
	interest_unref(l->room);
	free(l);
}

static bool
is_room_linked(const struct demand *d, const struct interest *room, const struct demand_channel *c)
{
	struct demand_link *l = find_room_link(d, room);

	while (l && l->channel != c) l = next_room_link(l);
	return l != NULL;
}

static void
link_room_to(struct demand *d, struct interest *room, struct demand_channel *c)
{
	struct demand_link *l = calloc(1, sizeof *l);

	if (!l) {
		d->starved++;
		return;
	}
	l->channel = c;
	l->room = interest_ref(room);
	l->heard = has_listeners(room);
	eio_list_add_tail(&c->links, &l->of_channel);
	eio_hash_add(&d->links, &l->node, hash_of_linked(room));
	c->heard += l->heard;
	if (l->heard) eio_list_remove(&c->lingering);
}

/* Finds the channel of a room by one inverse. */
static void
link_room_by(struct demand *d, struct interest *room, const struct template_inverse *inverse, uint64_t now_ms)
{
	struct demand_channel *c;

	eio_buf_clear(&d->scratch);
	if (!template_inverse_find(inverse, room->key.name, &d->scratch)) return;
	d->starved += eio_buf_failed(&d->scratch);
	if (eio_buf_failed(&d->scratch)) return;
	c = make_demanded(d, d->scratch.n ? eio_buf_bytes(&d->scratch) : eio_bytes("", 0));
	if (!c || is_room_linked(d, room, c)) return;
	link_room_to(d, room, c);
	if (!c->heard && eio_list_empty(&c->lingering)) begin_lingering(d, c, now_ms);
}

/* And by all. */
static void
link_room_by_all(struct demand *d, struct interest *room, uint64_t now_ms)
{
	for (size_t i = 0; !room->key.everyone && i < d->specs->n; i++) {
		const struct feed_spec *f = &d->specs->v[i];

		if (!f->n_inverses || !eio_bytes_eq(eio_cstr(f->nsp), room->key.nsp)) continue;
		for (size_t k = 0; k < f->n_inverses; k++) link_room_by(d, room, &f->inverses[k], now_ms);
	}
}

void
demand_note(struct demand *d, struct interest *room, uint64_t now_ms)
{
	struct demand_link *l = find_room_link(d, room);
	bool heard = has_listeners(room);

	if (!l && (heard || interest_is_kept(room))) link_room_by_all(d, room, now_ms);
	for (; l; l = next_room_link(l)) {
		if (l->heard == heard) continue;
		l->heard = heard;
		l->channel->heard += heard ? 1 : (size_t)-1;
		if (!l->channel->heard)
			begin_lingering(d, l->channel, now_ms);
		else
			eio_list_remove(&l->channel->lingering);
	}
}

void
demand_keep(struct demand *d, struct eio_bytes channel, uint64_t now_ms, unsigned ms)
{
	struct demand_channel *c = make_demanded(d, channel);

	if (!c || c->heard) return;
	/* Behind those that end before it; and one that ends later keeps those behind it, too, for that time. */
	begin_lingering(d, c, now_ms);
	if (c->until_ms < now_ms + ms) c->until_ms = now_ms + ms;
}

/* The end of lingering */

/* Whether somebody may come back to one of its rooms: that is not told. */
static bool
is_still_heard(const struct demand_channel *c)
{
	for (const struct eio_list *l = c->links.next; l != &c->links; l = l->next) {
		const struct interest *room =
			EIO_CONTAINER((struct eio_list *)(uintptr_t)l, struct demand_link, of_channel)->room;

		if (has_listeners(room) || interest_is_kept(room)) return true;
	}
	return false;
}

static void
drop_demanded(struct demand *d, struct demand_channel *c, bool tell)
{
	if (tell && d->events) d->events->leave(d->user, c->name); /* it is found meanwhile */
	while (!eio_list_empty(&c->links))
		drop_room_link(d, EIO_CONTAINER(c->links.next, struct demand_link, of_channel));
	eio_list_remove(&c->lingering);
	eio_hash_remove(&d->channels, &c->node);
	count_demanded(d, c, (size_t)-1);
	free_demanded(c);
}

/* The first of a queue, NULL: it is empty. */
static struct demand_channel *
first_lingering(const struct demand_queue *q)
{
	if (eio_list_empty(&q->channels)) return NULL;
	return EIO_CONTAINER(q->channels.next, struct demand_channel, lingering);
}

uint64_t
demand_deadline(const struct demand *d)
{
	uint64_t at = UINT64_MAX;

	for (size_t i = 0; i < d->n_queues; i++) {
		const struct demand_channel *c = first_lingering(&d->queues[i]);

		if (c && c->until_ms < at) at = c->until_ms;
	}
	return at;
}

void
demand_tick(struct demand *d, uint64_t now_ms)
{
	for (size_t i = 0; i < d->n_queues; i++) {
		struct demand_channel *c;

		while ((c = first_lingering(&d->queues[i])) && c->until_ms <= now_ms) {
			if (!is_still_heard(c)) {
				drop_demanded(d, c, true);
				continue;
			}
			/* It is looked at again, a second later at the earliest. */
			begin_lingering(d, c, now_ms);
			if (c->until_ms < now_ms + DEMAND_LOOK_MS) c->until_ms = now_ms + DEMAND_LOOK_MS;
		}
	}
}

/* All of it */

void
demand_each(const struct demand *d, void (*each)(void *user, struct eio_bytes channel), void *user)
{
	if (!d->channels.buckets) return;
	EIO_HASH_FOREACH(n, &d->channels) each(user, EIO_CONTAINER(n, struct demand_channel, node)->name);
}

void
demand_carry(struct demand *d, const struct demand *before, uint64_t now_ms)
{
	EIO_HASH_FOREACH(n, &before->channels)
		demand_keep(d, EIO_CONTAINER(n, struct demand_channel, node)->name, now_ms, 0);
}

static void
add_queue(struct demand *d, unsigned linger_ms)
{
	for (size_t i = 0; i < d->n_queues; i++)
		if (d->queues[i].linger_ms == linger_ms) return;
	d->queues[d->n_queues].linger_ms = linger_ms;
	eio_list_init(&d->queues[d->n_queues++].channels);
}

int
demand_init(struct demand *d, const struct feed_specs *specs, const uint64_t hash_key[2])
{
	*d = (struct demand){ .specs = specs, .hash_key = { hash_key[0], hash_key[1] } };
	if (eio_hash_init(&d->channels) < 0) return -1;
	if (eio_hash_init(&d->links) < 0) goto fail;
	d->queues = calloc(specs->n + 1, sizeof *d->queues);
	d->counts = calloc(specs->n + 1, sizeof *d->counts);
	if (!d->queues || !d->counts) goto fail;
	for (size_t i = 0; i < specs->n; i++)
		if (is_on_demand(&specs->v[i])) add_queue(d, specs->v[i].linger_ms);
	return 0;
fail:
	demand_deinit(d);
	return -1;
}

void
demand_deinit(struct demand *d)
{
	struct eio_hash_node *n = d->channels.buckets ? eio_hash_any(&d->channels) : NULL, *next;

	for (; n; n = next) {
		next = eio_hash_after(&d->channels, n);
		drop_demanded(d, EIO_CONTAINER(n, struct demand_channel, node), false);
	}
	eio_hash_deinit(&d->channels);
	eio_hash_deinit(&d->links);
	free(d->queues);
	free(d->counts);
	eio_buf_deinit(&d->scratch);
	*d = (struct demand){ .specs = NULL };
}
