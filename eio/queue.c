/* SPDX-License-Identifier: MIT */
/* The ring of bundles. */
#include "eio/queue.h"

#include "eio/check.h"

#include <stdlib.h>

enum { QUEUE_FIRST = 4 };

static struct eio_queued *
queued_at(const struct eio_queue *q, size_t i)
{
	return &q->ring[(q->head + i) & (q->cap - 1)];
}

static int
grow_ring(struct eio_queue *q)
{
	unsigned cap = q->cap ? q->cap * 2 : QUEUE_FIRST;
	struct eio_queued *ring = cap ? malloc(cap * sizeof *ring) : NULL;

	if (!ring) return -1;
	for (size_t i = 0; i < q->count; i++) ring[i] = *queued_at(q, i);
	free(q->ring);
	q->ring = ring;
	q->cap = cap;
	q->head = 0;
	return 0;
}

/* An idle client keeps no ring: there are many of them. */
static void
shrink_ring(struct eio_queue *q)
{
	if (q->count > 0) return;
	free(q->ring);
	*q = (struct eio_queue){ 0 };
}

int
eio_queue_put(struct eio_queue *q, struct eio_bundle *b, const void *tag)
{
	if (!b) return -1;
	if (q->count == q->cap && grow_ring(q)) {
		eio_bundle_unref(b);
		return -1;
	}
	*queued_at(q, q->count++) = (struct eio_queued){ b, tag };
	q->bytes += eio_bundle_size(b);
	if (!tag) q->untagged += (unsigned)eio_bundle_size(b) + EIO_QUEUED_COST;
	return 0;
}

struct eio_bundle *
eio_queue_take(struct eio_queue *q)
{
	struct eio_bundle *b;
	const void *tag;

	CHECK(q->count > 0);
	b = queued_at(q, 0)->bundle;
	tag = queued_at(q, 0)->tag;
	q->head = (q->head + 1) & (q->cap - 1);
	q->count--;
	q->bytes -= eio_bundle_size(b);
	if (!tag) q->untagged -= (unsigned)eio_bundle_size(b) + EIO_QUEUED_COST;
	shrink_ring(q);
	return b;
}

size_t
eio_queue_drop(struct eio_queue *q, const void *tag, size_t max_bytes)
{
	size_t tagged = eio_queue_cost(q) - q->untagged;
	unsigned kept = 0, n = q->count;

	for (unsigned i = 0; i < n; i++) {
		struct eio_queued e = *queued_at(q, i);

		if (tag ? e.tag == tag : e.tag && tagged > max_bytes) {
			q->bytes -= eio_bundle_size(e.bundle);
			tagged -= eio_bundle_size(e.bundle) + EIO_QUEUED_COST;
			eio_bundle_unref(e.bundle);
		} else {
			*queued_at(q, kept++) = e;
		}
	}
	q->count = kept;
	shrink_ring(q);
	return n - kept;
}

bool
eio_queue_has_binary(const struct eio_queue *q)
{
	for (unsigned i = 0; i < q->count; i++)
		if (eio_bundle_has_binary(queued_at(q, i)->bundle)) return true;
	return false;
}

void
eio_queue_clear(struct eio_queue *q)
{
	while (q->count > 0) eio_bundle_unref(eio_queue_take(q));
}
