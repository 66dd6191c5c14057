/* SPDX-License-Identifier: MIT */
/* Questions from their making to their end. */
#include "src/feed/ask.h"

#include "eio/check.h"
#include "eio/refs.h"
#include "src/feed/delivery.h"

#include <stdlib.h>

int
feed_ask_init(struct feed_ask *a, unsigned worker, void (*told)(struct feed_ask *a), void (*free)(struct feed_ask *a))
{
	*a = (struct feed_ask){ .magic = FEED_ASK_MAGIC, .worker = worker, .told = told, .free = free };
	atomic_init(&a->refs, 1);
	a->way = calloc(1, sizeof *a->way + sizeof a->way->items[0]);
	return a->way ? 0 : -1;
}

struct feed_ask *
feed_ask_ref(struct feed_ask *a)
{
	CHECK_MAGIC(a, FEED_ASK_MAGIC);
	eio_refs_take(&a->refs);
	return a;
}

bool
feed_ask_is_shared(const struct feed_ask *a)
{
	CHECK_MAGIC(a, FEED_ASK_MAGIC);
	return atomic_load_explicit(&a->refs, memory_order_acquire) > 1;
}

void
feed_ask_unref(struct feed_ask *a)
{
	if (!a) return;
	CHECK_MAGIC(a, FEED_ASK_MAGIC);
	if (!eio_refs_drop(&a->refs)) return;
	for (size_t i = 0; i < a->n; i++) eio_bundle_unref(a->bundles[i]);
	free(a->bundles);
	free(a->way);
	a->magic = 0;
	a->free(a);
}
