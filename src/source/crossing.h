/* SPDX-License-Identifier: MIT */
/*
 * From one server to another at which the same is published, or something else, without missing a message and without
 * taking one twice. Both are heard for a moment; what is published at the new one is held back. Messages of our own
 * show what the one is to the other, and where one of them stands among the messages there is the cut: the old one up
 * to it, the new one behind it.
 *
 *     marker 1, published at the new one, is heard at the old one    it is the same server, or the old one is its
 *                                                                    replica. The cut is marker 4, published at the
 *                                                                    new one when handlers publish there, too: what
 *                                                                    they publish at a replica is heard there only
 *     marker 2, published at the old one, is heard at the new one    that is a replica. Handlers stop; the cut is
 *                                                                    marker 3, published at the old one behind all
 *                                                                    that they published; then they go over
 *     each is heard where it was published, and nowhere else         they have nothing to do with each other: handlers
 *                                                                    go over; marker 5, published at the old one then,
 *                                                                    comes there behind all that was; then what was
 *                                                                    held back is taken, and the old one left. But if
 *                                                                    both are of one replication, each message would
 *                                                                    come twice
 *
 * When the cut has come to the one and not yet to the other, what comes behind it is held back: of the old one, too,
 * since it is passed after all where the new one never gets there.
 *
 * When the connection is lost on which a marker is published it is published again, and may come twice: each side hears
 * the first of them first.
 *
 * All else, such as the loss of a connection by which messages come, a marker that may not be published, or too much to
 * be held back, ends in connecting anew, with a gap that is told.
 *
 * What hears the two servers is its owner's: subscribers, or channels that come and go. Before the cut these rest until
 * both have what was wanted; what is wanted meanwhile begins at the new one.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_SOURCE_CROSSING_H
#define SRC_SOURCE_CROSSING_H

#include "src/feed/source.h"
#include "src/redis/reader.h"
#include "src/redis/url.h"

enum {
	CROSSING_CONNECT_MS = 6000, /* for all connections */
	CROSSING_RELATE_MS = 2000, /* for a marker to come to the other one: more than replicas lag behind */
	CROSSING_CUT_MS = 5000, /* for the cut to come on both */
	/* For whoever publishes to go over, too: it does when all that hear it are ready for that, each of which may
	 * take as long as all of the above. */
	CROSSING_LEAVE_MS = 20000,
	CROSSING_HELD_BYTES = 32 << 20,
};

struct crossing;

/* The two that are heard. */
enum crossing_side { CROSSING_OLD, CROSSING_NEW };

struct crossing_options {
	uv_loop_t *loop;
	const struct redis_url *url; /* borrowed, as the next: of the new one */
	struct metrics *metrics;
	/* Whether a side is connected; and has confirmed the markers' channel besides. */
	bool (*is_connected)(void *user, enum crossing_side side);
	bool (*hears_markers)(void *user, enum crossing_side side);
	/* Whether all is answered that the sides were asked for. From the first time on, on the loop, neither is to be
	 * asked for anything that the other one was not: else something would be to be answered for ever, where
	 * channels come and go all the time. */
	bool (*is_settled)(void *user);
	/* The cut is published: what is wanted from now on is to be asked of the new one, on the loop. NULL: nobody
	 * does. */
	void (*cuts)(void *user);
	/* A message that was held back is to be taken now; skipped: one that was too long, by a string of so many
	 * bytes; else 0. */
	void (*take)(void *user, const struct redis_message *m, uint64_t skipped);
	/* The new side is the one that is heard from now on. One of both is telling something just now, so neither may
	 * be closed, or asked for anything. */
	void (*over)(void *user);
	/* The end, at which the crossing is closed already; on the loop, so that anything may be done. With a gap that
	 * is not known yet (`anew`) the old one is to connect anew, which leads to the new address; otherwise it has
	 * been left. */
	void (*ended)(void *user, const struct source_moved *how, bool anew);
	const struct source_move_events *events; /* borrowed: all but `moved` are told of its owner */
	void *events_user;
	void *user;
};

/* One that begins to connect to both ends. Its owner is to subscribe to the channel of markers on both sides, and then
 * to call crossing_begin(). old: the address that is left, which it copies. NULL when out of memory. */
struct crossing *crossing_new(const struct crossing_options *options, const struct redis_url *old);
void crossing_begin(struct crossing *v);

/* The channel of markers. */
const char *crossing_channel(const struct crossing *v);

/* Ends it, and tells nothing. NULL is fine. */
void crossing_end(struct crossing *v);

/* A message has come to a side, or (skipped, as above) what is left of one that was too long: whether it is to be taken
 * now. */
bool crossing_message(struct crossing *v, enum crossing_side side, const struct redis_message *m, uint64_t skipped);

/* A side is not complete any more; whether it is connected it asks. */
void crossing_lost(struct crossing *v, enum crossing_side side);

/* A channel is refused, or not any more: whether it is that of the markers. */
bool crossing_refused(struct crossing *v, struct eio_bytes name);

/* Whether it waits until both sides are settled. */
bool crossing_settles(const struct crossing *v);

#endif
