/* SPDX-License-Identifier: MIT */
/* Counting, and when it is told. A target stays as long as somebody is in it, or what was told of it is wrong. */
#include "src/presence/count.h"

#include "eio/check.h"

#include <stdlib.h>

static struct presence_target *
find_target(const struct presence_counts *c, struct sio_room_key key, uint64_t hash)
{
	for (struct eio_hash_node *n = eio_hash_find(&c->targets, hash); n; n = eio_hash_next(n)) {
		struct presence_target *t = EIO_CONTAINER(n, struct presence_target, node);

		if (sio_room_key_eq(t->key, key)) return t;
	}
	return NULL;
}

static struct presence_target *
target_get(struct presence_counts *c, const struct presence_count_spec *spec, struct sio_room_key key)
{
	uint64_t hash = sio_room_key_hash(c->hash_key, key);
	struct presence_target *t = find_target(c, key, hash);

	if (t) return t;
	t = calloc(1, sizeof *t + sio_room_key_size(key));
	if (!t) return NULL;
	t->key = sio_room_key_copy(key, t->data);
	t->spec = spec;
	eio_list_init(&t->changed);
	eio_list_init(&t->parts);
	eio_hash_add(&c->targets, &t->node, hash);
	return t;
}

static void
target_free(struct presence_counts *c, struct presence_target *t)
{
	if (c->looked_at == t) c->looked_at = NULL;
	eio_hash_remove(&c->targets, &t->node);
	eio_list_remove(&t->changed);
	free(t->newcomers);
	free(t);
}

static void
note_change(struct presence_counts *c, struct presence_target *t)
{
	eio_list_remove(&t->changed);
	eio_list_add_tail(&c->changed, &t->changed);
}

/* Ours */

static bool
add_newcomer(struct presence_target *t, uint64_t seat)
{
	size_t cap = t->cap_newcomers ? t->cap_newcomers * 2 : 4;
	uint64_t *v;

	if (t->n_newcomers == t->cap_newcomers) {
		v = realloc(t->newcomers, cap * sizeof *v);
		if (!v) return false;
		t->newcomers = v;
		t->cap_newcomers = cap;
	}
	t->newcomers[t->n_newcomers++] = seat;
	return true;
}

int
presence_count_enter(
	struct presence_counts *c, const struct presence_count_spec *spec, struct sio_room_key key, uint64_t seat)
{
	struct presence_target *t = target_get(c, spec, key);

	if (!t) return -1;
	note_change(c, t);
	(void)add_newcomer(t, seat); /* without memory it is told with the next who comes */
	t->ours++;
	return 0;
}

void
presence_count_exit(struct presence_counts *c, struct sio_room_key key, uint64_t seat)
{
	struct presence_target *t = find_target(c, key, sio_room_key_hash(c->hash_key, key));

	if (!t || !t->ours) return;
	t->ours--;
	for (size_t i = t->n_newcomers; i-- > 0;)
		if (t->newcomers[i] == seat) t->newcomers[i] = t->newcomers[--t->n_newcomers];
	note_change(c, t);
}

/* Other nodes */

static void
part_drop(struct presence_counts *c, struct presence_part *p)
{
	p->target->others -= p->n;
	note_change(c, p->target);
	eio_list_remove(&p->of_target);
	eio_list_remove(&p->of_node);
	free(p);
}

static struct presence_part *
part_get(struct presence_target *t, struct presence_count_node *node)
{
	struct presence_part *p;

	for (struct eio_list *l = t->parts.next; l != &t->parts; l = l->next) {
		p = EIO_CONTAINER(l, struct presence_part, of_target);
		if (p->node == node) return p;
	}
	p = calloc(1, sizeof *p);
	if (!p) return NULL;
	p->target = t;
	p->node = node;
	eio_list_add_tail(&t->parts, &p->of_target);
	eio_list_add_tail(&node->parts, &p->of_node);
	return p;
}

int
presence_count_set(struct presence_counts *c, struct presence_count_node *node, const struct presence_count_spec *spec,
	struct sio_room_key key, uint64_t n)
{
	struct presence_target *t = target_get(c, spec, key);
	struct presence_part *p = t ? part_get(t, node) : NULL;

	if (t) note_change(c, t);
	if (!p) return -1;
	t->others += n - p->n;
	p->n = n;
	p->generation = node->generation;
	if (n == 0) part_drop(c, p);
	return 0;
}

void
presence_count_begin(struct presence_count_node *node)
{
	node->generation++;
}

void
presence_count_end(struct presence_counts *c, struct presence_count_node *node)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &node->parts)
	{
		struct presence_part *p = EIO_CONTAINER(l, struct presence_part, of_node);

		if (p->generation != node->generation) part_drop(c, p);
	}
}

/* Telling */

static bool
is_due(const struct presence_target *t, uint64_t since_ms, uint64_t now_ms)
{
	return since_ms == 0 || now_ms >= since_ms + t->spec->interval_ms;
}

static bool
tell(struct presence_target *t, enum presence_count_kind kind, struct presence_count_event *ev)
{
	*ev = (struct presence_count_event){ kind, t, kind == PRESENCE_COUNT_SHARE ? t->ours : t->ours + t->others };
	return true;
}

/* What there is to tell of a target now, one thing at a time. Who is told with everybody is no newcomer any more. */
static bool
tell_next(struct presence_target *t, uint64_t now_ms, struct presence_count_event *ev)
{
	if (t->ours && t->told != t->ours + t->others && is_due(t, t->told_ms, now_ms)) {
		t->told = t->ours + t->others;
		t->told_ms = now_ms;
		t->n_newcomers = 0;
		return tell(t, PRESENCE_COUNT_ALL, ev);
	}
	if (t->n_newcomers) return tell(t, PRESENCE_COUNT_NEWCOMERS, ev);
	if (t->spec->shared && t->shared != t->ours && is_due(t, t->shared_ms, now_ms)) {
		t->shared = t->ours;
		t->shared_ms = now_ms;
		return tell(t, PRESENCE_COUNT_SHARE, ev);
	}
	return false;
}

/* Whether nothing is left to be told later. */
static bool
is_settled(const struct presence_target *t)
{
	return (!t->ours || t->told == t->ours + t->others) && !t->n_newcomers &&
	       (!t->spec->shared || t->shared == t->ours);
}

static void
look_again(struct presence_counts *c)
{
	if (c->looked_at) c->looked_at->n_newcomers = 0;
	c->looked_at = NULL;
}

bool
presence_count_next(struct presence_counts *c, uint64_t now_ms, struct presence_count_event *ev)
{
	struct eio_list *l, *next;

	look_again(c);
	EIO_LIST_FOREACH_SAFE(l, next, &c->changed)
	{
		struct presence_target *t = EIO_CONTAINER(l, struct presence_target, changed);

		if (tell_next(t, now_ms, ev)) {
			if (ev->kind == PRESENCE_COUNT_NEWCOMERS) c->looked_at = t;
			return true;
		}
		if (!is_settled(t)) continue;
		eio_list_remove(l);
		if (!t->ours && !t->others) target_free(c, t);
	}
	return false;
}

uint64_t
presence_count_deadline(const struct presence_counts *c, uint64_t now_ms)
{
	uint64_t deadline = UINT64_MAX;

	for (struct eio_list *l = c->changed.next; l != &c->changed; l = l->next) {
		const struct presence_target *t = EIO_CONTAINER(l, struct presence_target, changed);
		uint64_t told = t->ours && t->told != t->ours + t->others ? t->told_ms : UINT64_MAX;
		uint64_t shared = t->spec->shared && t->shared != t->ours ? t->shared_ms : UINT64_MAX;
		uint64_t since = told < shared ? told : shared;
		uint64_t at = since == UINT64_MAX ? now_ms : since + t->spec->interval_ms;

		if (at < deadline) deadline = at;
	}
	return deadline;
}

void
presence_count_each_shared(
	const struct presence_counts *c, void (*each)(void *ctx, const struct presence_target *t), void *ctx)
{
	EIO_HASH_FOREACH(n, &c->targets) {
		const struct presence_target *t = EIO_CONTAINER(n, struct presence_target, node);

		if (t->spec->shared && t->ours) each(ctx, t);
	}
}

/* From the beginning to the end */

int
presence_counts_init(struct presence_counts *c, const uint64_t hash_key[2])
{
	*c = (struct presence_counts){ .hash_key = { hash_key[0], hash_key[1] } };
	eio_list_init(&c->changed);
	return eio_hash_init(&c->targets) ? -1 : 0;
}

void
presence_counts_deinit(struct presence_counts *c)
{
	struct eio_hash_node *n;

	if (!c->targets.buckets) return;
	while ((n = eio_hash_any(&c->targets))) {
		struct presence_target *t = EIO_CONTAINER(n, struct presence_target, node);

		CHECK(eio_list_empty(&t->parts));
		target_free(c, t);
	}
	eio_hash_deinit(&c->targets);
}
