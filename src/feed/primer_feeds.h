/* SPDX-License-Identifier: MIT */
/*
 * The feeds that a primer reads: which of them are to be read, of which it is remembered what is heard, and how other
 * feeds come in their place. For src/feed/ only.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_PRIMER_FEEDS_H
#define SRC_FEED_PRIMER_FEEDS_H

#include "src/feed/priming.h"

/* One feed that is read. */
struct primer_feed {
	struct feed_at_work *feed; /* borrowed */
	bool due; /* it is to be read */
	bool read; /* it was, once, as far as it could be */
	bool hears; /* it is remembered what is heard of it */
	bool failed; /* something of it could not be read */
	size_t was; /* while it is prepared: its number among those of now; SIZE_MAX: it is new */
};

/* All zero: none. */
struct primer_feeds {
	struct primer_feed *v, *next; /* owned; next: what was prepared, or NULL */
	size_t n, n_next;
	size_t n_due, n_unread; /* how many are to be read, and never were */
	size_t from; /* none in front of it is to be read */
};

/* Makes a list of those that read something among all that will be at work, in the place of what was prepared before.
 * 0, or -1 when out of memory. */
int primer_feeds_prepare(struct primer_feeds *l, struct feed_at_work *const *feeds, size_t n);

/* That is the list: who was there keeps what it has; who is new is to be read, and heard of from now on; who is gone
 * may have been freed. Returns the number that `at` has now; SIZE_MAX: it is gone. */
size_t primer_feeds_commit(struct primer_feeds *l, size_t at, uint64_t now_ms);

/* It is not. */
void primer_feeds_forget(struct primer_feeds *l);
void primer_feeds_deinit(struct primer_feeds *l);

/* All of them are to be read. */
void primer_feeds_want(struct primer_feeds *l);

/* The number of the first that is to be read: there must be one. */
size_t primer_feeds_first(struct primer_feeds *l);

/* One of those has been read: what is heard of it is not remembered any more. */
void primer_feeds_done(struct primer_feeds *l, size_t i, uint64_t now_ms);

/* What was heard of all of them is forgotten, and remembered from now on. */
void primer_feeds_hear(struct primer_feeds *l, uint64_t now_ms);

/* Whether what was read of it is all that there is. alone: there is no other server. */
bool primer_feed_is_whole(const struct primer_feed *f, bool alone);

/* What is heard of it is not remembered any more. */
void primer_feed_end(struct primer_feed *f, uint64_t now_ms);

#endif
