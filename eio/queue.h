/* SPDX-License-Identifier: MIT */
/*
 * What waits to be sent to one client: a ring of bundles, by reference. Some may
 * be dropped when the client is too slow: those with a tag, which says to which
 * stream they belong. Not thread-safe.
 */
#ifndef EIO_QUEUE_H
#define EIO_QUEUE_H

#include "eio/bundle.h"

#include <stdint.h>

/* What a bundle costs beside its data: itself, a wire form or two, its place in the ring, and what the allocator adds.
 * 100,000 acks of 9 bytes take 19 MB. */
enum { EIO_QUEUED_COST = 192 };

struct eio_queued {
	struct eio_bundle *bundle; /* a reference */
	const void *tag; /* NULL: must not be dropped */
};

/* All zero is an empty queue, which owns nothing. Read count and bytes. */
struct eio_queue {
	size_t bytes; /* of message data */
	unsigned count, head;
	unsigned cap : 31;
	bool held : 1; /* see eio_queue_hold */
	unsigned untagged; /* what those without a tag cost; the caller keeps it far from 4 GB */
	struct eio_queued *ring; /* of cap entries, a power of two; the oldest at head */
	uint64_t mark; /* for whoever watches the queue; 0 whenever it is empty */
};

/* Appends a bundle whose reference it takes over, also on failure. 0, or -1 when out of memory or b is NULL. */
int eio_queue_put(struct eio_queue *q, struct eio_bundle *b, const void *tag);

/* Takes the oldest bundle, whose reference goes to the caller; the queue must not be empty. */
struct eio_bundle *eio_queue_take(struct eio_queue *q);

/* The i-th bundle from the oldest, i < count. */
static inline struct eio_queued *
eio_queue_at(const struct eio_queue *q, size_t i)
{
	return &q->ring[(q->head + i) & (q->cap - 1)];
}

/* The oldest bundle is on its way, and waits for something that is not the client's fault: it no longer costs anything,
 * nor is it dropped, until it is taken or the queue is released. The queue must not be empty. */
void eio_queue_hold(struct eio_queue *q);
void eio_queue_release(struct eio_queue *q);

/* What all of them cost, in bytes. */
static inline size_t
eio_queue_cost(const struct eio_queue *q)
{
	return q->bytes + (size_t)(q->count - q->held) * EIO_QUEUED_COST;
}

/* Drops bundles with this tag; or, tag being NULL, the oldest with any tag until those with one cost at most max_bytes.
 * Returns how many. */
size_t eio_queue_drop(struct eio_queue *q, const void *tag, size_t max_bytes);

/* Whether something binary waits in it. */
bool eio_queue_has_binary(const struct eio_queue *q);

/* Empties it and frees its memory. */
void eio_queue_clear(struct eio_queue *q);

#endif
