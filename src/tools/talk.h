/* SPDX-License-Identifier: MIT */
/*
 * A conversation with one Redis server, a command at a time or many at once, which waits for the answers: by the link
 * that the daemon has, so with its password, database and TLS.
 */
#ifndef SRC_TOOLS_TALK_H
#define SRC_TOOLS_TALK_H

#include "eio/buf.h"
#include "src/redis/url.h"
#include "src/redis/values.h"

#include <stdint.h>

enum { TALK_TIMEOUT_MS = 10000 };

struct talk;

/* Connects, and greets. NULL, and why, when that fails. url is borrowed. */
struct talk *talk_open(const struct redis_url *url, char *why, size_t why_size);
void talk_close(struct talk *t); /* NULL is fine */

/* Asks, and gives the answer, which is valid until the next call; NULL, with the reason in talk_why(), when the
 * connection is lost or nothing comes. An error of the server is an answer. */
const struct redis_values *talk_ask(struct talk *t, const struct eio_bytes *words, size_t n);

/* Sends a command and does not wait for its answer. 0 or -1. */
int talk_send(struct talk *t, const struct eio_bytes *words, size_t n);

/* How many answers have come, what integers among them sum up to, and the first error among them, or "". */
struct talk_sum {
	uint64_t answers, errors, integers;
	const char *error;
};

/* Waits until no more than so many commands have no answer. 0 or -1. */
int talk_wait(struct talk *t, uint64_t most);
struct talk_sum talk_sum(const struct talk *t);

const char *talk_why(const struct talk *t);

#endif
