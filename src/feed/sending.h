/* SPDX-License-Identifier: MIT */
/*
 * What somebody else has who lives on the feed's thread: messages for the feeds; and events, and orders to sockets,
 * which go to the workers at once, behind what the feeds have ready.
 *
 * Threads: the feed's, but for feed_set_moves().
 */
#ifndef SRC_FEED_SENDING_H
#define SRC_FEED_SENDING_H

#include "src/feed/feed.h"
#include "src/feed/move.h"
#include "src/feed/posting.h"
#include "src/feed/survey.h"

/* Where the struct feed_move for worker w go, as `struct mail` in each: it is the port's to take them as long as the
 * feed is not stopped. For every worker, before the feed is started. On the port's mailbox: as feed_set_worker(). */
void feed_set_moves(struct feed *f, unsigned w, const struct mail_port *moves);

/* Takes a message that was published without Redis: it goes the way of those from there, once for its channel and once
 * for each pattern. Returns how many feeds have it, whatever they make of it. Not when the feed is stopped. The bytes
 * are borrowed. */
size_t feed_take(struct feed *f, struct eio_bytes channel, struct eio_bytes payload);

/* Whether no worker is behind by more than half of what it may be: who can wait does until then. */
bool feed_keeps_up(struct feed *f);

/* Sends an event, whose bytes are borrowed. Returns how many workers do not get it, because they are behind or memory
 * is out. Not when the feed is stopped. */
unsigned feed_send(struct feed *f, const struct feed_posted *event);

/* The same with an order: kind, and whose sockets, an audience that may lie on a stack; of the kinds that have them,
 * which rooms. */
unsigned feed_order(struct feed *f, enum feed_move_kind kind, const struct audience *who, const struct audience *rooms);

/* The same with a question: of a kind that is one, about whose sockets, with number, answers and timeout_ms of `like`.
 * event: what a call sends, with an ack of that number; else NULL. Returns how many workers will answer, each once:
 * who is behind, or has no such sockets, does not. */
unsigned feed_survey(struct feed *f, enum feed_move_kind kind, const struct audience *who,
	const struct feed_survey *like, const struct feed_posted *event);

/* A message as if Redis had sent it: to the feeds that have its channel. */
void feed_send_message(struct feed *f, struct eio_bytes channel, struct eio_bytes payload);

#endif
