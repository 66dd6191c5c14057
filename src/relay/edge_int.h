/* SPDX-License-Identifier: MIT */
/*
 * The parts of an edge. For src/relay/edge*.c only.
 *
 *     edge.c ──▶ edge_link.c: reaches the hub, greets ──▶ edge_take.c: what the hub says ──▶ edge_rooms.c: what is
 *       │                                                        │                              wanted
 *       └─▶ edge_publish.c: what is published                    ├─▶ edge_asks.c: what is retained
 *                                                                └─▶ edge_gap.c: what is missed
 */
#ifndef SRC_RELAY_EDGE_INT_H
#define SRC_RELAY_EDGE_INT_H

#include "eio/check.h"
#include "eio/hash.h"
#include "src/base/log.h"
#include "src/feed/ask.h"
#include "src/feed/interest.h"
#include "src/redis/backoff.h"
#include "src/relay/edge.h"
#include "src/relay/greet.h"
#include "src/relay/line.h"
#include "src/relay/metrics.h"

enum {
	RELAY_EDGE_MAGIC = 0x5e1a0020,
	RELAY_CONNECT_MS = 10000, /* to look up, connect and greet */
	RELAY_EDGE_TICK_MS = 1000,
	RELAY_EDGE_SILENCE_MS = 20000, /* a hub pings every second, or every 5 of them */
	RELAY_BEHIND_MS = 5, /* how soon it is looked again whether workers keep up */
	RELAY_KEPT_MS = 1000, /* how soon it is looked again whether somebody may come back to a room */
	/* As the hub counts them: after so many it is said at once that they are here; else every second. A quarter
	 * of the least that a hub may keep. */
	RELAY_ACK_BYTES = 16384,
	RELAY_ROOMS_MOST = 1000000, /* at the hub, which cuts off who wants more than a million and some */
	RELAY_ASKS_LEAST = 256, /* that wait before it is looked who of them has gone */
	RELAY_ADDRESSES = 8, /* of the hub's name: one after the other is tried */
	RELAY_ADDRESS_TEXT = 64,
};

enum edge_state { EDGE_WAITS, EDGE_LOOKS, EDGE_CONNECTS, EDGE_HELLO, EDGE_PROVES, EDGE_OPEN, EDGE_CLOSED };

/* A room that this edge is in at the hub, or wants to be. */
struct edge_room {
	struct eio_hash_node by_pair, by_number; /* in edge.rooms; and in edge.numbers, where number is set */
	struct eio_list linger; /* in edge.lingering: nobody is in it any more */
	uint64_t until_ms; /* it is left then */
	struct interest *pair; /* a reference */
	uint64_t number; /* the hub's; 0: it has not said it */
	bool wanted; /* JOIN was the last that was said of it, or will be */
	unsigned held; /* it is wanted, whoever is there, if this is edge.holds */
};

struct edge_lookup;

struct relay_edge {
	unsigned magic; /* RELAY_EDGE_MAGIC */
	struct relay_edge_options options;
	struct metrics *metrics;
	struct relay_line *line;
	enum edge_state state;
	/* Reaching it. */
	struct edge_lookup *lookup; /* NULL: none is on its way */
	char addresses[RELAY_ADDRESSES][RELAY_ADDRESS_TEXT];
	size_t n_addresses, next_address;
	struct redis_backoff backoff;
	struct eio_timer timer; /* the next attempt, or the end of this one; while it is open, a second */
	uint64_t heard_ms;
	bool refused_told, lost_told; /* a line was written about why it is not connected */
	bool starved; /* something was not said because memory was short: the timer ends the connection */
	/* What it says. */
	struct relay_reader reader;
	struct relay_hello own, hub;
	struct relay_place place; /* what it has of the hub's frames; epoch zero: it was never there */
	bool was_open; /* it had a session: what is missed is missed of that */
	bool plain; /* it says neither how far its session is complete, nor what it has published */
	uint64_t acked, unacked_bytes; /* as the hub counts them */
	struct mail *first, **last; /* of struct relay_chunk: that wait for workers */
	struct eio_timer behind;
	/* Rooms. */
	struct eio_hash rooms, numbers;
	unsigned holds; /* which set of rooms is held */
	struct eio_list lingering; /* of struct edge_room: who lingers longest first */
	struct eio_timer linger;
	/* How often it was asked whether all rooms are there; up to which that was answered; and up to which it must be
	 * for edges of this one. */
	uint64_t syncs, synced, settles;
	bool syncing; /* it has not been answered on this connection yet */
	atomic_uint unnoted; /* changes of rooms that were not noted, because memory was short */
	bool crowded; /* a room was not joined because there are too many */
	/* Questions. */
	struct eio_list questions; /* of struct edge_question, by their age */
	struct eio_hash asked; /* the same, by what they ask */
	uint64_t questions_born, asked_key[2];
	size_t n_asks, tidy_at; /* who waits for answers, and at how many it is looked who has gone */
	uint64_t joins_said;
	bool excepts; /* what the hub retains may not be for some sockets; so it is until it is known */
	bool circle; /* the hub is an edge of this one itself */
	/* What is published, each with a number of this session: what the hub has not said to have is kept. */
	struct eio_list publications; /* of struct edge_publication */
	uint64_t published, publish_said; /* the last number; and of what was said, by any connection */
	size_t publish_bytes;
	size_t publish_unsure; /* how many were said to a plain hub since it pinged */
	bool publish_waits; /* the hub has not said yet what it has of the connection before */
	/* Gaps. */
	bool gap; /* one began, and is told when all rooms are back */
	uint64_t gap_from_ms;
	/* Since 1970: when the session began; up to when it is complete, as the hub said it, 0: it has not; when what
	 * was taken last had come. */
	uint64_t begun_wall_ms, complete_ms, heard_wall_ms;
	struct eio_buf feeds; /* of which gaps clients are told */
	struct eio_buf scratch;
	struct mail_port starts, stops, notes, renewals;
	struct mail start, stop;
	uv_sem_t stopped;
	struct log_limit limit;
};

static inline struct relay_edge *
edge_of(void *user)
{
	struct relay_edge *e = user;

	CHECK_MAGIC(e, RELAY_EDGE_MAGIC);
	return e;
}

static inline uint64_t
edge_now(const struct relay_edge *e)
{
	return eio_clock_now(&e->options.thread->clock);
}

enum edge_took {
	EDGE_TOOK, /* all that was there */
	EDGE_WAITS_FOR_WORKERS, /* not all: they are behind */
	EDGE_BAD, /* it is against the protocol */
	EDGE_NO_MEMORY, /* for what has to be known */
};

/* edge_rooms.c */

/* Sends a frame. What memory does not allow, or comes when there is no connection, is not sent: false. */
bool edge_say(struct relay_edge *e, unsigned type, struct eio_bytes body);

/* The same of an open connection, with what was put together for it: without memory the connection is as good as lost,
 * and ends as soon as the timer runs. The next one says it all. */
void edge_say_surely(struct relay_edge *e, unsigned type, const struct eio_buf *body);

/* Begins to watch, before there are threads; and ends it behind them. */
void edge_rooms_watch(struct relay_edge *e);
void edge_rooms_take_notes(void *user, struct mail *run);

/* Looks at all rooms if changes of some were not noted. */
void edge_rooms_look_again(struct relay_edge *e);
void edge_rooms_forget(struct relay_edge *e);

/* There is a session: says all that is wanted, and what is not any more. resumed: the hub knows what it knew. */
void edge_rooms_tell(struct relay_edge *e, bool resumed);

/* Has the hub say when what goes to all rooms that were said so far comes there: this edge is ready then. */
void edge_rooms_sync(struct relay_edge *e);

/* The same for edges of this one, see passing.h. */
void edge_rooms_settle(void *user);
bool edge_rooms_settled(void *user);

/* Wants rooms for good: who comes there first misses nothing. In the place of those that it wanted so before. */
void edge_rooms_hold(struct relay_edge *e, struct interest *const *pairs, size_t n);

/* The hub has said so. Bad, or false: it cannot be. */
enum edge_took edge_rooms_joined(struct relay_edge *e, uint64_t number, struct sio_room_key key);
bool edge_rooms_left(struct relay_edge *e, uint64_t number);
struct edge_room *edge_rooms_numbered(const struct relay_edge *e, uint64_t number);

void edge_rooms_on_linger(struct eio_timer *t);

/* edge_asks.c */

void edge_asks_take(void *user, struct feed_ask *a);
void edge_asks_tell(struct relay_edge *e);
bool edge_asks_answer(struct relay_edge *e, struct eio_bytes s);

/* The answer is too long, and this is how it began. */
void edge_asks_fail(struct relay_edge *e, struct eio_bytes begin);
void edge_asks_forget(struct relay_edge *e);

/* edge_take.c */

/* Takes frames of an open connection out of the reader. */
enum edge_took edge_take_frames(struct relay_edge *e);

/* The answer to a proof. resumed: the session is that of before. Bad: it is none. */
enum edge_took edge_take_welcome(struct relay_edge *e, struct eio_bytes s, bool *resumed);

void edge_say_received(struct relay_edge *e);

/* edge_gap.c */

/* A session begins: what was missed since the one before, if there was one, is a gap. */
void edge_gap_begin(struct relay_edge *e);

/* From when on something may be missed if there is no more of this session: in milliseconds since 1970. */
uint64_t edge_gap_from(const struct relay_edge *e);

/* It is over, if there is one: clients are told. */
void edge_gap_end(struct relay_edge *e);

/* edge_publish.c */

void edge_publish(void *user, struct eio_bytes channel, struct eio_bytes payload);

/* There is a connection. */
void edge_publish_open(struct relay_edge *e, bool resumed);

/* The hub has so many of this session. False when that cannot be. */
bool edge_publish_taken(struct relay_edge *e, uint64_t n);

/* The hub does not say how many it has. */
void edge_publish_unknown(struct relay_edge *e);
void edge_publish_forget(struct relay_edge *e);

/* edge_link.c */

void edge_link_init(struct relay_edge *e);
void edge_link_begin(struct relay_edge *e);
void edge_link_end(struct relay_edge *e);
extern const struct relay_line_events edge_line_events;

#endif
