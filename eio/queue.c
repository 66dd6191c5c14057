/* SPDX-License-Identifier: MIT */
/* The ring of bundles. */
#include "eio/queue.h"

#include "eio/check.h"

#include <limits.h>
#include <stdlib.h>

enum { QUEUE_FIRST = 4 };

static int
grow_ring(struct eio_queue *q)
{
	unsigned cap = q->cap ? q->cap * 2 : QUEUE_FIRST;
	struct eio_queued *ring = cap ? malloc(cap * sizeof *ring) : NULL;

	if (!ring) return -1;
	for (size_t i = 0; i < q->count; i++) ring[i] = *eio_queue_at(q, i);
	free(q->ring);
	q->ring = ring;
	q->cap = cap & INT_MAX;
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

static void
count_in(struct eio_queue *q, const struct eio_queued *e)
{
	q->bytes += eio_bundle_size(e->bundle);
	if (!e->tag) q->untagged += (unsigned)eio_bundle_size(e->bundle) + EIO_QUEUED_COST;
}

static void
count_out(struct eio_queue *q, const struct eio_queued *e)
{
	q->bytes -= eio_bundle_size(e->bundle);
	if (!e->tag) q->untagged -= (unsigned)eio_bundle_size(e->bundle) + EIO_QUEUED_COST;
}

int
eio_queue_put(struct eio_queue *q, struct eio_bundle *b, const void *tag)
{
	if (!b) return -1;
	if (q->count == q->cap && grow_ring(q)) {
		eio_bundle_unref(b);
		return -1;
	}
	*eio_queue_at(q, q->count++) = (struct eio_queued){ b, tag };
	count_in(q, eio_queue_at(q, q->count - 1));
	return 0;
}

void
eio_queue_hold(struct eio_queue *q)
{
	CHECK(q->count > 0 && !q->held);
	count_out(q, eio_queue_at(q, 0));
	q->held = true;
}

void
eio_queue_release(struct eio_queue *q)
{
	if (!q->held) return;
	q->held = false;
	count_in(q, eio_queue_at(q, 0));
}

struct eio_bundle *
eio_queue_take(struct eio_queue *q)
{
	struct eio_bundle *b;

	CHECK(q->count > 0);
	b = eio_queue_at(q, 0)->bundle;
	if (!q->held) count_out(q, eio_queue_at(q, 0));
	q->held = false;
	q->head = (q->head + 1) & (q->cap - 1);
	q->count--;
	shrink_ring(q);
	return b;
}

size_t
eio_queue_drop(struct eio_queue *q, const void *tag, size_t max_bytes)
{
	size_t tagged = eio_queue_cost(q) - q->untagged;
	unsigned kept = 0, n = q->count;

	for (unsigned i = 0; i < n; i++) {
		struct eio_queued e = *eio_queue_at(q, i);

		bool goes = tag ? e.tag == tag : e.tag && tagged > max_bytes;

		if (goes && !(q->held && i == 0)) {
			q->bytes -= eio_bundle_size(e.bundle);
			tagged -= eio_bundle_size(e.bundle) + EIO_QUEUED_COST;
			eio_bundle_unref(e.bundle);
		} else {
			*eio_queue_at(q, kept++) = e;
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
		if (eio_bundle_has_binary(eio_queue_at(q, i)->bundle)) return true;
	return false;
}

void
eio_queue_clear(struct eio_queue *q)
{
	while (q->count > 0) eio_bundle_unref(eio_queue_take(q));
}
