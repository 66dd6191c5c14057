/* SPDX-License-Identifier: MIT */
/*
 * What sockets shall do that an application on another server has chosen: join rooms, leave them, or go. On its way to
 * one worker, in the order of its deliveries.
 *
 * Threads: made by the feed's, then owned by the worker it was posted to.
 */
#ifndef SRC_FEED_MOVE_H
#define SRC_FEED_MOVE_H

#include "src/base/mailbox.h"
#include "src/feed/audience.h"
#include "src/feed/delivery.h"

enum feed_move_kind {
	FEED_MOVE_JOIN,
	FEED_MOVE_LEAVE,
	FEED_MOVE_DISCONNECT, /* from the namespace */
	FEED_MOVE_CLOSE, /* with the whole connection */
};

struct feed_move {
	struct mail mail; /* on its way to the worker's port */
	struct delivery_budget *budget;
	size_t bytes; /* what it counts in the budget */
	enum feed_move_kind kind;
	struct audience *who; /* a reference: whose sockets */
	struct audience *rooms; /* a reference: which rooms, its rooms; NULL where they go */
};

/* Gives back the budget and the references and frees it. By the worker, when it is done. */
void feed_move_free(struct feed_move *m);

#endif
