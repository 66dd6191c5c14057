/* SPDX-License-Identifier: MIT */
/*
 * An immutable block of bytes with a reference count: what is sent to many.
 *
 * Threads: any, once it is shared; the reference count is atomic.
 */
#ifndef EIO_BLOCK_H
#define EIO_BLOCK_H

#include "eio/buf.h"

#include <stdatomic.h>

struct eio_block {
	atomic_uint refs;
	size_t n;
	char data[];
};

/* A block of n bytes for the caller to fill before sharing it, with one reference; NULL when out of memory. */
struct eio_block *eio_block_new(size_t n);
struct eio_block *eio_block_ref(struct eio_block *b);
void eio_block_unref(struct eio_block *b); /* NULL is fine */

/* A block that holds a copy of the bytes, with one reference; NULL when out of memory. */
struct eio_block *eio_block_of(struct eio_bytes s);

/* The buffer's bytes as a block of just their size, with one reference; the buffer is emptied and owns nothing. NULL
 * when out of memory, here or in any append before. */
struct eio_block *eio_block_of_buf(struct eio_buf *b);

#endif
