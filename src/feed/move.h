/* SPDX-License-Identifier: MIT */
/*
 * What sockets shall do that an application on another server has chosen: join rooms, leave them, or go; or what it
 * wants to know of them. On its way to one worker, in the order of its deliveries.
 *
 * Threads: made by the feed's, then owned by the worker it was posted to.
 */
#ifndef SRC_FEED_MOVE_H
#define SRC_FEED_MOVE_H

#include "src/base/mailbox.h"
#include "src/feed/audience.h"
#include "src/feed/delivery.h"
#include "src/feed/survey.h"

enum feed_move_kind {
	FEED_MOVE_JOIN,
	FEED_MOVE_LEAVE,
	FEED_MOVE_DISCONNECT, /* from the namespace */
	FEED_MOVE_CLOSE, /* with the whole connection */
	/* Questions, see survey.h: the answer has */
	FEED_MOVE_IDS, /* the ids of the sockets, JSON strings */
	FEED_MOVE_SOCKETS, /* what they are, objects as fetchSockets() of Socket.IO has them */
	FEED_MOVE_EVERYBODY, /* what all sockets are, of each namespace, as the Admin UI has them; of all workers */
	FEED_MOVE_ROOMS, /* all rooms of the namespace, JSON strings */
	FEED_MOVE_CALL, /* how many get the event of the survey */
};

struct feed_move {
	struct mail mail; /* on its way to the worker's port */
	struct delivery_budget *budget;
	size_t bytes; /* what it counts in the budget */
	enum feed_move_kind kind;
	struct audience *who; /* a reference: whose sockets */
	struct audience *rooms; /* a reference: which rooms, its rooms; NULL where they go */
	/* Of a question: a reference; and the answer, which the worker fills, and which is posted when it is done. */
	struct feed_survey *survey;
	struct feed_answer *answer;
};

/* Posts the answer, gives back the budget and the references, and frees it. By the worker, when it is done. */
void feed_move_free(struct feed_move *m);

#endif
