/* SPDX-License-Identifier: MIT */
/*
 * Where the mail of workers about clients that come back enters the feed's thread: sessions, recalls, and broadcasts
 * that are to get their place in the order of all. For src/feed/ only.
 *
 * Threads: posting from any; all else on the feed's.
 */
#ifndef SRC_FEED_RETURNING_H
#define SRC_FEED_RETURNING_H

#include "src/feed/feed_int.h"
#include "src/feed/returns.h"

enum { FEED_SHOUT_BYTES = 16777216 }; /* of broadcasts on their way to the feed's thread */

struct feed_returning {
	unsigned magic;
	struct thread *thread;
	struct feed_out *out;
	struct mail_port sessions, recalls, stows, shouts;
	atomic_size_t shouted; /* bytes posted and not yet taken */
	uv_timer_t timer; /* each second */
	uv_timer_t early; /* while somebody waits for what is to come */
	/* Those who come back to a session that was restored wait until it is known what the sources lost meanwhile, or
	 * until then. */
	bool unsettled;
	uint64_t settle_by_ms;
	struct mail *waiting, **last;
	void (*give_up)(void *user); /* that was too long */
	void (*begin_tracks)(void *user); /* each second, where there is a journal */
	void (*store_moved)(void *user); /* where sessions are is another place */
	void *user;
	bool closed;
	/* Broadcasts that wait until Redis knows that their namespace is local. */
	struct mail *held, **last_held;
	bool declaring, repeats; /* it is being told, and not for the first of them */
};

/* Where Redis keeps sessions: what it tells is this one's, which need not be made yet. All is borrowed. NULL when out
 * of memory. */
struct store *feed_returning_new_store(
	struct feed_returning *r, const struct feed_options *options, struct metrics *metrics);

/* Before the thread runs: the sources will say what is missing. */
void feed_returning_await(struct feed_returning *r, uint64_t now_ms);

/* They have said it. */
void feed_returning_settle(struct feed_returning *r);

/* Before the thread runs. All is borrowed. */
void feed_returning_init(struct feed_returning *r, struct thread *t, struct feed_out *out);

/* Closes its timer; mail that still comes is thrown away. */
void feed_returning_close(struct feed_returning *r);

#endif
