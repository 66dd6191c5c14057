/* SPDX-License-Identifier: MIT */
/* Namespaces: sets of their specs, and those at work. */
#include "src/clients/namespace.h"

#include "eio/check.h"

#include <stdlib.h>

struct namespaces {
	struct namespace_specs *specs; /* a reference */
	size_t n;
	struct namespace v[];
};

/* Specs */

struct namespace_specs *
namespace_specs_new(void)
{
	struct namespace_specs *s = calloc(1, sizeof *s);

	if (s) atomic_init(&s->refs, 1);
	return s;
}

int
namespace_specs_add(struct namespace_specs *s, const struct namespace_spec *spec)
{
	struct namespace_spec *v = realloc(s->v, (s->n + 1) * sizeof *v);

	if (!v) return -1;
	s->v = v;
	v[s->n++] = *spec;
	return 0;
}

struct namespace_specs *
namespace_specs_ref(struct namespace_specs *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
namespace_specs_unref(struct namespace_specs *s)
{
	unsigned before;

	if (!s) return;
	before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
	CHECK(before > 0);
	if (before > 1) return;
	for (size_t i = 0; i < s->n; i++) {
		handlers_free(s->v[i].handlers);
		free(s->v[i].name);
	}
	free(s->v);
	free(s);
}

const struct namespace_spec *
namespace_specs_find(const struct namespace_specs *s, struct eio_bytes name)
{
	for (size_t i = 0; i < s->n; i++)
		if (eio_bytes_eq(eio_cstr(s->v[i].name), name)) return &s->v[i];
	return NULL;
}

/* At work */

struct namespaces *
namespaces_new(struct namespace_specs *specs)
{
	struct namespaces *all = malloc(sizeof *all + specs->n * sizeof *all->v);

	if (!all) return NULL;
	all->specs = namespace_specs_ref(specs);
	all->n = specs->n;
	for (size_t i = 0; i < all->n; i++)
		all->v[i] = (struct namespace){ .name = eio_cstr(specs->v[i].name), .handlers = specs->v[i].handlers };
	return all;
}

void
namespaces_free(struct namespaces *all)
{
	if (!all) return;
	for (size_t i = 0; i < all->n; i++) CHECK(all->v[i].sockets == 0);
	namespace_specs_unref(all->specs);
	free(all);
}

struct namespace *
namespaces_find(struct namespaces *all, struct eio_bytes name)
{
	for (size_t i = 0; i < all->n; i++)
		if (eio_bytes_eq(all->v[i].name, name)) return &all->v[i];
	return NULL;
}

bool
namespaces_use_query(const struct namespaces *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].handlers && handlers_use_query(all->v[i].handlers)) return true;
	return false;
}
