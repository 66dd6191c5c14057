/* SPDX-License-Identifier: MIT */
/* Sets of specs, and which of them a room belongs to. */
#include "src/presence/spec.h"

#include "eio/refs.h"

#include <stdlib.h>

struct presence_specs *
presence_specs_new(void)
{
	struct presence_specs *s = calloc(1, sizeof *s);

	if (s) atomic_init(&s->refs, 1);
	return s;
}

int
presence_specs_add(struct presence_specs *s, const struct presence_spec *spec)
{
	struct presence_spec *v = realloc(s->v, (s->n + 1) * sizeof *v);

	if (!v) return -1;
	s->v = v;
	v[s->n] = *spec;
	v[s->n].index = (unsigned)s->n;
	s->n++;
	return 0;
}

int
presence_specs_add_count(struct presence_specs *s, const struct presence_count_spec *spec)
{
	struct presence_count_spec *v = realloc(s->counts, (s->n_counts + 1) * sizeof *v);

	if (!v) return -1;
	s->counts = v;
	v[s->n_counts] = *spec;
	v[s->n_counts].index = (unsigned)s->n_counts;
	s->n_counts++;
	return 0;
}

static void
where_deinit(struct presence_where *w)
{
	for (size_t i = 0; i < w->n_rooms; i++) free(w->rooms[i]);
	free(w->rooms);
	free(w->nsp);
}

void
presence_spec_deinit(struct presence_spec *spec)
{
	where_deinit(&spec->where);
	template_free(spec->identity);
	template_free(spec->member);
	template_free(spec->info);
	template_free(spec->here);
	template_free(spec->joining);
	template_free(spec->leaving);
	*spec = (struct presence_spec){ 0 };
}

void
presence_count_spec_deinit(struct presence_count_spec *spec)
{
	where_deinit(&spec->where);
	template_free(spec->event);
	*spec = (struct presence_count_spec){ 0 };
}

struct presence_specs *
presence_specs_ref(struct presence_specs *s)
{
	eio_refs_take(&s->refs);
	return s;
}

void
presence_specs_unref(struct presence_specs *s)
{
	if (!s || !eio_refs_drop(&s->refs)) return;
	for (size_t i = 0; i < s->n; i++) presence_spec_deinit(&s->v[i]);
	for (size_t i = 0; i < s->n_counts; i++) presence_count_spec_deinit(&s->counts[i]);
	free(s->v);
	free(s->counts);
	free(s);
}

/* nsp: the namespace's key. */
static bool
where_fits(const struct presence_where *w, struct eio_bytes nsp, struct sio_room_key key)
{
	struct template_captures stars;

	if (!eio_bytes_eq(eio_cstr(w->nsp), nsp)) return false;
	if (key.everyone || w->n_rooms == 0) return key.everyone && w->n_rooms == 0;
	for (size_t i = 0; i < w->n_rooms; i++)
		if (template_match(eio_cstr(w->rooms[i]), key.name, &stars)) return true;
	return false;
}

static struct eio_bytes
key_of_namespace(const struct presence_specs *s, struct eio_bytes nsp)
{
	const char *key = s->key_of ? s->key_of(s->ctx, nsp) : NULL;

	if (!s->key_of) return nsp;
	return key ? eio_cstr(key) : eio_bytes("", 0);
}

const struct presence_spec *
presence_specs_find(const struct presence_specs *s, struct sio_room_key key)
{
	struct eio_bytes nsp = key_of_namespace(s, key.nsp);

	for (size_t i = 0; i < s->n; i++)
		if (where_fits(&s->v[i].where, nsp, key)) return &s->v[i];
	return NULL;
}

const struct presence_count_spec *
presence_specs_find_count(const struct presence_specs *s, struct sio_room_key key)
{
	struct eio_bytes nsp = key_of_namespace(s, key.nsp);

	for (size_t i = 0; i < s->n_counts; i++)
		if (where_fits(&s->counts[i].where, nsp, key)) return &s->counts[i];
	return NULL;
}

bool
presence_specs_speak_of(const struct presence_specs *s, struct eio_bytes nsp)
{
	for (size_t i = 0; i < s->n; i++)
		if (eio_bytes_eq(eio_cstr(s->v[i].where.nsp), nsp)) return true;
	for (size_t i = 0; i < s->n_counts; i++)
		if (eio_bytes_eq(eio_cstr(s->counts[i].where.nsp), nsp)) return true;
	return false;
}

bool
presence_specs_shared(const struct presence_specs *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].shared) return true;
	for (size_t i = 0; i < s->n_counts; i++)
		if (s->counts[i].shared) return true;
	return false;
}
