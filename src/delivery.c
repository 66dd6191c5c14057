/* SPDX-License-Identifier: MIT */
/* Giving a delivery back. */
#include "src/delivery.h"

#include <stdlib.h>

void
delivery_free(struct delivery *d)
{
	for (size_t i = 0; i < d->n; i++) {
		eio_bundle_unref(d->items[i].bundle);
		interest_unref(d->items[i].target);
	}
	atomic_fetch_sub_explicit(&d->budget->outstanding, d->bytes, memory_order_release);
	free(d);
}
