/* SPDX-License-Identifier: MIT */
/*
 * What the feed thread hands to a worker: the broadcasts of one flush turn, in
 * the order they are to be sent. One delivery per worker and turn, so at
 * most one wake-up each; the worker sends all of it before it pumps its clients, so a
 * client in several rooms gets one write.
 *
 * Threads: made by the feed thread, then owned by the worker it was posted to.
 */
#ifndef SRC_FEED_DELIVERY_H
#define SRC_FEED_DELIVERY_H

#include "eio/bundle.h"
#include "src/base/mailbox.h"
#include "src/feed/interest.h"
#include "src/feed/spec.h"

/* How much a worker has been given and has not finished: bounded by limits.workerQueueBytes, where it does not run the feed itself. */
struct delivery_budget {
	_Atomic size_t outstanding; /* the feed thread adds, the worker subtracts */
};

struct delivery_item {
	struct eio_bundle *bundle; /* a reference */
	struct interest *target; /* a reference: namespace, and room or everyone */
	enum feed_slow slow; /* its feed's */
	/* The same for all broadcasts of one feed, event, namespace and room: `"slow": "latest"` keeps one of each. */
	uint64_t stream;
};

struct delivery {
	struct mail mail; /* the receiver sets mail.kind before posting */
	struct delivery_budget *budget;
	size_t bytes; /* what it counts in the budget */
	size_t n;
	struct delivery_item items[];
};

/* Moves the broadcasts of `more`, which is for the same worker, behind those of d. Returns d, which may lie elsewhere now, and more is
 * gone; or NULL when out of memory, and both are as they were. By the worker that owns them. */
struct delivery *delivery_append(struct delivery *d, struct delivery *more);

/* Gives back the budget and the references and frees it. On any thread. */
void delivery_free(struct delivery *d);

#endif
