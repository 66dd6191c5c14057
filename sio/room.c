/* SPDX-License-Identifier: MIT */
/* Rooms and their members; see room.h for the picture. */
#include "sio/room.h"

#include "sio/error.h"

#include <assert.h>
#include <stdlib.h>

/* One member's place in one room. */
struct sio_room_link {
	struct eio_hash_node node; /* in rooms.links */
	struct eio_list of_member; /* in member->links */
	struct sio_room *room;
	struct sio_member *member;
	size_t index; /* in room->slots */
};

int
sio_rooms_init(struct sio_rooms *t, const struct sio_rooms_config *config)
{
	*t = (struct sio_rooms){ .config = *config };
	if (eio_hash_init(&t->rooms)) return SIO_ERR_NOMEM;
	if (eio_hash_init(&t->links)) {
		eio_hash_deinit(&t->rooms);
		return SIO_ERR_NOMEM;
	}
	return 0;
}

void
sio_rooms_deinit(struct sio_rooms *t)
{
	assert(t->rooms.count == 0 && t->links.count == 0);
	eio_hash_deinit(&t->links);
	eio_hash_deinit(&t->rooms);
}

void
sio_member_init(struct sio_member *m, void *target)
{
	eio_list_init(&m->links);
	m->target = target;
	m->named = 0;
}

/* The namespace's hash keys the name's, so the two need not be joined in memory first. */
static uint64_t
key_hash(const struct sio_rooms *t, struct sio_room_key key)
{
	uint64_t k[2] = { t->config.hash_key[0] ^ eio_hash_bytes(t->config.hash_key, key.nsp), t->config.hash_key[1] };

	if (key.everyone) return k[0];
	return eio_hash_bytes(k, key.name);
}

static bool
key_eq(struct sio_room_key a, struct sio_room_key b)
{
	return a.everyone == b.everyone && eio_bytes_eq(a.nsp, b.nsp) && (a.everyone || eio_bytes_eq(a.name, b.name));
}

static struct sio_room *
find(const struct sio_rooms *t, struct sio_room_key key, uint64_t hash)
{
	struct eio_hash_node *n;
	struct sio_room *r;

	for (n = eio_hash_find(&t->rooms, hash); n; n = eio_hash_next(n)) {
		r = EIO_CONTAINER(n, struct sio_room, node);
		if (key_eq(r->key, key)) return r;
	}
	return NULL;
}

struct sio_room *
sio_rooms_find(const struct sio_rooms *t, struct sio_room_key key)
{
	return find(t, key, key_hash(t, key));
}

static uint64_t
link_hash(const struct sio_rooms *t, const struct sio_room *r, const struct sio_member *m)
{
	const void *pair[2] = { r, m };

	return eio_hash_bytes(t->config.hash_key, eio_bytes(pair, sizeof(pair)));
}

static struct sio_room_link *
find_link(const struct sio_rooms *t, const struct sio_room *r, const struct sio_member *m)
{
	struct eio_hash_node *n;
	struct sio_room_link *l;

	for (n = eio_hash_find(&t->links, link_hash(t, r, m)); n; n = eio_hash_next(n)) {
		l = EIO_CONTAINER(n, struct sio_room_link, node);
		if (l->room == r && l->member == m) return l;
	}
	return NULL;
}

bool
sio_rooms_has(const struct sio_rooms *t, const struct sio_member *m, struct sio_room_key key)
{
	struct sio_room *r = sio_rooms_find(t, key);

	return r && find_link(t, r, m);
}

const struct sio_room_key *
sio_member_next_room(const struct sio_member *m, const struct eio_list **at)
{
	const struct eio_list *l = *at ? (*at)->next : m->links.next;

	if (l == &m->links) return NULL;
	*at = l;
	return &EIO_CONTAINER(l, struct sio_room_link, of_member)->room->key;
}

size_t
sio_rooms_count(const struct sio_rooms *t)
{
	return t->rooms.count;
}

/* A room without members, not in the table yet. */
static struct sio_room *
room_new(struct sio_room_key key)
{
	size_t name_n = key.everyone ? 0 : key.name.n;
	struct sio_room *r = malloc(sizeof(*r) + key.nsp.n + name_n);
	char *mem;

	if (!r) return NULL;
	*r = (struct sio_room){ .key = { .everyone = key.everyone } };
	mem = (char *)(r + 1);
	if (key.nsp.n) memcpy(mem, key.nsp.p, key.nsp.n);
	if (name_n) memcpy(mem + key.nsp.n, key.name.p, name_n);
	r->key.nsp = (struct eio_bytes){ mem, key.nsp.n };
	r->key.name = (struct eio_bytes){ mem + key.nsp.n, name_n };
	return r;
}

static void
room_free(struct sio_room *r)
{
	free(r->slots);
	free(r);
}

static bool
room_grow(struct sio_room *r)
{
	size_t cap = r->cap ? r->cap * 2 : 4;
	struct sio_room_slot *slots;

	if (r->n < r->cap) return true;
	slots = realloc(r->slots, cap * sizeof(*slots));
	if (!slots) return false;
	r->slots = slots;
	r->cap = cap;
	return true;
}

/* Adds m to a room that has it not; everything that can fail has happened before anything changes. */
static bool
link_add(struct sio_rooms *t, struct sio_room *r, struct sio_member *m)
{
	struct sio_room_link *l;

	if (!room_grow(r)) return false;
	l = malloc(sizeof(*l));
	if (!l) return false;
	l->room = r;
	l->member = m;
	l->index = r->n;
	r->slots[r->n++] = (struct sio_room_slot){ m->target, l };
	eio_list_add_tail(&m->links, &l->of_member);
	eio_hash_add(&t->links, &l->node, link_hash(t, r, m));
	if (!r->key.everyone) m->named++;
	return true;
}

int
sio_rooms_join(struct sio_rooms *t, struct sio_member *m, struct sio_room_key key)
{
	uint64_t hash;
	struct sio_room *r;
	bool opened;

	if (!key.everyone && key.name.n > t->config.max_name) return SIO_ERR_ROOM_NAME;
	hash = key_hash(t, key);
	r = find(t, key, hash);
	if (r && find_link(t, r, m)) return 0;
	if (!key.everyone && m->named >= t->config.max_per_member) return SIO_ERR_TOO_MANY_ROOMS;
	opened = !r;
	if (opened) {
		r = room_new(key);
		if (!r) return SIO_ERR_NOMEM;
	}
	if (!link_add(t, r, m)) {
		if (opened) room_free(r);
		return SIO_ERR_NOMEM;
	}
	if (opened) {
		eio_hash_add(&t->rooms, &r->node, hash);
		if (t->config.opened) t->config.opened(t->config.user, r);
	}
	return 1;
}

static void
link_remove(struct sio_rooms *t, struct sio_room_link *l)
{
	struct sio_room *r = l->room;
	struct sio_room_slot last = r->slots[--r->n];

	/* The last slot moves into the gap. */
	r->slots[l->index] = last;
	last.link->index = l->index;
	if (!r->key.everyone) l->member->named--;
	eio_list_remove(&l->of_member);
	eio_hash_remove(&t->links, &l->node);
	free(l);
	if (r->n > 0) return;
	if (t->config.closing) t->config.closing(t->config.user, r);
	eio_hash_remove(&t->rooms, &r->node);
	room_free(r);
}

int
sio_rooms_leave(struct sio_rooms *t, struct sio_member *m, struct sio_room_key key)
{
	struct sio_room *r = sio_rooms_find(t, key);
	struct sio_room_link *l = r ? find_link(t, r, m) : NULL;

	if (!l) return 0;
	link_remove(t, l);
	return 1;
}

void
sio_rooms_leave_all(struct sio_rooms *t, struct sio_member *m)
{
	struct eio_list *it, *tmp;

	EIO_LIST_FOREACH_SAFE(it, tmp, &m->links) link_remove(t, EIO_CONTAINER(it, struct sio_room_link, of_member));
}
