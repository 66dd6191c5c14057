/* SPDX-License-Identifier: MIT */
/*
 * What an edge asks of its hub for those who join: what is retained for rooms; and the answer. No I/O.
 *
 *     ASK      := number, question
 *     question := flags (1: everyone), bytes (namespace), bytes (id, or none), count, bytes (rooms), count, bytes (has)
 *     ANSWER   := number, flags (1: failed), done, count, for each: bytes (packets)
 */
#ifndef SRC_RELAY_ASK_H
#define SRC_RELAY_ASK_H

#include "src/feed/ask.h"
#include "src/relay/frame.h"

/* Appends a question. with_id: it may make a difference who asks. */
void relay_question_write(struct eio_buf *out, const struct feed_ask *a, bool with_id);

/* Reads one: names is from malloc and holds the lists, whose bytes are s's. False when it is none, or memory is out. */
bool relay_question_read(struct eio_bytes s, struct feed_ask *out, struct eio_bytes **names, bool *nomem);

/* Appends the answer that is in a question. */
void relay_answer_write(struct eio_buf *out, const struct feed_ask *a);

/* Puts an answer into a question. False when it is none; memory that is out makes a failed one. */
bool relay_answer_read(struct eio_bytes s, struct feed_ask *a);

/* Gives another one who asked the same the answer that is in a question: the same bundles, and no copies of them. */
void relay_answer_share(const struct feed_ask *from, struct feed_ask *to);

#endif
