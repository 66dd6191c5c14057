/* SPDX-License-Identifier: MIT */
/* Deliveries, from their making to their end. */
#include "src/presence/delivery.h"

#include <stdlib.h>

enum { DELIVERY_OVERHEAD = 256 }; /* what one costs beside its bytes */

struct presence_delivery *
presence_delivery_new(const struct presence_delivery_parts *p)
{
	size_t ids = p->n * sizeof(uint64_t);
	struct presence_delivery *d = malloc(sizeof *d + ids + sio_room_key_size(p->key));

	if (!d) return NULL;
	d->kind = p->kind;
	d->bundle = p->bundle ? eio_bundle_ref(p->bundle) : NULL;
	d->key = sio_room_key_copy(p->key, (char *)d->ids + ids);
	d->stream = p->stream;
	d->outstanding = p->outstanding;
	d->bytes = (p->bundle ? eio_bundle_size(p->bundle) : 0) + ids + DELIVERY_OVERHEAD;
	d->n = 0;
	atomic_fetch_add_explicit(d->outstanding, d->bytes, memory_order_relaxed);
	return d;
}

void
presence_delivery_free(struct presence_delivery *d)
{
	eio_bundle_unref(d->bundle);
	atomic_fetch_sub_explicit(d->outstanding, d->bytes, memory_order_release);
	free(d);
}
