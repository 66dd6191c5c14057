/* SPDX-License-Identifier: MIT */
/*
 * What the feed keeps for clients that come back: the order of all broadcasts, what they were, and the sessions. Where
 * clients can be recovered each broadcast has a serial number and is put into its order here, wherever it comes from:
 * so one number says what a client has.
 *
 * Threads: the feed's only, but for ledger_serial().
 */
#ifndef SRC_FEED_LEDGER_H
#define SRC_FEED_LEDGER_H

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/feed/history.h"
#include "src/feed/recovery.h"
#include "src/feed/sessions.h"
#include "src/feed/spec.h"

#define LEDGER_METRICS(X) \
	X(LEDGER_METRIC_RECOVERED, COUNTER, "recoveries_total", "result=\"recovered\"", \
		"Clients that came back, and whether they got their session again with all that they missed") \
	X(LEDGER_METRIC_UNKNOWN, COUNTER, "recoveries_total", "result=\"unknown\"", "") \
	X(LEDGER_METRIC_OFFSET, COUNTER, "recoveries_total", "result=\"offset\"", "") \
	X(LEDGER_METRIC_GAP, COUNTER, "recoveries_total", "result=\"gap\"", "") \
	X(LEDGER_METRIC_TOO_MUCH, COUNTER, "recoveries_total", "result=\"too much\"", "") \
	X(LEDGER_METRIC_NOMEM, COUNTER, "recoveries_total", "result=\"memory\"", "") \
	X(LEDGER_METRIC_REDIS, COUNTER, "recoveries_total", "result=\"redis\"", "") \
	X(LEDGER_METRIC_STORED, COUNTER, "sessions_stored_total", "result=\"stored\"", \
		"Times that Redis was to keep, or forget, the session of a client that may go to another siocast") \
	X(LEDGER_METRIC_STORE_MOVED, COUNTER, "sessions_stored_total", "result=\"moved\"", "") \
	X(LEDGER_METRIC_STORE_FAILED, COUNTER, "sessions_stored_total", "result=\"failed\"", "") \
	X(LEDGER_METRIC_SENT_AGAIN, COUNTER, "recovered_events_total", "", "Events that clients had missed and got") \
	X(LEDGER_METRIC_SESSIONS, GAUGE, "sessions_kept", "", "Sessions of clients that may come back") \
	X(LEDGER_METRIC_SESSION_BYTES, GAUGE, "sessions_kept_bytes", "", "Memory of these sessions") \
	X(LEDGER_METRIC_CROWDED_OUT, COUNTER, "sessions_crowded_out_total", "", \
		"Sessions dropped before their time to make room for others") \
	X(LEDGER_METRIC_DROPPED, COUNTER, "recoverable_broadcasts_dropped_total", "", \
		"Broadcasts by handlers, where clients are recovered, times the workers that did not get them") \
	X(LEDGER_METRIC_HISTORY_BYTES, GAUGE, "history_bytes", "", "Broadcasts remembered for clients that come back")

enum ledger_metric { LEDGER_METRICS(METRICS_SLOT) LEDGER_METRIC_COUNT };

extern const struct metrics_table ledger_metrics;

/* Rooms that a worker is about to have members in: what goes there is handed to it already. */
struct ledger_hold {
	unsigned recalls; /* answers on their way to it */
	struct interest **rooms; /* references; owned */
	size_t n, cap;
};

/* Of so many feeds that went it is remembered, for those who come back, what they sent. */
enum { LEDGER_PAST = 32 };

/* What it takes to go over to other feeds. */
struct ledger_change {
	struct history **histories; /* owned, as the next; NULL in them: of a feed that goes on */
	uint64_t *gaps;
	const size_t *was; /* borrowed: for each of the feeds its number before; SIZE_MAX: it is new */
	const struct feed_specs *specs; /* borrowed */
};

struct ledger {
	const struct feed_recovery *options;
	_Atomic uint64_t serial; /* of the last broadcast */
	struct kept kept;
	struct history **histories; /* of each feed; the last one of what is sent without a feed */
	size_t n_histories;
	/* Of each feed: who has nothing from this number on may miss something of it; 0: nothing is missing. The last
	 * one is of feeds that are not there any more: wherever they sent something. */
	uint64_t *gaps;
	uint64_t last_gap; /* the largest of them */
	struct history *past[LEDGER_PAST]; /* of feeds that are not there any more, those that went first first */
	size_t n_past;
	uint64_t questions;
	unsigned workers;
	struct ledger_hold *holds; /* of each worker */
	uint64_t told; /* of kept.crowded_out, how many the log knows of */
	struct log_limit crowded;
	struct metrics *metrics; /* owned: of ledger_metrics */
};

/* For these feeds and that many workers. options is borrowed. NULL when out of memory or without random bytes. */
struct ledger *ledger_new(const struct feed_recovery *options, const struct feed_specs *specs, unsigned workers,
	struct metrics_set *metrics);
void ledger_free(struct ledger *k); /* NULL is fine */

/* Prepares for other feeds, of which was[i] tells what feed i was. 0, or -1 when out of memory. Then they are there,
 * and what others have sent is remembered as long as it would have been; or it is forgotten. */
int ledger_prepare(const struct ledger *k, struct ledger_change *c, const struct feed_specs *specs, const size_t *was);
void ledger_commit(struct ledger *k, struct ledger_change *c);
void ledger_forget(struct ledger_change *c);

/* The number of a broadcast. Who listens is asked for after that: a worker that has set its interest, and then sees a
 * smaller number, gets the broadcast. */
uint64_t ledger_next(struct ledger *k);

/* The number of the last one. Any thread; who has set an interest before gets all that come after it. */
uint64_t ledger_serial(struct ledger *k);

/* Who we are, in FEED_NODE_DIGITS digits, in the first epoch: the same after a restart that goes on with what was
 * before. */
uint32_t ledger_node(const struct ledger *k);

/* The workers that have, or are about to have, members in one of the rooms; and whether anybody may want to know later
 * what went there. */
uint64_t ledger_workers(struct interest *const *rooms, size_t n);
bool ledger_wanted(struct interest *const *rooms, size_t n);

/* Remembers a broadcast of a feed, or with SIZE_MAX of none. */
void ledger_remember(struct ledger *k, size_t feed, const struct history_broadcast *b);

/* Goes on behind a serial number that another process had reached, with its key for what stands for users. Before there
 * is anything, and before its thread runs. */
void ledger_restore(struct ledger *k, uint64_t serial, const uint64_t hash_key[2]);

/* Forgets all that it keeps; the number stays. */
void ledger_clear(struct ledger *k);

/* From now on something is missing of each of these feeds: who has nothing that comes later has not all. */
void ledger_note_gap(struct ledger *k, const unsigned *feeds, size_t n);

/* Whether something is missing, behind a number, of what goes to a room. specs: the feeds. */
bool ledger_has_gap(const struct ledger *k, const struct feed_specs *specs, struct sio_room_key room, uint64_t after);

/* Keeps a session, or gives one back that was not used. */
void ledger_add(struct ledger *k, struct feed_session *s, uint64_t now_ms);
void ledger_add_again(struct ledger *k, struct feed_session *s);

/* Holds the rooms of a session for a worker; false when out of memory. And one answer less is on its way to it. */
bool ledger_hold(struct ledger *k, unsigned worker, const struct feed_session *s);
void ledger_release(struct ledger *k, unsigned worker);

/* Warns of sessions that had to make room for others since the last call. */
void ledger_tell_crowded(struct ledger *k, uint64_t now_ms);

/* Lets go of what is too old, and warns as above. */
void ledger_tick(struct ledger *k, uint64_t now_ms);

#endif
