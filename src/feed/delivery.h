/* SPDX-License-Identifier: MIT */
/*
 * What the feed thread hands to a worker: the broadcasts of one flush turn, in
 * the order they are to be sent. One delivery per worker and turn, so at
 * most one wake-up each; the worker sends all of it before it pumps its clients, so a
 * client in several rooms gets one write. Workers hand such to each other, too, with
 * what handlers broadcast.
 *
 * Threads: made by the feed thread or a worker, then owned by the worker it was posted to.
 */
#ifndef SRC_FEED_DELIVERY_H
#define SRC_FEED_DELIVERY_H

#include "eio/bundle.h"
#include "src/base/mailbox.h"
#include "src/feed/ask.h"
#include "src/feed/audience.h"
#include "src/feed/interest.h"
#include "src/feed/keys.h"
#include "src/feed/offset.h"
#include "src/feed/spec.h"

/* How much a worker has been given and has not finished: bounded by limits.workerQueueBytes, where it does not run the
 * feed itself. */
struct delivery_budget {
	_Atomic size_t outstanding; /* whoever posts a delivery adds, the worker subtracts */
	/* The largest serial number of a broadcast that it was not given because it was behind: clients that were there
	 * by then cannot be recovered. */
	_Atomic uint64_t lost;
	/* Orders to its sockets on their way: some may come to rooms that the feed does not know of, see move.h. */
	atomic_uint moves;
};

struct delivery_item {
	struct eio_bundle *bundle; /* a reference */
	struct feed_ask
		*ask; /* a reference: no broadcast but the answer to a question, and nothing else is set; or NULL */
	struct interest *target; /* a reference: namespace, and room or everyone. NULL with an audience */
	struct audience *audience; /* a reference: who else it is for; or NULL */
	enum feed_slow slow; /* its feed's */
	bool lag_event; /* as well */
	struct feed_keys *keys; /* a reference, where its feed has latestPer: that counts then, not slow; or NULL */
	bool retained; /* its feed retains: not for who awaits the answer about the room */
	bool fleeting; /* not for who is behind */
	/* The same for all broadcasts of one feed, event, namespace and room: `"slow": "latest"` keeps one of each. */
	uint64_t stream;
};

struct delivery {
	struct mail mail; /* on its way to the worker's port */
	struct delivery_budget *budget;
	size_t bytes; /* what it counts in the budget */
	/* All broadcasts up to this number that are for the worker were before it, or are in it; 0: it says nothing
	 * about that. */
	uint64_t serial;
	/* uv_hrtime() when the first of its broadcasts had been read from Redis, or was due; 0: it has none of a
	 * feed. */
	uint64_t begun_ns;
	uint64_t posted_ns; /* when it was handed over; set where begun_ns is */
	struct feed_offset_text reached; /* the same in words for others: see offset.h; n 0: that is not said */
	size_t n;
	struct delivery_item items[];
};

/* The first deliveries of a run, which are for the same worker, put together: all of them, unless memory is short. *run
 * is what is left, or NULL. By the worker that owns them. */
struct delivery *delivery_take(struct mail **run);

/* Gives back the budget and the references and frees it. On any thread. */
void delivery_free(struct delivery *d);

#endif
