/* SPDX-License-Identifier: MIT */
/*
 * Where a feed's messages come in: for each Redis server a source of what is published there, and one of its streams.
 * For src/feed/ only.
 *
 * Threads: the feed's; feed_intakes_ready() and feed_intakes_status() any.
 */
#ifndef SRC_FEED_INTAKES_H
#define SRC_FEED_INTAKES_H

#include "src/feed/feed_int.h"
#include "src/feed/source.h"

struct feed_intake;
struct feed_prime_line;

/* What messages come by, from one server: what is published there and subscribed to always; its streams; single
 * channels, on demand; and its shard channels. */
enum feed_intake_kind {
	FEED_INTAKE_PUBLISHED,
	FEED_INTAKE_STREAMS,
	FEED_INTAKE_DEMANDED,
	FEED_INTAKE_SHARDS,
	FEED_INTAKES,
};

struct feed_intakes {
	const struct feed_options *options;
	struct feed_router *router; /* takes what comes in */
	struct metrics *const *metrics; /* of the connections to each of options->redis */
	struct feed_intake *v; /* owned: some for each of options->n_redis */
	uint64_t places_ms; /* when it was read up to the places, in milliseconds since 1970 */
	/* sources that go on somewhere, and have not said yet what is missing since then; and those that have not told
	 * yet all that was there before */
	size_t unsettled;
	void (*settled)(void *user); /* they have all said it. NULL: nobody wants to know */
	/* A source goes over to another address, see source_move_events; each tells that it `rests`, at the latest when
	 * it has switched. */
	void (*rests)(void *user, size_t server);
	bool (*has_rested)(void *user, size_t server);
	void (*switched)(void *user, size_t server, bool lost);
	bool (*has_switched)(void *user, size_t server);
	void (*moved)(void *user, size_t server, const struct source_moved *how);
	void *user; /* of these */
	struct inherited *heirs; /* where connections go that another process goes on with; NULL: nobody does */
	const struct demand *demand; /* borrowed: which feeds channels on demand go to; NULL: there are none */
	struct feed_prime_line **lines; /* owned: one for each of options->redis */
};

/* All is borrowed. 0, or -1 when out of memory (nothing to undo then). */
int feed_intakes_init(struct feed_intakes *all, const struct feed_options *options, struct feed_router *router,
	struct metrics *const *metrics);
void feed_intakes_deinit(struct feed_intakes *all);

/* Numbers what they read, where there is a journal: how many there are, and which of them are of what is published. */
unsigned feed_intakes_tracks(struct feed_intakes *all, bool hashed[STANDING_TRACKS]);

/* Has what was there of streams before come first, where the journal can make use of it: where all that is read are
 * streams. Those that are given places are not asked for it. */
void feed_intakes_await_past(struct feed_intakes *all);

/* Tells the journal where streams are of which nothing has come yet. */
void feed_intakes_begin_tracks(struct feed_intakes *all);

/* Opens the sources that something is to be had from; closes them. */
void feed_intakes_open(struct feed_intakes *all);
void feed_intakes_close(struct feed_intakes *all);

/* Makes all that it takes to have other feeds' messages come, on the connections that there are; table and feeds are of
 * specs, and borrowed. 0, or -1 when out of memory (nothing to undo then). Then they do, once the router has those
 * feeds, or it is forgotten. Where there is no journal. */
int feed_intakes_prepare(struct feed_intakes *all, const struct feed_table *table, const struct feed_specs *specs,
	struct feed_at_work *const *feeds);
void feed_intakes_commit(struct feed_intakes *all);
void feed_intakes_forget(struct feed_intakes *all);

/* The address of a server is another one now; old was that before. Its sources and its line go over to it. Of
 * feed_intakes_movers() sources it is told, by `switched` and `moved`, what became of it; the others are there. */
unsigned feed_intakes_movers(const struct feed_intakes *all, size_t server);
void feed_intakes_move(struct feed_intakes *all, size_t server, const struct redis_url *old);

/* One more server is counted in options->n_redis, or the last one is not to be any more; no line is wanted. 0, or -1
 * when out of memory (nothing to undo then). */
int feed_intakes_add(struct feed_intakes *all);
void feed_intakes_drop(struct feed_intakes *all);

/* Notes how far the sources have read, in the place of what was noted before. Memory that is missing makes it less. */
void feed_intakes_note(struct feed_intakes *all);

/* What was noted, one after the other: begin with *at 0. server and place are valid until the next note. False behind
 * the last. */
struct feed_intake_place {
	const char *server; /* its name */
	enum feed_intake_kind kind; /* of a stream it is named by place.name */
	struct source_place place;
};
bool feed_intakes_next_place(const struct feed_intakes *all, size_t *at, struct feed_intake_place *out);

/* Has a source go on somewhere, before it is opened. False when there is no such source any more, or when it cannot.
 * *failed: memory is out. */
bool feed_intakes_place(struct feed_intakes *all, struct eio_bytes server, enum feed_intake_kind kind,
	struct eio_bytes name, struct eio_bytes text, bool *failed);

/* Tells each channel on demand that comes by a connection which is there already, before it is opened. */
void feed_intakes_tell_handed(
	const struct feed_intakes *all, void (*tell)(void *user, struct eio_bytes channel), void *user);

/* Wants a channel on demand of every server, also where it is wanted already; or does not any more; and has all servers
 * told. */
void feed_intakes_want(struct feed_intakes *all, struct eio_bytes channel);
void feed_intakes_leave(struct feed_intakes *all, struct eio_bytes channel);
void feed_intakes_flush(struct feed_intakes *all);

/* The channels on demand that are wanted by now count, whatever is wanted later; and whether every server has answered
 * for each of them. */
void feed_intakes_mark(struct feed_intakes *all);
bool feed_intakes_passed_mark(struct feed_intakes *all);

/* Forgets the places. */
void feed_intakes_forget_places(struct feed_intakes *all);

/* Whether nothing is lost of a feed: each of its sources goes on where it was. */
bool feed_intakes_go_on(const struct feed_intakes *all, const struct feed_spec *f);

/* Sources that have not settled yet do not any more: all that their feeds get is as if it had a gap before it. */
void feed_intakes_give_up(struct feed_intakes *all);

/* As feed_ready() and feed_redis_status(). */
bool feed_intakes_ready(const struct feed_intakes *all);
struct feed_redis_status feed_intakes_status(const struct feed_intakes *all, size_t i);

#endif
