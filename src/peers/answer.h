/* SPDX-License-Identifier: MIT */
/* The answer of another node, from bytes. No I/O. It comes from siocast, whose answers have a Content-Length or no
 * body: whatever else comes is refused. How the bytes are cut into pieces changes nothing. */
#ifndef SRC_PEERS_ANSWER_H
#define SRC_PEERS_ANSWER_H

#include "eio/block.h"
#include "eio/buf.h"

enum { PEERS_HEAD_MAX = 65536 };

enum peers_answer_state { PEERS_ANSWER_MORE, PEERS_ANSWER_COMPLETE, PEERS_ANSWER_BAD };

/* All zero to start with, but for these. */
struct peers_answer {
	size_t max_body; /* bytes */
	bool head_only; /* no body follows, as it answers HEAD */
	int status;
	bool close, no_length; /* the connection ends behind it; it has no Content-Length */
	size_t length;
	struct eio_buf headers; /* lines ending in CRLF, but for those about the connection, the date and the length */
	struct eio_buf peer; /* the value of Siocast-Peer */
	struct eio_block *body; /* NULL when there is none */
	struct eio_buf head; /* private, as the rest */
	size_t got;
	bool in_body;
};

/* Takes bytes. What follows an answer is none of ours, so it must be all of them, or the answer is bad. */
enum peers_answer_state peers_answer_feed(struct peers_answer *a, struct eio_bytes s);

/* Frees what it holds, and makes it ready for the next. */
void peers_answer_reset(struct peers_answer *a);

#endif
