/* SPDX-License-Identifier: MIT */
/* Which edge is in which room. The first of them makes the hub listen there, as a worker's first member does. */
#include "src/relay/hub_int.h"

#include "src/feed/interest.h"

#include <stdlib.h>

static uint64_t
hash_of_addresses(const void *a, const void *b)
{
	uint64_t x = (uint64_t)(uintptr_t)a, y = (uint64_t)(uintptr_t)b;

	return (x * UINT64_C(0x9e3779b97f4a7c15) >> 16) ^ (y * UINT64_C(0xc2b2ae3d27d4eb4f) >> 20);
}

struct hub_room *
hub_rooms_of(const struct relay_hub *h, const struct interest *pair)
{
	for (struct eio_hash_node *n = eio_hash_find(&h->rooms, hash_of_addresses(pair, NULL)); n;
		n = eio_hash_next(n)) {
		struct hub_room *r = EIO_CONTAINER(n, struct hub_room, node);

		if (r->pair == pair) return r;
	}
	return NULL;
}

struct hub_room *
hub_rooms_find(struct relay_hub *h, struct sio_room_key key)
{
	struct interest *pair = interest_get(h->options.interest, key);
	struct hub_room *r = pair ? hub_rooms_of(h, pair) : NULL;

	interest_unref(pair);
	return r;
}

static struct hub_join *
find_join(const struct hub_session *s, const struct hub_room *r)
{
	for (struct eio_hash_node *n = eio_hash_find(&s->hub->joins, hash_of_addresses(s, r)); n;
		n = eio_hash_next(n)) {
		struct hub_join *j = EIO_CONTAINER(n, struct hub_join, node);

		if (j->session == s && j->room == r) return j;
	}
	return NULL;
}

static void
show_hub_rooms(struct relay_hub *h)
{
	metrics_put(h->metrics, RELAY_HUB_METRIC_ROOMS, h->rooms.count);
}

/* NULL when out of memory. */
static struct hub_room *
open_hub_room(struct relay_hub *h, struct sio_room_key key)
{
	struct hub_room *r = calloc(1, sizeof *r);

	if (!r) return NULL;
	r->pair = interest_get(h->options.interest, key);
	if (!r->pair || interest_set(h->options.interest, h->options.taker, key) < 0) {
		interest_unref(r->pair);
		free(r);
		return NULL;
	}
	r->number = ++h->rooms_born;
	eio_list_init(&r->joins);
	eio_hash_add(&h->rooms, &r->node, hash_of_addresses(r->pair, NULL));
	show_hub_rooms(h);
	return r;
}

static void
close_hub_room(struct relay_hub *h, struct hub_room *r)
{
	if (!eio_list_empty(&r->joins)) return;
	eio_hash_remove(&h->rooms, &r->node);
	interest_clear(h->options.interest, h->options.taker, r->pair->key);
	interest_unref(r->pair);
	free(r);
	show_hub_rooms(h);
}

int
hub_rooms_join(struct hub_session *s, struct sio_room_key key, struct hub_room **room)
{
	struct relay_hub *h = s->hub;
	struct hub_room *r = hub_rooms_find(h, key);
	struct hub_join *j = r ? find_join(s, r) : NULL;

	*room = r;
	if (j) return 0;
	if (!r) *room = r = open_hub_room(h, key);
	if (!r) return -1;
	j = s->n_joins < RELAY_EDGE_ROOMS ? malloc(sizeof *j) : NULL;
	if (!j) {
		close_hub_room(h, r);
		return -1;
	}
	j->room = r;
	j->session = s;
	eio_list_add_tail(&r->joins, &j->in_room);
	eio_list_add_tail(&s->joins, &j->in_session);
	eio_hash_add(&h->joins, &j->node, hash_of_addresses(s, r));
	s->n_joins++;
	return 1;
}

static void
end_join(struct hub_join *j)
{
	struct relay_hub *h = j->session->hub;
	struct hub_room *r = j->room;

	eio_hash_remove(&h->joins, &j->node);
	eio_list_remove(&j->in_room);
	eio_list_remove(&j->in_session);
	j->session->n_joins--;
	free(j);
	close_hub_room(h, r);
}

uint64_t
hub_rooms_leave(struct hub_session *s, struct sio_room_key key)
{
	struct hub_room *r = hub_rooms_find(s->hub, key);
	struct hub_join *j = r ? find_join(s, r) : NULL;
	uint64_t number = j ? r->number : 0;

	if (j) end_join(j);
	return number;
}

void
hub_rooms_leave_all(struct hub_session *s)
{
	while (!eio_list_empty(&s->joins)) end_join(EIO_CONTAINER(s->joins.next, struct hub_join, in_session));
}
