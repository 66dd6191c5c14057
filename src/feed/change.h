/* SPDX-License-Identifier: MIT */
/*
 * Other feeds in the place of those at work, within one turn of the loop: so each message goes through the ones or the
 * others. What each of the new ones was decides what becomes of it:
 *
 *     the same print       it goes on: what it puts together, what it retains, what it has counted
 *     the same essence     what it has put together leaves; then the new terms hold. All else goes on
 *     neither              it is new, and has nothing. The old one's waiting batches leave, and it ends
 *
 * For src/feed/ only. Threads: the feed's.
 */
#ifndef SRC_FEED_CHANGE_H
#define SRC_FEED_CHANGE_H

#include "src/feed/feed_int.h"

struct feed_change {
	struct feed_router *router; /* borrowed, as the next two */
	struct feed_options *options; /* the router's, to change */
	struct feed_specs *specs;
	struct feed_table table;
	struct feed_at_work **feeds; /* owned, but those that go on are the router's */
	struct metrics **metrics; /* owned: of those that have another number; NULL elsewhere */
	size_t *was; /* for each its number before; SIZE_MAX: it is new */
	bool *stays; /* for each of those before: it goes on */
	struct ledger_change ledger;
	struct feed_changed counts;
};

/* Makes all that it takes. 0, or -1 when out of memory (nothing to undo then). */
int feed_change_prepare(
	struct feed_change *c, struct feed_router *r, struct feed_options *options, struct feed_specs *specs);

/* Does it: options->specs is the new set then, which must stay as long as the router. Whoever tells what is refused has
 * to tell it again. */
void feed_change_commit(struct feed_change *c, uint64_t now_ms);

/* Does not. */
void feed_change_forget(struct feed_change *c);

#endif
