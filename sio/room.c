/* SPDX-License-Identifier: MIT */
/* Rooms and their members; see room.h for the picture. */
#include "sio/room.h"

#include "eio/check.h"
#include "sio/error.h"

#include <stdlib.h>

/* One member's place in one room. */
struct sio_room_link {
	struct eio_hash_node node; /* in rooms.links */
	struct eio_list of_member; /* in member->links */
	struct sio_room *room;
	struct sio_member *member;
	size_t index; /* in room->slots */
};

_Static_assert(sizeof(struct sio_room_link) <= 56, "one for each client and room; the allocator takes 8 more");

/* The namespace's hash keys the name's, so the two need not be joined in memory first. */
uint64_t
sio_room_key_hash(const uint64_t hash_key[2], struct sio_room_key key)
{
	uint64_t k[2] = { hash_key[0] ^ eio_hash_bytes(hash_key, key.nsp), hash_key[1] };

	if (key.aside) k[0] = ~k[0];
	if (key.everyone) return k[0];
	return eio_hash_bytes(k, key.name);
}

bool
sio_room_key_eq(struct sio_room_key a, struct sio_room_key b)
{
	return a.everyone == b.everyone && a.aside == b.aside && eio_bytes_eq(a.nsp, b.nsp) &&
	       (a.everyone || eio_bytes_eq(a.name, b.name));
}

/* Whether a membership counts in max_per_member. */
static bool
counts(struct sio_room_key key)
{
	return !key.everyone && !key.aside;
}

struct sio_room_key
sio_room_key_copy(struct sio_room_key key, char *mem)
{
	size_t name_n = sio_room_key_size(key) - key.nsp.n;

	if (key.nsp.n) memcpy(mem, key.nsp.p, key.nsp.n);
	if (name_n) memcpy(mem + key.nsp.n, key.name.p, name_n);
	return (struct sio_room_key){ { mem, key.nsp.n }, { mem + key.nsp.n, name_n }, key.everyone, key.aside };
}

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
sio_rooms_set_limits(struct sio_rooms *t, unsigned max_per_member, size_t max_name)
{
	t->config.max_per_member = max_per_member;
	t->config.max_name = max_name;
}

void
sio_rooms_deinit(struct sio_rooms *t)
{
	CHECK(t->rooms.count == 0 && t->links.count == 0);
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

static struct sio_room *
find_room(const struct sio_rooms *t, struct sio_room_key key, uint64_t hash)
{
	struct eio_hash_node *n;
	struct sio_room *r;

	for (n = eio_hash_find(&t->rooms, hash); n; n = eio_hash_next(n)) {
		r = EIO_CONTAINER(n, struct sio_room, node);
		if (sio_room_key_eq(r->key, key)) return r;
	}
	return NULL;
}

struct sio_room *
sio_rooms_find(const struct sio_rooms *t, struct sio_room_key key)
{
	return find_room(t, key, sio_room_key_hash(t->config.hash_key, key));
}

static uint64_t
link_hash(const struct sio_rooms *t, const struct sio_room *r, const struct sio_member *m)
{
	const void *pair[2] = { r, m };

	return eio_hash_bytes(t->config.hash_key, eio_bytes(pair, sizeof pair));
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

/* Calls opened or closing. */
static void
room_tell(struct sio_rooms *t, void (*hook)(void *user, struct sio_room *room), struct sio_room *r)
{
	if (!hook) return;
	t->calling = true;
	hook(t->config.user, r);
	t->calling = false;
}

/* A room without members, not in the table yet. */
static struct sio_room *
room_new(struct sio_room_key key)
{
	struct sio_room *r = malloc(sizeof *r + sio_room_key_size(key));

	if (!r) return NULL;
	*r = (struct sio_room){ .key = sio_room_key_copy(key, (char *)(r + 1)) };
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
	slots = realloc(r->slots, cap * sizeof *slots);
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
	l = malloc(sizeof *l);
	if (!l) return false;
	l->room = r;
	l->member = m;
	l->index = r->n;
	r->slots[r->n++] = (struct sio_room_slot){ m->target, l };
	eio_list_add_tail(&m->links, &l->of_member);
	eio_hash_add(&t->links, &l->node, link_hash(t, r, m));
	if (counts(r->key)) m->named++;
	return true;
}

int
sio_rooms_join(struct sio_rooms *t, struct sio_member *m, struct sio_room_key key)
{
	uint64_t hash;
	struct sio_room *r;
	bool opened;

	CHECK(!t->calling);
	if (!key.everyone && key.name.n > t->config.max_name) return SIO_ERR_ROOM_NAME;
	hash = sio_room_key_hash(t->config.hash_key, key);
	r = find_room(t, key, hash);
	if (r && find_link(t, r, m)) return 0;
	if (counts(key) && m->named >= t->config.max_per_member) return SIO_ERR_TOO_MANY_ROOMS;
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
		room_tell(t, t->config.opened, r);
	}
	return 1;
}

static void
link_remove(struct sio_rooms *t, struct sio_room_link *l)
{
	struct sio_room *r = l->room;
	struct sio_room_slot last;

	CHECK(!t->calling && l->index < r->n && r->slots[l->index].link == l);
	last = r->slots[--r->n];
	/* The last slot moves into the gap. */
	r->slots[l->index] = last;
	last.link->index = l->index;
	if (counts(r->key)) l->member->named--;
	eio_list_remove(&l->of_member);
	eio_hash_remove(&t->links, &l->node);
	free(l);
	if (r->n > 0) return;
	room_tell(t, t->config.closing, r);
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

const struct sio_room_key *
sio_member_next_room(const struct sio_member *m, const struct eio_list **at)
{
	const struct eio_list *l = *at ? (*at)->next : m->links.next;

	for (; l != &m->links; l = l->next) {
		const struct sio_room_link *link = EIO_CONTAINER(l, struct sio_room_link, of_member);

		if (link->room->key.aside) continue;
		*at = l;
		return &link->room->key;
	}
	return NULL;
}
