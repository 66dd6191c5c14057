/* SPDX-License-Identifier: MIT */
/* From the templates of a feed to namespace, rooms and exceptions. */
#include "src/feed/targets.h"

#include <stdlib.h>

struct feed_targets *
feed_targets_make(struct feed_targets **t)
{
	if (!*t) *t = calloc(1, sizeof **t);
	return *t;
}

void
feed_targets_free(struct feed_targets *t)
{
	if (!t) return;
	eio_buf_deinit(&t->bytes);
	eio_buf_deinit(&t->key);
	template_names_deinit(&t->names);
	free(t);
}

/* Names that come one by one. Their bytes may move while more come: until all are there each is known by its offset,
 * which stands in p. */
struct collecting {
	struct eio_buf *bytes;
	struct feed_name_list *list;
	bool too_many;
};

static void
collect_name(void *ctx, struct eio_bytes name)
{
	struct collecting *c = ctx;

	if (c->list->n == FEED_MAX_ROOMS) {
		c->too_many = true;
		return;
	}
	c->list->v[c->list->n++] = eio_bytes((const char *)(uintptr_t)c->bytes->n, name.n);
	eio_buf_add(c->bytes, name);
}

/* Adds what one template makes. *missing: there was no value for it, or for an element of its list. */
static enum feed_fate
collect_names(struct feed_targets *t, const struct template *template, const struct template_input *in,
	struct feed_name_list *list, bool *missing)
{
	struct collecting c = { &t->bytes, list, false };

	switch (template_render_names(template, in, &t->names, collect_name, &c)) {
	case TEMPLATE_OK: break;
	case TEMPLATE_MISSING: *missing = true; break;
	case TEMPLATE_NOMEM: return FEED_FATE_MEMORY;
	case TEMPLATE_TOO_MANY: return FEED_FATE_ROOMS;
	case TEMPLATE_NOT_TEXT:
	case TEMPLATE_TWO_LISTS: return FEED_FATE_ROOM;
	}
	if (c.too_many) return FEED_FATE_ROOMS;
	return eio_buf_failed(&t->bytes) ? FEED_FATE_MEMORY : FEED_FATE_TAKEN;
}

static int
compare_names(const void *a, const void *b)
{
	return eio_bytes_compare(*(const struct eio_bytes *)a, *(const struct eio_bytes *)b);
}

/* Each once, in order. bytes: where they lie, at the offsets that they have. */
static void
sort_names(struct feed_name_list *list, const struct eio_buf *bytes)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) list->v[i].p = bytes->p + (uintptr_t)list->v[i].p;
	if (list->n > 1) qsort(list->v, list->n, sizeof list->v[0], compare_names);
	for (size_t i = 0; i < list->n; i++)
		if (!kept || !eio_bytes_eq(list->v[kept - 1], list->v[i])) list->v[kept++] = list->v[i];
	list->n = kept;
}

/* Whose rooms cannot be made at all, or are an empty list, has no target; which is not everyone. */
static enum feed_fate
find_rooms(struct feed_targets *t, const struct feed_spec *f, const struct template_input *in)
{
	enum feed_fate fate = FEED_FATE_TAKEN;
	bool missing = false;

	t->rooms.n = 0;
	for (size_t i = 0; i < f->n_rooms && fate == FEED_FATE_TAKEN; i++)
		fate = collect_names(t, f->rooms[i], in, &t->rooms, &missing);
	if (fate != FEED_FATE_TAKEN || !f->n_rooms || t->rooms.n) return fate;
	return missing ? FEED_FATE_ROOM : FEED_FATE_UNHEARD;
}

/* What is missing excepts nobody; but what cannot be understood may be somebody. */
static enum feed_fate
find_except(struct feed_targets *t, const struct feed_spec *f, const struct template_input *in)
{
	enum feed_fate fate = FEED_FATE_TAKEN;
	bool missing;

	t->except.n = 0;
	for (size_t i = 0; i < f->n_except && fate == FEED_FATE_TAKEN; i++)
		fate = collect_names(t, f->except[i], in, &t->except, &missing);
	return fate == FEED_FATE_ROOM ? FEED_FATE_EXCEPT : fate;
}

/* Writes it to the beginning of t->bytes. */
static enum feed_fate
find_namespace(struct feed_targets *t, const struct feed_spec *f, const struct template_input *in)
{
	if (f->nsp) {
		eio_buf_add(&t->bytes, eio_cstr(f->nsp));
		return FEED_FATE_TAKEN;
	}
	if (template_render(f->nsp_template, in, &t->bytes) != TEMPLATE_OK) return FEED_FATE_NAMESPACE;
	if (eio_buf_failed(&t->bytes)) return FEED_FATE_MEMORY;
	if (!t->bytes.n || t->bytes.p[0] != '/') return FEED_FATE_NAMESPACE;
	return memchr(t->bytes.p, ',', t->bytes.n) || memchr(t->bytes.p, '?', t->bytes.n) ? FEED_FATE_NAMESPACE
											  : FEED_FATE_TAKEN;
}

enum feed_fate
feed_targets_find(
	struct feed_targets *t, const struct feed_spec *f, const struct template_input *in, struct audience *audience)
{
	enum feed_fate fate;
	size_t nsp_n;

	eio_buf_clear(&t->bytes);
	fate = find_namespace(t, f, in);
	nsp_n = t->bytes.n;
	if (fate == FEED_FATE_TAKEN) fate = find_rooms(t, f, in);
	if (fate == FEED_FATE_TAKEN) fate = find_except(t, f, in);
	if (fate != FEED_FATE_TAKEN) return fate;
	if (eio_buf_failed(&t->bytes)) return FEED_FATE_MEMORY;
	sort_names(&t->rooms, &t->bytes);
	sort_names(&t->except, &t->bytes);
	*audience = (struct audience){
		.nsp = eio_bytes(t->bytes.p, nsp_n),
		.rooms = t->rooms.v,
		.n_rooms = t->rooms.n,
		.except = t->except.v,
		.n_except = t->except.n,
	};
	return FEED_FATE_TAKEN;
}

bool
feed_targets_single(const struct audience *audience, struct sio_room_key *target)
{
	*target = audience_key(audience, 0);
	return audience->n_rooms <= 1 && !audience->n_except;
}

static void
add_netstrings(struct eio_buf *out, const char *sign, const struct eio_bytes *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		eio_buf_add(out, eio_cstr(sign));
		eio_buf_append_u64(out, v[i].n);
		eio_buf_addc(out, ':');
		eio_buf_add(out, v[i]);
		eio_buf_addc(out, ',');
	}
}

struct eio_bytes
feed_targets_name(struct feed_targets *t, const struct audience *audience)
{
	eio_buf_clear(&t->key);
	add_netstrings(&t->key, "", audience->rooms, audience->n_rooms);
	add_netstrings(&t->key, "-", audience->except, audience->n_except);
	return eio_buf_failed(&t->key) ? eio_bytes(NULL, 0) : eio_buf_bytes(&t->key);
}
