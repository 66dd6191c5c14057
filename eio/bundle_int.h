/* SPDX-License-Identifier: MIT */
/* What bundle.c, bundle3.c and bundle_deflate.c share: where packets lie. */
#ifndef EIO_BUNDLE_INT_H
#define EIO_BUNDLE_INT_H

#include "eio/bundle.h"

#include <stdint.h>

/* Where the data of one packet lies in the WebSocket form of revision 4; for text it starts with the type digit. */
struct eio__part {
	size_t off, n;
	bool binary, json;
	unsigned char extra; /* bytes of the message's extra, before its last one */
};

/* The compressed variants of the wire forms. Only a bundle that some client wants compressed has this. */
struct eio__variants {
	_Atomic(struct eio_block *) block[EIO_WIRE_COUNT];
	atomic_bool claimed[EIO_WIRE_COUNT]; /* a thread is making it */
	unsigned count; /* of the bundles this one was joined of, 0 when they are not known */
	struct eio_bundle *sources[]; /* references */
};

struct eio_bundle {
	atomic_uint refs;
	unsigned count;
	size_t size;
	_Atomic(struct eio_block *) wire[EIO_WIRE_COUNT];
	_Atomic(struct eio__variants *) variants;
	struct eio_bundle_tally *tally; /* or NULL */
	_Atomic(struct eio_bundle *) bare; /* itself where there are no extras; NULL until it is made; else owned */
	struct eio__part parts[];
};

/* Where there is a tally. */
static inline void
eio__tally(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/* Builds one of the forms of revision 3. NULL when out of memory. */
struct eio_block *eio__bundle_build_3(
	const struct eio__part *parts, unsigned count, const char *data, enum eio_wire wire);

#endif
