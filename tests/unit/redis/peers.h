/* SPDX-License-Identifier: MIT */
/*
 * Redis servers played by a test, each with several connections, on the same loop as what connects to them. What is not
 * answered by the test is answered with OK.
 */
#ifndef TESTS_UNIT_REDIS_PEERS_H
#define TESTS_UNIT_REDIS_PEERS_H

#include "eio/buf.h"

#include <uv.h>

enum { PEER_LINKS = 16, PEER_WORDS = 8 };

struct peer;

/* A connection to one of them. */
struct peer_link {
	uv_tcp_t tcp;
	struct peer *of;
	struct eio_buf in;
	bool hears; /* it has subscribed to something */
};

struct peer {
	uv_tcp_t listener;
	struct peer_link *links[PEER_LINKS];
	size_t n;
	/* Appends the answer to a command of n words, or nothing. False: the test does not know it. */
	bool (*answer)(struct peer_link *l, const struct eio_bytes *words, size_t n, struct eio_buf *out);
	char url_text[64];
};

/* Opens one that listens, with what else the test has set in it; and closes it, with all its connections. */
void peer_open(struct peer *p, uv_loop_t *loop);
void peer_close(struct peer *p);

void peer_hang_up(struct peer_link *l);

/* Who subscribes there; one must. */
struct peer_link *peer_subscriber(struct peer *p);
size_t peer_subscribers(const struct peer *p);

/* Says something, which it takes over. It goes on in the background where it is much. */
void peer_say(struct peer_link *l, struct eio_buf *text);

/* The same with a message, to who subscribes there. */
void peer_say_message(struct peer *p, const char *channel, struct eio_bytes payload);

/* The answer to SUBSCRIBE and its like; false for anything else. The word of an answer is that of the command. */
bool peer_answer_subscribe(struct peer_link *l, const struct eio_bytes *words, size_t n, struct eio_buf *out);

bool peer_word_is(struct eio_bytes word, const char *text);

/* Runs the loop until the condition holds; and for a while. */
#define PEER_UNTIL(loop, condition) \
	while (!(condition)) uv_run((loop), UV_RUN_ONCE)
void peer_run_for(uv_loop_t *loop, unsigned ms);

#endif
