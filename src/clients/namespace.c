/* SPDX-License-Identifier: MIT */
/* Sets of namespaces and their end. */
#include "src/clients/namespace.h"

#include "eio/check.h"

#include <stdlib.h>

struct namespace_specs *
namespace_specs_new(void)
{
	struct namespace_specs *s = calloc(1, sizeof(struct namespace_specs));

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
