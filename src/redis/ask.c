/* SPDX-License-Identifier: MIT */
/* Reaching, greeting and asking; see the header. */
#include "src/redis/ask.h"

#include "eio/check.h"
#include "src/redis/command.h"
#include "src/redis/reader.h"
#include "src/redis/refusal.h"

#include <stdio.h>
#include <stdlib.h>

#define REDIS_ASK_MAGIC 0x4ed1a5c0

enum { ASK_STRING_BYTES = 65536 };

enum ask_phase {
	ASK_WAITS, /* for the connection, or the answer */
	ASK_IS_CONTENT, /* and tells so in the next turn */
	ASK_IS_NOT,
	ASK_HAS_TOLD,
};

struct redis_ask {
	unsigned magic;
	struct redis_question question;
	struct redis_dial *dial; /* either of these, or none */
	struct redis_socket *socket;
	struct redis_reader *reader; /* with the socket */
	unsigned greetings; /* replies before the one that matters */
	uv_timer_t timer; /* how long it may take; or the next turn has come */
	enum ask_phase phase;
	char refused[200]; /* a greeting was, or the question, with these words; "" */
	char why[256]; /* it was no use; "" */
};

static struct redis_ask *
redis_ask_of(void *user)
{
	struct redis_ask *a = user;

	CHECK_MAGIC(a, REDIS_ASK_MAGIC);
	return a;
}

/* The end */

static void
on_ask_closed(uv_handle_t *h)
{
	struct redis_ask *a = redis_ask_of(h->data);

	a->magic = 0;
	free(a);
}

void
redis_ask_end(struct redis_ask *a)
{
	CHECK_MAGIC(a, REDIS_ASK_MAGIC);
	if (a->dial) redis_dial_cancel(a->dial);
	if (a->socket) redis_socket_close(a->socket);
	redis_reader_free(a->reader);
	uv_close((uv_handle_t *)&a->timer, on_ask_closed);
}

struct redis_socket *
redis_ask_take_socket(struct redis_ask *a)
{
	struct redis_socket *socket = a->socket;

	CHECK(a->phase == ASK_HAS_TOLD && socket);
	a->socket = NULL;
	return socket;
}

static void
on_ask_timer(uv_timer_t *t)
{
	struct redis_ask *a = redis_ask_of(t->data);
	bool content = a->phase == ASK_IS_CONTENT;

	if (a->phase == ASK_WAITS) snprintf(a->why, sizeof a->why, "no answer in time");
	a->phase = ASK_HAS_TOLD;
	a->question.asked(a->question.user, content ? NULL : a->why);
}

/* It goes on from the loop: a socket is telling something just now. */
static void
ask_is_over(struct redis_ask *a, const char *why)
{
	a->phase = why ? ASK_IS_NOT : ASK_IS_CONTENT;
	if (why) snprintf(a->why, sizeof a->why, "%s", why);
	uv_timer_start(&a->timer, on_ask_timer, 0, 0);
}

/* The answer */

/* A greeting that was refused is told where the question is refused as well: that is most often why. The last one is
 * a courtesy, CLIENT SETNAME, which sentinels of old do not know. */
static void
take_greeting(struct redis_ask *a, const struct redis_event *event)
{
	const struct redis_url *u = a->question.url;
	char text[sizeof a->refused / 2];

	if (event->reply == REDIS_REPLY_IS_ERROR && a->greetings > 1 && !*a->refused) {
		redis_refusal(event->text, u, u->password != NULL, text, sizeof text);
		snprintf(
			a->refused, sizeof a->refused, "%s refused: %s", redis_command_greeting(u, a->greetings), text);
	}
	a->greetings--;
}

static void
take_last_reply(struct redis_ask *a, const struct redis_event *event)
{
	const struct redis_question *q = &a->question;
	bool refused = event->reply == REDIS_REPLY_IS_ERROR;
	const char *why;

	if (refused && !*a->refused) redis_refusal(event->text, q->url, false, a->refused, sizeof a->refused);
	why = q->answer(q->user, refused ? NULL : event->values, a->refused);
	if (!why) redis_socket_read_stop(a->socket);
	ask_is_over(a, why);
}

static void
on_ask_read(void *user, struct eio_bytes bytes)
{
	struct redis_ask *a = redis_ask_of(user);
	struct redis_event event;
	enum redis_read got;

	if (a->phase != ASK_WAITS) return;
	redis_reader_feed(a->reader, bytes);
	while (a->phase == ASK_WAITS && (got = redis_reader_next(a->reader, &event)) != REDIS_READ_NONE) {
		if (got != REDIS_READ_REPLY)
			ask_is_over(a, got == REDIS_READ_ERROR ? event.why : "what it says was not asked for");
		else if (a->greetings)
			take_greeting(a, &event);
		else
			take_last_reply(a, &event);
	}
}

static void
on_ask_broken(void *user, const char *why)
{
	struct redis_ask *a = redis_ask_of(user);

	if (a->phase != ASK_IS_NOT) ask_is_over(a, why);
}

/* The question */

static const char *
say_redis_question(struct redis_ask *a)
{
	const struct redis_question *q = &a->question;
	struct eio_buf b;

	eio_buf_init(&b);
	a->greetings = redis_command_greet(&b, q->url);
	redis_command(&b, q->n_words);
	for (size_t i = 0; i < q->n_words; i++) redis_argument(&b, q->words[i]);
	return redis_socket_write(a->socket, &b);
}

static void
on_ask_dialed(void *user, struct redis_socket *socket, const char *why)
{
	static const struct redis_socket_events events = { .read = on_ask_read, .broken = on_ask_broken };
	struct redis_ask *a = redis_ask_of(user);

	a->dial = NULL;
	if (socket) {
		a->socket = socket;
		redis_socket_hand_over(socket, &events, a);
		a->reader = redis_reader_new(ASK_STRING_BYTES);
		if (a->reader) redis_reader_expect_values(a->reader, a->question.answer_bytes);
		why = a->reader ? redis_socket_read_start(socket) : "out of memory";
		if (!why) why = say_redis_question(a);
	}
	if (why) ask_is_over(a, why);
}

struct redis_ask *
redis_ask_start(uv_loop_t *loop, const struct redis_question *question)
{
	struct redis_ask *a = calloc(1, sizeof *a);

	CHECK(question->n_words <= REDIS_ASK_WORDS);
	if (!a) return NULL;
	*a = (struct redis_ask){ .magic = REDIS_ASK_MAGIC, .question = *question };
	uv_timer_init(loop, &a->timer); /* cannot fail */
	a->timer.data = a;
	a->dial = redis_dial_start(loop, question->url, on_ask_dialed, a);
	if (!a->dial) {
		redis_ask_end(a);
		return NULL;
	}
	uv_timer_start(&a->timer, on_ask_timer, question->ms, 0);
	return a;
}
