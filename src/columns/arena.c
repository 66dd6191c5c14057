/* SPDX-License-Identifier: MIT */
/* Memory for one batch. It comes in chunks, and the largest is kept for the next batch. */
#include "src/columns/columns_int.h"

#include <stdlib.h>

enum { FIRST_BYTES = 1 << 16, KEPT_BYTES = 1 << 22 };

struct columns_chunk {
	struct columns_chunk *next;
	size_t n, cap;
	_Alignas(16) char bytes[];
};

void *
columns__alloc(struct columns *c, size_t n)
{
	struct columns_chunk *top = c->arena.chunks, *more;
	size_t cap = top ? top->cap * 2 : FIRST_BYTES;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (!top || top->cap - top->n < n) {
		if (cap < n) cap = n;
		more = malloc(sizeof *more + cap);
		if (!more) {
			c->failed = true;
			return NULL;
		}
		*more = (struct columns_chunk){ .next = top, .cap = cap };
		c->arena.chunks = top = more;
	}
	p = top->bytes + top->n;
	top->n += n;
	return p;
}

static void
free_chunks(struct columns_chunk *first)
{
	while (first) {
		struct columns_chunk *next = first->next;

		free(first);
		first = next;
	}
}

void
columns__arena_clear(struct columns_arena *a)
{
	struct columns_chunk *top = a->chunks;

	if (!top) return;
	free_chunks(top->next);
	top->next = NULL;
	top->n = 0;
	if (top->cap > KEPT_BYTES) columns__arena_deinit(a);
}

void
columns__arena_deinit(struct columns_arena *a)
{
	free_chunks(a->chunks);
	a->chunks = NULL;
}

void *
columns__grow(struct columns *c, const void *old, size_t *cap, size_t each)
{
	size_t more = *cap ? *cap * 2 : 8;
	void *p = columns__alloc(c, more * each);

	if (!p) return NULL;
	if (*cap) memcpy(p, old, *cap * each);
	*cap = more;
	return p;
}

void *
columns__scratch(struct columns *c, struct eio_buf *b, size_t n, size_t each)
{
	eio_buf_clear(b);
	if (eio_buf_reserve(b, n * each)) return b->p;
	c->failed = true;
	return NULL;
}
