/* SPDX-License-Identifier: MIT */
/* Audiences that are kept: one block of memory each. */
#include "src/feed/audience.h"

#include "eio/refs.h"

#include <stdlib.h>
#include <string.h>

static size_t
names_size(const struct eio_bytes *v, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++) size += v[i].n;
	return size;
}

static struct eio_bytes
copy_name(char **to, struct eio_bytes name)
{
	struct eio_bytes copy = eio_bytes(*to, name.n);

	if (name.n) memcpy(*to, name.p, name.n);
	*to += name.n;
	return copy;
}

size_t
audience_size(const struct audience *a)
{
	return sizeof *a + (a->n_rooms + a->n_except) * sizeof(struct eio_bytes) + a->nsp.n +
	       names_size(a->rooms, a->n_rooms) + names_size(a->except, a->n_except);
}

struct audience *
audience_new(const struct audience *a)
{
	size_t n = a->n_rooms + a->n_except;
	struct audience *copy = malloc(audience_size(a));
	struct eio_bytes *names;
	char *to;

	if (!copy) return NULL;
	names = (struct eio_bytes *)(copy + 1);
	to = (char *)(names + n);
	atomic_init(&copy->refs, 1);
	copy->nsp = copy_name(&to, a->nsp);
	copy->rooms = names;
	copy->n_rooms = a->n_rooms;
	copy->except = names + a->n_rooms;
	copy->n_except = a->n_except;
	for (size_t i = 0; i < a->n_rooms; i++) names[i] = copy_name(&to, a->rooms[i]);
	for (size_t i = 0; i < a->n_except; i++) names[a->n_rooms + i] = copy_name(&to, a->except[i]);
	return copy;
}

struct audience *
audience_ref(struct audience *a)
{
	eio_refs_take(&a->refs);
	return a;
}

void
audience_unref(struct audience *a)
{
	if (a && eio_refs_drop(&a->refs)) free(a);
}
