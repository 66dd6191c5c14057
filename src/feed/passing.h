/* SPDX-License-Identifier: MIT */
/*
 * What an edge has of its hub: broadcasts that were finished there, on their way to the workers here; and where what is
 * published here goes.
 *
 * Threads: the feed's, but for feed_set_hub().
 */
#ifndef SRC_FEED_PASSING_H
#define SRC_FEED_PASSING_H

#include "src/feed/feed.h"

/* All is borrowed. */
struct feed_passed {
	struct eio_bundle *bundle; /* without an offset */
	struct interest *target; /* NULL with an audience */
	struct audience *audience; /* or NULL */
	/* The rest as in struct delivery_item. */
	enum feed_slow slow;
	bool lag_event, retained, fleeting;
	struct feed_keys *keys;
	uint64_t stream;
};

/* Hands it to the workers that have members for it, behind what they have of this turn. Whoever has it looks before
 * that they keep up (feed_keeps_up()): they get it, whatever they are behind by, as nobody is told of what is dropped
 * here. Returns how many do not get it, because memory is out. Not when the feed is stopped. */
unsigned feed_pass(struct feed *f, const struct feed_passed *p);

/* All that was passed leaves, if this is called from anything but mail. */
void feed_pass_end(struct feed *f);

/* Something may be missing of all that is passed: who was away meanwhile begins anew. */
void feed_pass_gap(struct feed *f);

/* Where messages go that are published here, and questions about what is retained, with a reference; on the feed's
 * thread. */
struct feed_hub {
	void (*publish)(void *user, struct eio_bytes channel, struct eio_bytes payload);
	void (*ask)(void *user, struct feed_ask *a);
	/* As feed_settle(), and whether that is done. */
	void (*settle)(void *user);
	bool (*is_settled)(void *user);
	void *user;
};

/* Before the feed is started. Until the hub says otherwise, something may be retained everywhere. */
void feed_set_hub(struct feed *f, const struct feed_hub *hub);

/* Whether something may be retained at the hub. */
void feed_set_hub_retains(struct feed *f, bool retains);

/* The answer to a question is in it: it goes to the worker that asked, behind all that was passed. Takes over a
 * reference. Not when the feed is stopped. */
void feed_pass_answer(struct feed *f, struct feed_ask *a);

/* Of a hub: who is told whenever something is missing of what edges get, behind what came before it. On any thread.
 * Before the feed is started. */
void feed_set_gap(struct feed *f, void (*gap)(void *user), void *user);

/* Of a hub: looks for what is wanted now, behind a turn of the mailbox in which that came to be wanted. From when it is
 * settled on, what is published for it comes: the feed is ready, servers have answered for those channels on demand,
 * and the hub that this one is an edge of has said the same of its own. */
void feed_settle(struct feed *f);
bool feed_is_settled(struct feed *f);

/* Whether the hub is there: part of feed_ready(). */
void feed_set_hub_ready(struct feed *f, bool ready);

#endif
