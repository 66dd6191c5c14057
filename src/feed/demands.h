/* SPDX-License-Identifier: MIT */
/*
 * Feeds on demand at work: what workers say of rooms becomes channels (demand.h), and these what the sources of the
 * servers subscribe to.
 *
 *     worker: first member, last one ──note──▶ demand.h ──▶ want, leave ──▶ intakes ──▶ Redis
 *
 * For src/feed/ only. Threads: the feed's, but where it is said.
 */
#ifndef SRC_FEED_DEMANDS_H
#define SRC_FEED_DEMANDS_H

#include "src/base/log.h"
#include "src/base/mailbox.h"
#include "src/feed/intakes.h"

#define FEED_DEMANDS_MAGIC 0xfeed000d

struct feed_demands {
	unsigned magic;
	const struct feed_options *options;
	struct feed_router *router;
	struct feed_intakes *intakes;
	const _Atomic(struct feed_specs *) *asked; /* by workers: the feeds of now, or that come next */
	struct demand demand;
	struct demand next; /* prepared; then what was before, until it has been applied */
	struct mail_port notes; /* of struct demand_note, from any thread */
	atomic_uint changing; /* every room is noted: workers may know other feeds than are at work */
	atomic_bool closed; /* nothing is noted any more */
	atomic_uint unnoted; /* rooms that could not be noted, since memory was out */
	atomic_bool look_posted; /* `look` is on its way, by which the feed hears of that */
	struct mail_port looks;
	struct mail look;
	uv_timer_t timer; /* for the end of lingering */
	struct log_limit limit;
};

/* All is borrowed. 0, or -1 when out of memory (nothing to undo then). Before there are threads. */
int feed_demands_init(struct feed_demands *d, const struct feed_options *options, struct feed_router *router,
	struct feed_intakes *intakes, const _Atomic(struct feed_specs *) *asked);
void feed_demands_deinit(struct feed_demands *d); /* closed, and behind all threads */

/* Before the intakes are opened: channels of another process are there already. And behind that: all channels are
 * wanted of them. */
void feed_demands_begin(struct feed_demands *d);
void feed_demands_fill(struct feed_demands *d);

/* Closes what it has on the loop. */
void feed_demands_close(struct feed_demands *d);

/* Around a change of feeds, by the thread that asks for it: workers note all rooms meanwhile. */
void feed_demands_watch_all(struct feed_demands *d, bool on);

/* Makes all that it takes for other feeds. 0, or -1 when out of memory (nothing to undo then). Then channels go to
 * those, once the router has them; and the intakes are told, once they do; or it is forgotten. What is wanted before
 * and after stays as it is. */
int feed_demands_prepare(struct feed_demands *d, const struct feed_specs *specs);
void feed_demands_commit(struct feed_demands *d);
void feed_demands_apply(struct feed_demands *d);
void feed_demands_forget(struct feed_demands *d);

#endif
