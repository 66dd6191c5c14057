/* SPDX-License-Identifier: MIT */
/*
 * One question to one server: it is reached, greeted and asked, and it answers, or does not in time. Who is content
 * with the answer has the connection.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_ASK_H
#define SRC_REDIS_ASK_H

#include "src/redis/dial.h"
#include "src/redis/values.h"

enum { REDIS_ASK_WORDS = 3 };

struct redis_question {
	const struct redis_url *url; /* whom; borrowed until the end */
	struct eio_bytes words[REDIS_ASK_WORDS]; /* the command; borrowed, too */
	size_t n_words;
	unsigned ms; /* for all of it */
	size_t answer_bytes; /* more is refused */
	/* The answer, which is valid during the call; values is NULL when it was refused, with these words. Returns why
	 * it is no use, a text that lives until asked was called, or NULL: it is what was hoped for. */
	const char *(*answer)(void *user, const struct redis_values *values, const char *refused);
	/* Called once, from the loop, after that or because there is no answer, and ends the asking. why: it was no
	 * use; valid during the call. */
	void (*asked)(void *user, const char *why);
	void *user;
};

struct redis_ask;

/* Begins; nothing is called before it returns. NULL when out of memory. */
struct redis_ask *redis_ask_start(uv_loop_t *loop, const struct redis_question *question);

/* The connection, once asked was called without a reason; the callee's, and it is not read. */
struct redis_socket *redis_ask_take_socket(struct redis_ask *a);

/* Ends it, before or after asked was called; that is not called any more. Its memory goes when the loop has run. */
void redis_ask_end(struct redis_ask *a);

#endif
