/* SPDX-License-Identifier: MIT */
/*
 * Reads from one server what feeds retain, one feed after the other, one portion at a time: which commands are next,
 * when what they brought is taken, and when it begins anew. priming.h says why in that order. No I/O and no clock.
 *
 *     subscription lost, or something missing: everything from the beginning, when both connections are there;
 *     a feed that is new: that one, when its channels have been answered, too
 *
 *            ┌──────────┐ both there ┌──────┐ MULTI, read, PUBLISH marker, EXEC ┌───────┐
 *     ──────▶│ RESTING  ├───────────▶│ ASKS ├──────────────────────────────────▶│ WAITS │
 *            └──────────┘            └──▲───┘                                   └───┬───┘
 *                 ▲                     │ reply and marker are there: taken         │ reply, and
 *                 │                     ├───────────────────────────────────────────┤ no marker yet
 *           nothing is left to do       │                                   ┌───────▼───────┐
 *                 │    ┌────────┐ a feed  ├───────────────────────────────────┤ WAITS_MARKER  │
 *                 └────┤ TIDIES │◀────────┘                                   └───────────────┘
 *                      └────────┘ is read; then the next
 * One that comes before its reply is noted. One that does not come for PRIMER_MARKER_MS will not come any more: the
 * subscription is with another server than the commands, or the reply lied. From then on it goes without.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_PRIMER_H
#define SRC_FEED_PRIMER_H

#include "src/feed/fetch.h"
#include "src/feed/primer_feeds.h"
#include "src/redis/backoff.h"
#include "src/redis/marker.h"
#include "src/redis/replies.h"

#define PRIMER_MARKER_MS 5000
#define PRIMER_PROGRESS_MS 5000 /* so often a line says how far it is */

#define PRIMER_LOOKS 256 /* messages that are looked at in one turn, when all of a feed is read */

enum primer_phase { PRIMER_RESTING, PRIMER_ASKS, PRIMER_WAITS, PRIMER_WAITS_MARKER, PRIMER_TIDIES };

struct feed_primer {
	struct feed_router *router; /* borrowed, as the next */
	const struct redis_url *url;
	bool alone; /* there is no other server: what it does not have is nowhere */
	char channel[REDIS_MARKER_NAME]; /* of the marker */
	struct primer_feeds feeds;
	enum primer_phase phase;
	bool subscribed, connected; /* what comes by itself comes; commands are taken */
	bool answered; /* all that is subscribed to comes, or is refused */
	bool going; /* one feed after the other is read, with what was found out about the marker */
	bool anew; /* something was missed of all of them, and nothing was read since */
	bool done; /* all was read, once, as far as it could be */
	bool refused; /* the subscription of the marker is, */
	bool unmarked; /* or its publication; or it did not come */
	uint64_t at_ms; /* when to go on by itself; UINT64_MAX: not */
	struct redis_backoff backoff;
	struct log_limit limit, mark_limit;
	size_t looks; /* PRIMER_LOOKS, or fewer in tests */
	/* What is being read, or tidied: */
	size_t at, prime; /* which of the feeds, and of its primes, */
	struct feed_fetch fetch;
	uint64_t started_ms, told_ms, values; /* of the feed */
	struct eio_buf scratch; /* the channel of a value */
	/* The portion at hand. */
	uint64_t number; /* of it */
	bool marks; /* it has a marker, */
	bool marked; /* which has come, */
	uint32_t round; /* with this round behind it */
	unsigned expected; /* replies that are to come; */
	unsigned stale; /* before these, those that nobody wants any more */
	char unmarked_why[LOG_ESCAPE_MAX], why[LOG_ESCAPE_MAX]; /* the marker was refused, or the reading; or empty */
	struct redis_values held; /* the reply, while the marker is awaited */
};

/* For the router's feeds. 0, or -1 when out of memory or without random bytes (nothing to undo then). */
int feed_primer_init(struct feed_primer *p, struct feed_router *router, const struct redis_url *url, bool alone);
void feed_primer_deinit(struct feed_primer *p);

/* Makes what it takes to read for other feeds, all those that will be at work, in the place of what was prepared
 * before. 0, or -1 when out of memory. Those that it has keep what they have; what is new is to be read, and heard of
 * from now on; what goes may be gone by then. Or it is forgotten. */
static inline int
feed_primer_prepare(struct feed_primer *p, struct feed_at_work *const *feeds, size_t n)
{
	return primer_feeds_prepare(&p->feeds, feeds, n);
}

static inline void
feed_primer_forget(struct feed_primer *p)
{
	primer_feeds_forget(&p->feeds);
}

void feed_primer_commit(struct feed_primer *p, uint64_t now_ms);

/* Whether a feed reads something. */
static inline bool
feed_primer_is_wanted(const struct feed_primer *p)
{
	return p->feeds.n > 0;
}

/* What happens. The subscription is confirmed, or lost; messages are missing; the marker's channel is refused, or is
 * not any more. */
void feed_primer_subscribed(struct feed_primer *p, bool subscribed, uint64_t now_ms);
void feed_primer_gap(struct feed_primer *p, uint64_t now_ms);

/* All that is subscribed to has been answered, or that is not so any more. */
static inline void
feed_primer_answered(struct feed_primer *p, bool all)
{
	p->answered = all;
}

static inline void
feed_primer_refused(struct feed_primer *p, bool refused)
{
	p->refused = refused;
}

/* What was heard was forgotten, as messages of another server are missing: what is being read is read again. */
void feed_primer_again(struct feed_primer *p);

/* The connection for commands is there, or lost; a reply has come. */
void feed_primer_connected(struct feed_primer *p, bool connected);
void feed_primer_reply(struct feed_primer *p, enum redis_reply reply, struct eio_bytes text,
	const struct redis_values *values, uint64_t now_ms);

/* A message has come by the marker's channel. */
void feed_primer_marker(struct feed_primer *p, struct eio_bytes payload, uint64_t now_ms);
bool feed_primer_is_marker(const struct feed_primer *p, struct eio_bytes channel);

/* What to do now: appends commands, and returns how many. To be called after each of these, and when the time has
 * come, UINT64_MAX: never. may_ask: workers keep up; if not, it looks again soon. */
size_t feed_primer_step(struct feed_primer *p, struct eio_buf *out, bool may_ask, uint64_t now_ms);
uint64_t feed_primer_deadline(const struct feed_primer *p);

#endif
