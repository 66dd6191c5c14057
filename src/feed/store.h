/* SPDX-License-Identifier: MIT */
/*
 * Sessions in Redis: they are put there, and taken by who asks first. A script compares the token before anything is
 * changed, so what one siocast has taken another does not write over, however late its command comes:
 *
 *     put    sets the value when there is none, or it is ours
 *     drop   deletes it when it is ours
 *     take   leaves { siocast: our token } in its place, and gives what was there; nothing when it was taken already,
 *            or is of a namespace that is local to another siocast (local.h)
 *     carry  gives the value, and deletes it, when it is of this process: so it is at one server only
 *
 * Nobody waits for Redis: what has no answer in STORE_MS has failed. Only while it goes over to another server does a
 * taking wait for what comes along, see store_move.c.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_STORE_H
#define SRC_FEED_STORE_H

#include "src/feed/local.h"
#include "src/feed/recall.h"
#include "src/feed/stow.h"
#include "src/redis/metrics.h"
#include "src/redis/url.h"

#define STORE_MS 1000

enum { STORE_VALUE_MAX = 1 << 20 }; /* bytes of a session's text; a longer one is not kept */

struct store;

enum store_taken {
	STORE_FOUND,
	STORE_ABSENT, /* nothing is there */
	STORE_GONE, /* somebody else has it */
	STORE_FAILED, /* Redis did not answer in time */
};

struct store_options {
	uv_loop_t *loop;
	const struct redis_url *url; /* borrowed, as the next */
	struct metrics *metrics; /* of redis_metrics */
	const struct feed_secret *secret;
	unsigned ms; /* so long after its end a client may come back */
	/* A stow is done, or not, and the callee's from now on. */
	void (*stowed)(void *user, struct feed_stow *s);
	/* Whose session was asked for; value is valid during the call, and only there with STORE_FOUND. */
	void (*taken)(void *user, struct feed_recall *r, enum store_taken how, struct eio_bytes value);
	/* What store_declare() was to declare is, or is not. */
	void (*declared)(void *user, bool good);
	/* Redis does not answer, or not any more: what it has may be older than what clients know. Before any of these
	 * is told so. */
	void (*lost)(void *user);
	/* It is about to go over. Tells all who have sessions here, and how many these are: each answers by
	 * store_heard(), has told by then which ones are kept, and puts that of a client that goes later. */
	size_t (*leaves)(void *user);
	/* Tells of each session that is kept for a client that has gone, and that nobody else may have. */
	void (*kept)(void *user, void (*tell)(void *user, const char pid[FEED_PID_LEN]), void *with);
	/* What a token of this process has in it, FEED_TAG characters. */
	void (*tag)(void *user, char out[FEED_TAG]);
	/* It has gone over to another server, which has what was `kept`, as far as the one before gave it, and nothing
	 * else. Before any of these is told so. */
	void (*moved)(void *user, size_t carried);
	void *user;
};

/* One that does nothing yet; NULL when out of memory. */
struct store *store_new(const struct store_options *options);

/* Begins to connect. Out of memory: nothing ever succeeds, which is logged. */
void store_open(struct store *s);

/* Its url leads to another address than it is connected to: it goes over to that. What was asked for before is answered
 * by the one before, and what is kept there for clients that have gone comes along. Tells `moved` later, unless it is
 * closed. */
void store_move(struct store *s);

/* One of those whom `leaves` told has heard it. */
void store_heard(struct store *s);

/* Closes it; all that waits fails. */
void store_close(struct store *s);
void store_free(struct store *s); /* closed, and the loop has run; NULL is fine */

/* Has a session put or dropped. The stow is the store's until it is told. */
void store_stow(struct store *s, struct feed_stow *stow);

/* Asks for the session of a recall, for its token. It is the store's until it is told. */
void store_take(struct store *s, struct feed_recall *r);

/* Has what a tag stands for known to be local. False: that cannot be asked for, and nothing will be told. One at a
 * time. */
bool store_declare(struct store *s, const char tag[FEED_TAG]);

/* Writes what was asked for since the last call: at the end of each turn. */
void store_flush(struct store *s);

#endif
