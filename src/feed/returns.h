/* SPDX-License-Identifier: MIT */
/*
 * What workers ask of the feed where clients can be recovered.
 *
 * Threads: those of the workers, before feed_stop.
 */
#ifndef SRC_FEED_RETURNS_H
#define SRC_FEED_RETURNS_H

#include "src/feed/local.h"
#include "src/feed/recall.h"
#include "src/feed/recovery.h"
#include "src/feed/stow.h"

struct feed_returning;

/* Carries a broadcast that has no offset yet to the feed's thread, where it gets its place in the order of all, and
 * goes to all workers. Borrows the bundle and the audience. Never blocks: -1 when too much waits, or out of memory;
 * what is dropped later on is counted by the feed. */
int feed_shout(struct feed_returning *r, struct eio_bundle *bundle, struct audience *a);

/* The number of the last broadcast; all that come later reach who has set his interest before. */
uint64_t feed_serial(struct feed_returning *r);

/* The largest number of a broadcast that worker w was not given. */
uint64_t feed_lost(const struct feed_returning *r, unsigned w);

/* Where clients come from elsewhere, what the feeds are, as a number. */
uint64_t feed_shape_of(const struct feed_returning *r);

/* A new token for a session in a namespace, of FEED_TOKEN_RANDOM random bytes. */
void feed_make_token(const struct feed_returning *r, struct eio_bytes nsp, const unsigned char *random, char *token);

/* Has Redis keep a session, or nothing; the answer comes to the worker, unless it ends. It is the feed's then. */
void feed_stow(struct feed_returning *r, struct feed_stow *s);

/* A hash under a key of this process, or of all siocasts that clients may change between. */
uint64_t feed_hash(const struct feed_returning *r, struct eio_bytes s);

/* Gives the session of a socket whose connection broke to the feed, which owns it then. */
void feed_keep(struct feed_returning *r, struct feed_session *s);

/* Posts a recall, of any of the steps that go to the feed; it is the feed's then. */
void feed_recall(struct feed_returning *r, struct feed_recall *recall);

#endif
