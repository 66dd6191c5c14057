/* SPDX-License-Identifier: MIT */
/* Blocks. */
#include "eio/block.h"

#include <stdlib.h>

struct eio_block *
eio_block_new(size_t n)
{
	struct eio_block *b = malloc(sizeof *b + n);

	if (!b) return NULL;
	atomic_init(&b->refs, 1);
	b->n = n;
	return b;
}

struct eio_block *
eio_block_ref(struct eio_block *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

void
eio_block_unref(struct eio_block *b)
{
	if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) free(b);
}

struct eio_block *
eio_block_of(struct eio_bytes s)
{
	struct eio_block *b = eio_block_new(s.n);

	if (b && s.n) memcpy(b->data, s.p, s.n);
	return b;
}

struct eio_block *
eio_block_of_buf(struct eio_buf *b)
{
	struct eio_block *block = eio_buf_failed(b) ? NULL : eio_block_of(eio_buf_bytes(b));

	eio_buf_deinit(b);
	return block;
}
