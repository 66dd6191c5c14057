/* SPDX-License-Identifier: MIT */
/*
 * Asking the application who a client is. Who asks the same while an answer is awaited gets that one, too, and who asks
 * it within the time of the cache gets it at once:
 *
 *     auth_ask ─┐
 *     auth_ask ─┼─▶ asked: one question on its way ─▶ answer, kept for `cache` seconds
 *     auth_ask ─┘
 *
 * A question is asked for as long as somebody waits for it.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_AUTH_ASKS_H
#define SRC_AUTH_ASKS_H

#include "eio/hash.h"
#include "eio/list.h"
#include "src/auth/spec.h"
#include "src/hook/hook.h"

enum {
	AUTH_ANSWERS_MAX = 4096, /* that are kept; the oldest go first */
	AUTH_ANSWERS_BYTES = 8 << 20, /* what they may take up */
};

struct auth_asks;
struct auth_asked;

/* Who asks; embedded, and the asker's. */
struct auth_ask {
	struct eio_list link;
	struct auth_asked *of; /* NULL once it is told */
	/* The answer, once: then nothing is known of the ask any more. It may free the ask and make others forget.
	 * When it is called from within auth_ask() it does not ask; else it may, once it is done with the answer. */
	void (*told)(struct auth_ask *a, const struct hook_answer *answer);
};

/* All are borrowed. NULL when out of memory. */
struct auth_asks *auth_asks_new(struct hook_line *line, struct eio_clock *clock, const struct auth_hook_spec *spec);

/* Nobody may wait any more. NULL is fine. */
void auth_asks_free(struct auth_asks *s);

enum auth_asking { AUTH_ASKING_WAITS, AUTH_ASKING_TOLD, AUTH_ASKING_REFUSED };

/* The bytes are copied. */
struct auth_question {
	struct eio_bytes same; /* what is the same when others ask it */
	struct eio_bytes body; /* JSON, or a form */
	struct eio_bytes heads; /* lines of headers that go with it, as hook_ask_with() takes them */
};

/* Asks. WAITS: told() is called later. TOLD: it was called, the answer was known. REFUSED: it will not be called: too
 * many questions wait, or memory is out. */
enum auth_asking auth_ask(struct auth_asks *s, struct auth_ask *a, const struct auth_question *question);

/* The asker is gone. Only while it waits. */
void auth_ask_forget(struct auth_ask *a);

#endif
