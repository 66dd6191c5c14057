/* SPDX-License-Identifier: MIT */
/*
 * What the feed keeps for clients that come back: the order of all broadcasts, what they were, and the sessions. Where
 * clients can be recovered each broadcast has a serial number and is put into its order here, wherever it comes from:
 * so one number says what a client has.
 *
 * Threads: the feed's only, but for keeping_serial().
 */
#ifndef SRC_FEED_KEEPING_H
#define SRC_FEED_KEEPING_H

#include "src/base/metrics.h"
#include "src/feed/history.h"
#include "src/feed/kept.h"
#include "src/feed/recovery.h"

#define KEEPING_METRICS(X) \
	X(KEEPING_METRIC_RECOVERED, COUNTER, "recoveries_total", "result=\"recovered\"", \
		"Clients that came back, and whether they got their session again with all that they missed") \
	X(KEEPING_METRIC_UNKNOWN, COUNTER, "recoveries_total", "result=\"unknown\"", "") \
	X(KEEPING_METRIC_OFFSET, COUNTER, "recoveries_total", "result=\"offset\"", "") \
	X(KEEPING_METRIC_GAP, COUNTER, "recoveries_total", "result=\"gap\"", "") \
	X(KEEPING_METRIC_TOO_MUCH, COUNTER, "recoveries_total", "result=\"too much\"", "") \
	X(KEEPING_METRIC_NOMEM, COUNTER, "recoveries_total", "result=\"memory\"", "") \
	X(KEEPING_METRIC_SENT_AGAIN, COUNTER, "recovered_events_total", "", "Events that clients had missed and got") \
	X(KEEPING_METRIC_SESSIONS, GAUGE, "sessions_kept", "", "Sessions of clients that may come back") \
	X(KEEPING_METRIC_SESSION_BYTES, GAUGE, "sessions_kept_bytes", "", "Memory of these sessions") \
	X(KEEPING_METRIC_CROWDED_OUT, COUNTER, "sessions_crowded_out_total", "", \
		"Sessions dropped before their time to make room for others") \
	X(KEEPING_METRIC_DROPPED, COUNTER, "recoverable_broadcasts_dropped_total", "", \
		"Broadcasts by handlers, where clients are recovered, times the workers that did not get them") \
	X(KEEPING_METRIC_HISTORY_BYTES, GAUGE, "history_bytes", "", "Broadcasts remembered for clients that come back")

enum keeping_metric { KEEPING_METRICS(METRICS_SLOT) KEEPING_METRIC_COUNT };

extern const struct metrics_table keeping_metrics;

/* Rooms that a worker is about to have members in: what goes there is handed to it already. */
struct keeping_hold {
	unsigned recalls; /* answers on their way to it */
	struct interest **rooms; /* references; owned */
	size_t n, cap;
};

struct keeping {
	const struct feed_recovery *options;
	_Atomic uint64_t serial; /* of the last broadcast */
	struct kept kept;
	struct history *histories; /* of each feed; the last one of what is sent without a feed */
	size_t n_histories;
	uint64_t questions;
	unsigned workers;
	struct keeping_hold *holds; /* of each worker */
	struct metrics *metrics; /* owned: of keeping_metrics */
};

/* For that many feeds and workers. options is borrowed. NULL when out of memory or without random bytes. */
struct keeping *keeping_new(
	const struct feed_recovery *options, size_t feeds, unsigned workers, struct metrics_set *metrics);
void keeping_free(struct keeping *k); /* NULL is fine */

/* The number of a broadcast. Who listens is asked for after that: a worker that has set its interest, and then sees a
 * smaller number, gets the broadcast. */
uint64_t keeping_next(struct keeping *k);

/* The number of the last one. Any thread; who has set an interest before gets all that come after it. */
uint64_t keeping_serial(struct keeping *k);

/* The workers that have, or are about to have, members in one of the rooms; and whether anybody may want to know later
 * what went there. */
uint64_t keeping_workers(struct interest *const *rooms, size_t n);
bool keeping_wanted(struct interest *const *rooms, size_t n);

/* Remembers a broadcast of a feed, or with SIZE_MAX of none. */
void keeping_remember(struct keeping *k, size_t feed, const struct history_broadcast *b);

/* Keeps a session, or gives one back that was not used. */
void keeping_add(struct keeping *k, struct feed_session *s, uint64_t now_ms);
void keeping_add_again(struct keeping *k, struct feed_session *s);

/* Holds the rooms of a session for a worker; false when out of memory. And one answer less is on its way to it. */
bool keeping_hold(struct keeping *k, unsigned worker, const struct feed_session *s);
void keeping_release(struct keeping *k, unsigned worker);

/* Lets go of what is too old. */
void keeping_tick(struct keeping *k, uint64_t now_ms);

#endif
