/* SPDX-License-Identifier: MIT */
/* Rooms, members and seats, and what is to be told of them. What other nodes say is in nodes.c. */
#include "src/presence/core_int.h"

#include "eio/check.h"

#include <stdlib.h>

/* Rooms */

static struct presence_room *
lookup_room(const struct presence_core *c, struct sio_room_key key, uint64_t hash)
{
	for (struct eio_hash_node *n = eio_hash_find(&c->rooms, hash); n; n = eio_hash_next(n)) {
		struct presence_room *r = EIO_CONTAINER(n, struct presence_room, node);

		if (sio_room_key_eq(r->key, key)) return r;
	}
	return NULL;
}

struct presence_room *
presence__room(const struct presence_core *c, struct sio_room_key key)
{
	return lookup_room(c, key, sio_room_key_hash(c->hash_key, key));
}

static struct presence_room *
room_get(struct presence_core *c, const struct presence_spec *spec, struct sio_room_key key)
{
	uint64_t hash = sio_room_key_hash(c->hash_key, key);
	struct presence_room *r = lookup_room(c, key, hash);

	if (r) return r;
	r = calloc(1, sizeof *r + c->workers * sizeof *r->seats_of + sio_room_key_size(key));
	if (!r || eio_hash_init(&r->by_identity)) {
		free(r);
		return NULL;
	}
	r->seats_of = r->data;
	r->key = sio_room_key_copy(key, (char *)(r->data + c->workers));
	r->spec = spec;
	eio_list_init(&r->members);
	eio_list_init(&r->seated);
	eio_list_init(&r->newcomers);
	eio_list_init(&r->fresh);
	eio_hash_add(&c->rooms, &r->node, hash);
	return r;
}

/* Frees a room that nobody is in. */
static void
room_check(struct presence_core *c, struct presence_room *r)
{
	if (r->n_seats || r->by_identity.count) return;
	if (c->told == r) c->told = NULL;
	if (c->released && r->user) c->released(r->user);
	eio_hash_remove(&c->rooms, &r->node);
	eio_hash_deinit(&r->by_identity);
	eio_list_remove(&r->fresh);
	free(r);
}

/* Members */

struct presence_member *
presence__member(const struct presence_core *c, const struct presence_room *r, struct eio_bytes identity)
{
	uint64_t hash = eio_hash_bytes(c->hash_key, identity);

	for (struct eio_hash_node *n = eio_hash_find(&r->by_identity, hash); n; n = eio_hash_next(n)) {
		struct presence_member *m = EIO_CONTAINER(n, struct presence_member, node);

		if (eio_bytes_eq(eio_bytes(m->identity, m->identity_n), identity)) return m;
	}
	return NULL;
}

/* What he is called from now on. */
static int
member_call(struct presence_member *m, const struct presence_who *who)
{
	char *json;

	if (m->json && eio_bytes_eq(presence_member_json(m), who->member) &&
		eio_bytes_eq(presence_member_info(m), who->info))
		return 0;
	json = malloc(who->member.n + who->info.n);
	if (!json) return -1;
	memcpy(json, who->member.p, who->member.n);
	memcpy(json + who->member.n, who->info.p, who->info.n);
	free(m->json);
	m->json = json;
	m->member_n = who->member.n;
	m->info_n = who->info.n;
	m->renewed = true;
	m->room->version++;
	return 0;
}

static struct presence_member *
member_new(struct presence_core *c, struct presence_room *r, const struct presence_who *who)
{
	struct presence_member *m = calloc(1, sizeof *m + who->identity.n);

	if (!m) return NULL;
	m->room = r;
	if (member_call(m, who)) {
		free(m);
		return NULL;
	}
	m->identity_n = who->identity.n;
	if (who->identity.n) memcpy(m->identity, who->identity.p, who->identity.n);
	eio_list_init(&m->changed);
	eio_list_init(&m->lingering);
	eio_list_init(&m->references);
	eio_list_add_tail(&r->members, &m->link);
	eio_hash_add(&r->by_identity, &m->node, eio_hash_bytes(c->hash_key, who->identity));
	c->n_members++;
	return m;
}

/* Takes him out of everything. */
static void
member_detach(struct presence_core *c, struct presence_member *m)
{
	eio_hash_remove(&m->room->by_identity, &m->node);
	eio_list_remove(&m->link);
	eio_list_remove(&m->changed);
	eio_list_remove(&m->lingering);
	m->room->version++;
	c->n_members--;
}

static void
member_free(struct presence_core *c, struct presence_member *m)
{
	struct presence_room *r = m->room;

	free(m->json);
	free(m);
	room_check(c, r);
}

static bool
is_present(const struct presence_member *m)
{
	return m->seats || !eio_list_empty(&m->references);
}

void
presence__changed(struct presence_core *c, struct presence_member *m)
{
	eio_list_remove(&m->changed);
	eio_list_add_tail(&c->changed, &m->changed);
}

enum presence_result
presence__get(struct presence_core *c, const struct presence_spec *spec, struct sio_room_key key,
	const struct presence_who *who, bool bounded, struct presence_member **out)
{
	struct presence_room *r = room_get(c, spec, key);
	struct presence_member *m = r ? presence__member(c, r, who->identity) : NULL;
	enum presence_result result = PRESENCE_OK;

	if (!r) return PRESENCE_NOMEM;
	if (m)
		result = member_call(m, who) ? PRESENCE_NOMEM : PRESENCE_OK;
	else if (bounded && r->by_identity.count >= spec->max_members)
		result = PRESENCE_FULL;
	else if (!(m = member_new(c, r, who)))
		result = PRESENCE_NOMEM;
	if (result == PRESENCE_OK)
		presence__changed(c, m);
	else
		room_check(c, r);
	*out = m;
	return result;
}

/* Seats */

/* The number itself, turned so that what differs comes first. */
static uint64_t
seat_hash(uint64_t id)
{
	return id >> 6 | id << 58;
}

static struct presence_seat *
find_seat(const struct presence_core *c, uint64_t id)
{
	struct eio_hash_node *n = eio_hash_find(&c->seats, seat_hash(id));

	return n ? EIO_CONTAINER(n, struct presence_seat, node) : NULL;
}

enum presence_result
presence_enter(struct presence_core *c, uint64_t id, const struct presence_spec *spec, struct sio_room_key key,
	const struct presence_who *who)
{
	struct presence_seat *s = malloc(sizeof *s);
	struct presence_member *m;
	enum presence_result result = s ? presence__get(c, spec, key, who, true, &m) : PRESENCE_NOMEM;

	CHECK(presence_seat_worker(id) < c->workers && !find_seat(c, id));
	if (result != PRESENCE_OK) {
		free(s);
		return result;
	}
	m->seats++;
	s->id = id;
	s->member = m;
	s->room = m->room;
	s->room->n_seats++;
	s->room->seats_of[presence_seat_worker(id)]++;
	eio_hash_add(&c->seats, &s->node, seat_hash(id));
	eio_list_init(&s->link);
	eio_list_add_tail(&s->room->newcomers, &s->link);
	eio_list_remove(&s->room->fresh);
	eio_list_add_tail(&c->fresh, &s->room->fresh);
	return PRESENCE_OK;
}

void
presence_exit(struct presence_core *c, uint64_t id)
{
	struct presence_seat *s = find_seat(c, id);

	if (!s) return;
	eio_hash_remove(&c->seats, &s->node);
	eio_list_remove(&s->link);
	if (eio_list_empty(&s->room->newcomers)) eio_list_remove(&s->room->fresh);
	s->room->n_seats--;
	s->room->seats_of[presence_seat_worker(id)]--;
	s->member->seats--;
	presence__changed(c, s->member);
	free(s);
}

/* Telling */

/* The newcomers of the room that was told last know the list now; who left is gone. */
static void
settle(struct presence_core *c)
{
	struct eio_list *l, *next;

	if (c->left) member_free(c, c->left);
	c->left = NULL;
	if (!c->told) return;
	EIO_LIST_FOREACH_SAFE(l, next, &c->told->newcomers)
	{
		eio_list_remove(l);
		eio_list_add_tail(&c->told->seated, l);
	}
	c->told = NULL;
}

static bool
tell_of(struct presence_member *m, enum presence_event_kind kind, struct presence_event *ev)
{
	*ev = (struct presence_event){ kind, m->room, m };
	return true;
}

/* What other nodes do not know of him yet. */
static bool
tell_nodes(struct presence_member *m, struct presence_event *ev)
{
	bool ours = m->seats > 0, news = m->shared != ours || (ours && m->renewed);

	m->renewed = false;
	m->shared = ours;
	return news && m->room->spec->shared && tell_of(m, ours ? PRESENCE_SHARE : PRESENCE_UNSHARE, ev);
}

/* He has been looked at, and all but his leaving was told. */
static void
linger(struct presence_core *c, struct presence_member *m, uint64_t now_ms)
{
	if (is_present(m)) {
		eio_list_remove(&m->lingering);
	} else if (!m->told) {
		member_detach(c, m);
		member_free(c, m);
	} else if (eio_list_empty(&m->lingering)) {
		m->due_ms = now_ms + m->room->spec->linger_ms;
		eio_list_add_tail(&c->lingering[m->room->spec->index], &m->lingering);
	}
}

/* Whether there is something to tell of a member that has changed. */
static bool
next_changed(struct presence_core *c, uint64_t now_ms, struct presence_event *ev)
{
	while (!eio_list_empty(&c->changed)) {
		struct presence_member *m = EIO_CONTAINER(c->changed.next, struct presence_member, changed);

		if (is_present(m) && !m->told) {
			m->told = true;
			return tell_of(m, PRESENCE_JOINING, ev);
		}
		if (tell_nodes(m, ev)) return true;
		eio_list_remove(&m->changed);
		linger(c, m, now_ms);
	}
	return false;
}

static bool
next_leaving(struct presence_core *c, uint64_t now_ms, struct presence_event *ev)
{
	for (size_t i = 0; i < c->specs->n; i++) {
		struct presence_member *m;

		if (eio_list_empty(&c->lingering[i])) continue;
		m = EIO_CONTAINER(c->lingering[i].next, struct presence_member, lingering);
		if (m->due_ms > now_ms) continue;
		member_detach(c, m);
		c->left = m;
		return tell_of(m, PRESENCE_LEAVING, ev);
	}
	return false;
}

static bool
next_here(struct presence_core *c, uint64_t now_ms, struct presence_event *ev)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &c->fresh)
	{
		struct presence_room *r = EIO_CONTAINER(l, struct presence_room, fresh);

		if (r->hold_ms > now_ms) continue;
		eio_list_remove(l);
		c->told = r;
		*ev = (struct presence_event){ PRESENCE_HERE, r, NULL };
		return true;
	}
	return false;
}

bool
presence_next(struct presence_core *c, uint64_t now_ms, struct presence_event *ev)
{
	settle(c);
	return next_changed(c, now_ms, ev) || next_leaving(c, now_ms, ev) || next_here(c, now_ms, ev);
}

uint64_t
presence_deadline(const struct presence_core *c)
{
	uint64_t at = UINT64_MAX;

	for (size_t i = 0; i < c->specs->n; i++) {
		const struct presence_member *m;

		if (eio_list_empty(&c->lingering[i])) continue;
		m = EIO_CONTAINER(c->lingering[i].next, struct presence_member, lingering);
		if (m->due_ms < at) at = m->due_ms;
	}
	for (struct eio_list *l = c->fresh.next; l != &c->fresh; l = l->next) {
		const struct presence_room *r = EIO_CONTAINER(l, struct presence_room, fresh);

		if (r->hold_ms < at) at = r->hold_ms;
	}
	return at;
}

void
presence_list(const struct presence_room *r, bool ids, struct eio_buf *out)
{
	eio_buf_addc(out, '[');
	for (struct eio_list *l = r->members.next; l != &r->members; l = l->next) {
		const struct presence_member *m = EIO_CONTAINER(l, struct presence_member, link);

		if (l != r->members.next) eio_buf_addc(out, ',');
		eio_buf_add(out, ids ? presence_member_json(m) : presence_member_info(m));
	}
	eio_buf_addc(out, ']');
}

void
presence_each_shared(const struct presence_core *c,
	void (*each)(void *ctx, const struct presence_room *room, const struct presence_member *m), void *ctx)
{
	EIO_HASH_FOREACH(n, &c->rooms) {
		struct presence_room *r = EIO_CONTAINER(n, struct presence_room, node);

		for (struct eio_list *l = r->members.next; r->spec->shared && l != &r->members; l = l->next) {
			const struct presence_member *m = EIO_CONTAINER(l, struct presence_member, link);

			if (m->seats) each(ctx, r, m);
		}
	}
}

/* From the beginning to the end */

int
presence_core_init(
	struct presence_core *c, const struct presence_specs *specs, unsigned workers, const uint64_t hash_key[2])
{
	*c = (struct presence_core){ .specs = specs, .workers = workers, .hash_key = { hash_key[0], hash_key[1] } };
	eio_list_init(&c->changed);
	eio_list_init(&c->fresh);
	c->lingering = calloc(specs->n + 1, sizeof *c->lingering);
	if (!c->lingering) return -1;
	for (size_t i = 0; i < specs->n; i++) eio_list_init(&c->lingering[i]);
	if (eio_hash_init(&c->rooms)) goto fail_lingering;
	if (eio_hash_init(&c->seats)) goto fail_rooms;
	return 0;
fail_rooms:
	eio_hash_deinit(&c->rooms);
fail_lingering:
	free(c->lingering);
	return -1;
}

/* Frees a room with all that is in it; the nodes have let go of their references. */
static void
empty_room(struct presence_core *c, struct presence_room *r)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &r->members)
	{
		struct presence_member *m = EIO_CONTAINER(l, struct presence_member, link);

		CHECK(eio_list_empty(&m->references));
		member_detach(c, m);
		free(m->json);
		free(m);
	}
	room_check(c, r);
}

void
presence_core_deinit(struct presence_core *c)
{
	if (!c->lingering) return;
	settle(c);
	EIO_HASH_FOREACH_SAFE(n, next, &c->seats)
	{
		presence_exit(c, EIO_CONTAINER(n, struct presence_seat, node)->id);
	}
	EIO_HASH_FOREACH_SAFE(n, next, &c->rooms)
	{
		empty_room(c, EIO_CONTAINER(n, struct presence_room, node));
	}
	eio_hash_deinit(&c->seats);
	eio_hash_deinit(&c->rooms);
	free(c->lingering);
	c->lingering = NULL;
}
