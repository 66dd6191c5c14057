/* SPDX-License-Identifier: MIT */
/*
 * Events, and orders to sockets, of somebody else who lives on the feed's thread: they go to the workers at once,
 * behind what the feeds have ready.
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
