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
	if (c->looked_at.target == t) c->looked_at.target = NULL;
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

/* Whether a newcomer was told what is not so any more. */
static bool
any_misled(const struct presence_target *t)
{
	for (size_t i = 0; i < t->n_newcomers; i++)
		if (t->newcomers[i].told != PRESENCE_UNTOLD && t->newcomers[i].told != t->ours + t->others) return true;
	return false;
}

/* What was looked at last has been told. Whoever was told knows it; when all know the same, nobody is a newcomer any
 * more. */
static void
note_told(struct presence_counts *c)
{
	const struct presence_count_event *ev = &c->looked_at;
	struct presence_target *t = ev->target;

	c->looked_at.target = NULL;
	if (!t || ev->kind == PRESENCE_COUNT_SHARE) return;
	for (size_t i = 0; i < t->n_newcomers; i++)
		if (presence_count_concerns(ev, &t->newcomers[i])) t->newcomers[i].told = ev->n;
	t->untold = 0;
	if (t->told == ev->n && !t->forgot && !any_misled(t)) t->n_newcomers = 0;
}

/* Ours */

/* So many newcomers that were told stay known: each is compared with whoever goes. */
enum { TOLD_MOST = 1024 };

static void
drop_newcomer(struct presence_target *t, size_t i)
{
	t->untold -= t->newcomers[i].told == PRESENCE_UNTOLD;
	t->newcomers[i] = t->newcomers[--t->n_newcomers];
}

static void
forget_told(struct presence_target *t)
{
	for (size_t i = t->n_newcomers; i-- > 0;)
		if (t->newcomers[i].told != PRESENCE_UNTOLD) drop_newcomer(t, i);
	t->forgot = true;
}

static bool
add_newcomer(struct presence_target *t, uint64_t seat)
{
	size_t cap = t->cap_newcomers ? t->cap_newcomers * 2 : 4;
	struct presence_newcomer *v;

	if (t->n_newcomers - t->untold == TOLD_MOST) forget_told(t);
	if (t->n_newcomers == t->cap_newcomers) {
		v = realloc(t->newcomers, cap * sizeof *v);
		if (!v) return false;
		t->newcomers = v;
		t->cap_newcomers = cap;
	}
	t->newcomers[t->n_newcomers++] = (struct presence_newcomer){ seat, PRESENCE_UNTOLD };
	t->untold++;
	return true;
}

int
presence_count_enter(
	struct presence_counts *c, const struct presence_count_spec *spec, struct sio_room_key key, uint64_t seat)
{
	struct presence_target *t;

	note_told(c);
	t = target_get(c, spec, key);
	if (!t) return -1;
	note_change(c, t);
	if (!add_newcomer(t, seat)) t->forgot = true;
	t->ours++;
	return 0;
}

void
presence_count_exit(struct presence_counts *c, struct sio_room_key key, uint64_t seat)
{
	struct presence_target *t = find_target(c, key, sio_room_key_hash(c->hash_key, key));

	if (!t || !t->ours) return;
	note_told(c);
	t->ours--;
	for (size_t i = t->n_newcomers; i-- > 0;)
		if (t->newcomers[i].seat == seat) drop_newcomer(t, i);
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

	note_told(c);
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
tell(struct presence_target *t, enum presence_count_kind kind, uint64_t n, bool due, struct presence_count_event *ev)
{
	*ev = (struct presence_count_event){ kind, t, n, due };
	return true;
}

/* Whether there is something to tell when the interval is over. */
static bool
will_tell(const struct presence_target *t)
{
	return t->ours && (t->told != t->ours + t->others || t->forgot || any_misled(t));
}

/* What there is to tell of a target now, one thing at a time. */
static bool
tell_next(struct presence_target *t, uint64_t now_ms, struct presence_count_event *ev)
{
	uint64_t n = t->ours + t->others;
	bool due = is_due(t, t->told_ms, now_ms), late = due && will_tell(t);

	if (late) t->told_ms = now_ms;
	if (late && (t->told != n || t->forgot)) {
		t->told = n;
		t->forgot = false;
		return tell(t, PRESENCE_COUNT_ALL, n, due, ev);
	}
	if (t->untold || late) return tell(t, PRESENCE_COUNT_NEWCOMERS, n, due, ev);
	if (t->spec->shared && t->shared != t->ours && is_due(t, t->shared_ms, now_ms)) {
		t->shared = t->ours;
		t->shared_ms = now_ms;
		return tell(t, PRESENCE_COUNT_SHARE, t->ours, due, ev);
	}
	return false;
}

/* Whether nothing is left to be told later. */
static bool
is_settled(const struct presence_target *t)
{
	return !will_tell(t) && !t->untold && (!t->spec->shared || t->shared == t->ours);
}

bool
presence_count_next(struct presence_counts *c, uint64_t now_ms, struct presence_count_event *ev)
{
	struct eio_list *l, *next;

	note_told(c);
	EIO_LIST_FOREACH_SAFE(l, next, &c->changed)
	{
		struct presence_target *t = EIO_CONTAINER(l, struct presence_target, changed);

		if (tell_next(t, now_ms, ev)) {
			c->looked_at = *ev;
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
		uint64_t told = will_tell(t) ? t->told_ms : UINT64_MAX;
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
	if (!c->targets.buckets) return;
	EIO_HASH_FOREACH_SAFE(n, next, &c->targets)
	{
		struct presence_target *t = EIO_CONTAINER(n, struct presence_target, node);

		CHECK(eio_list_empty(&t->parts));
		target_free(c, t);
	}
	eio_hash_deinit(&c->targets);
}
