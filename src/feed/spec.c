/* SPDX-License-Identifier: MIT */
/* Sets of feed specs and their end. */
#include "src/feed/spec.h"

#include "eio/refs.h"

#include <stdlib.h>
#include <string.h>

static void
free_templates(struct template **v, size_t n)
{
	for (size_t i = 0; i < n; i++) template_free(v[i]);
	free(v);
}

static void
free_primes(struct feed_prime *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].key);
		free(v[i].field);
		template_free(v[i].channel);
	}
	free(v);
}

void
feed_spec_deinit(struct feed_spec *spec)
{
	where_deinit(&spec->where);
	for (size_t i = 0; i < spec->n_channels; i++) free(spec->channels[i]);
	free(spec->channels);
	for (size_t i = 0; i < spec->n_inverses; i++) template_inverse_deinit(&spec->inverses[i]);
	free(spec->inverses);
	free(spec->field);
	free(spec->from);
	free(spec->position);
	free(spec->nsp);
	template_free(spec->nsp_template);
	template_free(spec->event);
	free_templates(spec->rooms, spec->n_rooms);
	free_templates(spec->except, spec->n_except);
	template_free(spec->payload);
	template_free(spec->payload_default);
	sio_json_cuts_free(spec->omit);
	free(spec->latest_per);
	free(spec->retain.key);
	where_deinit(&spec->retain.remove);
	template_free(spec->retain.event);
	free_primes(spec->primes, spec->n_primes);
	*spec = (struct feed_spec){ 0 };
}

struct feed_specs *
feed_specs_new(void)
{
	struct feed_specs *s = calloc(1, sizeof(struct feed_specs));

	if (s) atomic_init(&s->refs, 1);
	return s;
}

int
feed_specs_add(struct feed_specs *s, const struct feed_spec *spec)
{
	struct feed_spec *v = realloc(s->v, (s->n + 1) * sizeof *v);

	if (!v) return -1;
	s->v = v;
	v[s->n] = *spec;
	v[s->n].index = (unsigned)s->n;
	for (size_t i = 0; i < s->n; i++)
		if (v[i].print == v[s->n].print) {
			/* Of two that are the same each is itself, wherever they stand. */
			v[s->n].print++;
			v[s->n].essence++;
		}
	s->n++;
	s->retain |= spec->retain.rules.kind != RETAIN_NOTHING;
	s->on_demand |= spec->subscribe == FEED_SUBSCRIBE_ON_DEMAND;
	return 0;
}

bool
feed_spec_reaches(const struct feed_spec *f, struct sio_room_key key)
{
	if (f->nsp ? !eio_bytes_eq(eio_cstr(f->nsp), key.nsp) : !template_may_make(f->nsp_template, key.nsp))
		return false;
	if (key.everyone || !f->n_rooms) return key.everyone && !f->n_rooms;
	for (size_t i = 0; i < f->n_rooms; i++)
		if (template_may_make(f->rooms[i], key.name)) return true;
	return false;
}

bool
feed_specs_retain(const struct feed_specs *s, struct sio_room_key key)
{
	for (size_t i = 0; s->retain && i < s->n; i++)
		if (s->v[i].retain.rules.kind != RETAIN_NOTHING && feed_spec_reaches(&s->v[i], key)) return true;
	return false;
}

bool
feed_specs_demand(const struct feed_specs *s, struct sio_room_key key)
{
	for (size_t i = 0; s->on_demand && !key.everyone && i < s->n; i++) {
		const struct feed_spec *f = &s->v[i];

		if (!f->n_inverses || !eio_bytes_eq(eio_cstr(f->nsp), key.nsp)) continue;
		for (size_t k = 0; k < f->n_inverses; k++)
			if (template_inverse_may(&f->inverses[k], key.name)) return true;
	}
	return false;
}

bool
feed_specs_have_shards(const struct feed_specs *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].is_shard) return true;
	return false;
}

static int
compare_told(const void *a, const void *b)
{
	const struct feed_told *x = a, *y = b;
	int order = strcmp(x->nsp, y->nsp);

	if (!order) order = strcmp(x->channel, y->channel);
	return order ? order : (x->feed > y->feed) - (x->feed < y->feed);
}

/* Of a sorted list: leaves the first of each pair. */
static size_t
drop_told_twice(struct feed_told *v, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		if (!left || strcmp(v[i].nsp, v[left - 1].nsp) != 0 || strcmp(v[i].channel, v[left - 1].channel) != 0)
			v[left++] = v[i];
	return left;
}

static bool
is_told_of(const struct feed_spec *f, const size_t *counts)
{
	return f->gap_event && (!counts || counts[f->index]);
}

ssize_t
feed_specs_told(const struct feed_specs *s, const size_t *counts, struct feed_told **out)
{
	struct feed_told *v;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) n += is_told_of(&s->v[i], counts) ? s->v[i].n_channels : 0;
	*out = v = malloc((n + 1) * sizeof *v);
	if (!v) return -1;
	n = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct feed_spec *f = &s->v[i];

		for (size_t k = 0; is_told_of(f, counts) && k < f->n_channels; k++)
			v[n++] = (struct feed_told){ f->nsp, f->channels[k], f->index };
	}
	qsort(v, n, sizeof *v, compare_told);
	return (ssize_t)drop_told_twice(v, n);
}

struct feed_specs *
feed_specs_ref(struct feed_specs *s)
{
	eio_refs_take(&s->refs);
	return s;
}

void
feed_specs_unref(struct feed_specs *s)
{
	if (!s || !eio_refs_drop(&s->refs)) return;
	for (size_t i = 0; i < s->n; i++) feed_spec_deinit(&s->v[i]);
	free(s->v);
	free(s);
}
