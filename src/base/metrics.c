/* SPDX-License-Identifier: MIT */
/* The set: what is counted, by table and label. */
#include "src/base/metrics.h"

#include "eio/check.h"
#include "src/base/metrics_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the groups beyond METRICS_LABELS_MAX go. */
static const char other_label[] = "other";

const struct metrics_buckets metrics_milliseconds = { .per_unit = 1000 };

int
metrics_set_init(struct metrics_set *s)
{
	eio_list_init(&s->tables);
	return uv_mutex_init(&s->lock) ? -1 : 0;
}

void
metrics_set_deinit(struct metrics_set *s)
{
	while (!eio_list_empty(&s->tables)) {
		struct metrics_shown *t = EIO_CONTAINER(s->tables.next, struct metrics_shown, link);

		CHECK(eio_list_empty(&t->groups));
		eio_list_remove(&t->link);
		free(t);
	}
	uv_mutex_destroy(&s->lock);
}

/* Tables */

static void
check_table(const struct metrics_table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct metrics_buckets *b = table->rows[i].buckets;

		CHECK(!b || (b->n <= METRICS_BOUNDS_MAX && b->per_unit));
	}
}

static struct metrics_shown *
find_shown_table(const struct metrics_set *s, const struct metrics_table *table)
{
	METRICS_FOREACH(struct metrics_shown, t, &s->tables)
		if (t->table == table) return t;
	return NULL;
}

static struct metrics_shown *
show_table(struct metrics_set *s, const struct metrics_table *table)
{
	struct metrics_shown *t = find_shown_table(s, table);

	if (t) return t;
	check_table(table);
	t = calloc(1, sizeof *t);
	if (!t) return NULL;
	t->table = table;
	eio_list_init(&t->groups);
	eio_list_add_tail(&s->tables, &t->link);
	return t;
}

int
metrics_set_show(struct metrics_set *s, const struct metrics_table *t)
{
	int err;

	uv_mutex_lock(&s->lock);
	err = show_table(s, t) ? 0 : -1;
	uv_mutex_unlock(&s->lock);
	return err;
}

/* Groups */

struct metrics_group *
metrics__find_group(const struct metrics_shown *t, const char *label)
{
	METRICS_FOREACH(struct metrics_group, g, &t->groups)
		if (strcmp(g->label, label) == 0) return g;
	return NULL;
}

static struct metrics_group *
add_metrics_group(struct metrics_shown *t, const char *label)
{
	size_t n = strlen(label) + 1;
	struct metrics_group *g = calloc(1, sizeof *g + n);

	if (!g) return NULL;
	g->shown = t;
	memcpy(g->label, label, n);
	eio_list_init(&g->values);
	eio_list_add_tail(&t->groups, &g->link);
	t->n_groups++;
	return g;
}

static struct metrics_group *
get_metrics_group(struct metrics_shown *t, const char *label)
{
	struct metrics_group *g = metrics__find_group(t, label);

	if (!g && t->n_groups >= METRICS_LABELS_MAX) {
		label = other_label;
		g = metrics__find_group(t, label);
	}
	return g ? g : add_metrics_group(t, label);
}

static void
free_empty_group(struct metrics_group *g)
{
	if (!eio_list_empty(&g->values)) return;
	eio_list_remove(&g->link);
	g->shown->n_groups--;
	free(g);
}

/* Values */

/* Not in a set yet. What is written and what is read when adding up share no cache line with anything else. */
static struct metrics *
alloc_metrics(struct metrics_set *s, const struct metrics_table *t)
{
	size_t line = _Alignof(struct metrics), n = sizeof(struct metrics) + t->slots * sizeof(uint64_t);
	struct metrics *m = aligned_alloc(line, (n + line - 1) / line * line);

	if (!m) return NULL;
	eio_list_init(&m->link);
	m->set = s;
	m->refs = 1;
	for (size_t i = 0; i < t->slots; i++) atomic_init(&m->v[i], 0);
	return m;
}

static int
join_group(struct metrics *m, const struct metrics_table *table, const char *label)
{
	struct metrics_shown *t = show_table(m->set, table);

	m->group = t ? get_metrics_group(t, label) : NULL;
	if (!m->group) return -1;
	eio_list_add_tail(&m->group->values, &m->link);
	return 0;
}

int
metrics_relabel(struct metrics *m, const char *label)
{
	struct metrics_group *before = m->group, *now;

	uv_mutex_lock(&m->set->lock);
	now = get_metrics_group(before->shown, label);
	if (now && now != before) {
		eio_list_remove(&m->link);
		eio_list_add_tail(&now->values, &m->link);
		m->group = now;
		free_empty_group(before);
	}
	uv_mutex_unlock(&m->set->lock);
	return now ? 0 : -1;
}

struct metrics *
metrics_new(struct metrics_set *s, const struct metrics_table *t, const char *label)
{
	struct metrics *m = alloc_metrics(s, t);
	int err;

	CHECK(!t->label == !label);
	if (!m) return NULL;
	uv_mutex_lock(&s->lock);
	err = join_group(m, t, label ? label : "");
	uv_mutex_unlock(&s->lock);
	if (!err) return m;
	free(m);
	return NULL;
}

struct metrics *
metrics_new_numbered(struct metrics_set *s, const struct metrics_table *t, unsigned label)
{
	char text[16];

	snprintf(text, sizeof text, "%u", label);
	return metrics_new(s, t, text);
}

void
metrics_take_over(struct metrics *m, const struct metrics *from)
{
	const struct metrics_table *t = from->group->shown->table;

	CHECK(m->group->shown->table == t);
	for (size_t i = 0; i < t->slots; i++)
		metrics_put(m, i, atomic_load_explicit(&from->v[i], memory_order_relaxed));
}

struct metrics *
metrics_ref(struct metrics *m)
{
	m->refs++;
	return m;
}

void
metrics_free(struct metrics *m)
{
	if (!m || --m->refs) return;
	uv_mutex_lock(&m->set->lock);
	eio_list_remove(&m->link);
	free_empty_group(m->group);
	uv_mutex_unlock(&m->set->lock);
	free(m);
}

/* Reading */

static uint64_t
raw_group_sum(const struct metrics_group *g, size_t slot)
{
	uint64_t sum = 0;

	METRICS_FOREACH(struct metrics, m, &g->values) sum += atomic_load_explicit(&m->v[slot], memory_order_relaxed);
	return sum;
}

static bool
is_gauge(const struct metrics_table *t, size_t slot)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].slot == slot) return t->rows[i].type == METRICS_GAUGE;
	return false;
}

static uint64_t
at_least_nothing(const struct metrics_table *t, size_t slot, uint64_t sum)
{
	return (int64_t)sum < 0 && is_gauge(t, slot) ? 0 : sum;
}

uint64_t
metrics__group_sum(const struct metrics_group *g, size_t slot)
{
	return at_least_nothing(g->shown->table, slot, raw_group_sum(g, slot));
}

uint64_t
metrics__table_sum(const struct metrics_shown *t, size_t slot)
{
	uint64_t sum = 0;

	METRICS_FOREACH(struct metrics_group, g, &t->groups) sum += raw_group_sum(g, slot);
	return at_least_nothing(t->table, slot, sum);
}

uint64_t
metrics_sum(struct metrics_set *s, const struct metrics_table *t, size_t slot)
{
	const struct metrics_shown *shown;
	uint64_t sum;

	CHECK(slot < t->slots);
	uv_mutex_lock(&s->lock);
	shown = find_shown_table(s, t);
	sum = shown ? metrics__table_sum(shown, slot) : 0;
	uv_mutex_unlock(&s->lock);
	return sum;
}

/* Puts it where it belongs; n are there. Returns how many there are then. */
static size_t
insert_top(struct metrics_top *out, size_t n, size_t max, const struct metrics_top *one)
{
	size_t i;

	if (n == max && one->by <= out[n - 1].by) return n;
	if (n < max) n++;
	for (i = n - 1; i > 0 && out[i - 1].by < one->by; i--) out[i] = out[i - 1];
	out[i] = *one;
	return n;
}

size_t
metrics_top(struct metrics_set *s, const struct metrics_table *t, size_t by, size_t also, struct metrics_top *out,
	size_t max)
{
	const struct metrics_shown *shown;
	size_t n = 0;

	CHECK(by < t->slots && also < t->slots && max > 0);
	uv_mutex_lock(&s->lock);
	shown = find_shown_table(s, t);
	if (shown) {
		METRICS_FOREACH(struct metrics_group, g, &shown->groups) {
			struct metrics_top one = { .by = metrics__group_sum(g, by),
				.also = metrics__group_sum(g, also) };

			snprintf(one.label, sizeof one.label, "%s", g->label);
			if (one.by) n = insert_top(out, n, max, &one);
		}
	}
	uv_mutex_unlock(&s->lock);
	return n;
}

void
metrics_each(struct metrics_set *s, const struct metrics_table *t, size_t slot,
	void (*each)(void *user, const char *label, uint64_t sum), void *user)
{
	const struct metrics_shown *shown;

	CHECK(slot < t->slots);
	uv_mutex_lock(&s->lock);
	shown = find_shown_table(s, t);
	if (shown) {
		METRICS_FOREACH(struct metrics_group, g, &shown->groups)
			each(user, g->label, metrics__group_sum(g, slot));
	}
	uv_mutex_unlock(&s->lock);
}

bool
metrics__begins_family(const struct metrics_table *t, size_t i)
{
	return i == 0 || strcmp(t->rows[i - 1].name, t->rows[i].name) != 0;
}

void
metrics__write_scaled(struct eio_buf *out, uint64_t v, unsigned per_unit)
{
	uint64_t rest = v % per_unit;

	eio_buf_append_u64(out, v / per_unit);
	if (rest) eio_buf_addc(out, '.');
	for (; rest; rest %= per_unit) {
		per_unit /= 10;
		eio_buf_addc(out, (char)('0' + rest / per_unit));
	}
}
