/* SPDX-License-Identifier: MIT */
/*
 * Questions of edges are asked as those of workers are, so the answer comes in the order of all that the edge gets. An
 * edge that comes back asks for all its clients that wait, and the answers may be much longer than the questions: so
 * no more are asked at once than fill half of the queue.
 */
#include "src/relay/hub_int.h"

#include "src/relay/ask.h"

#include <stdlib.h>

struct hub_question {
	struct feed_ask ask;
	struct eio_list link; /* in session.asked or session.unasked */
	struct hub_session *session; /* who wants to know; NULL: nobody does any more */
	uint64_t number; /* the edge's, of this question */
	struct eio_bytes *names; /* owned: the lists */
	char body[]; /* what they point to */
};

static void
free_hub_question(struct feed_ask *a)
{
	struct hub_question *q = EIO_CONTAINER(a, struct hub_question, ask);

	free(q->names);
	free(q);
}

static void
answer_question(struct hub_session *s, uint64_t number, const struct feed_ask *a)
{
	struct eio_buf body = { 0 };
	struct eio_block *b;

	relay_put_number(&body, number);
	relay_answer_write(&body, a);
	b = eio_buf_failed(&body) ? NULL : relay_frame_block(RELAY_ANSWER, eio_buf_bytes(&body));
	if (b && s->answer_most < b->n) s->answer_most = b->n;
	if (b)
		hub_session_queue(s, b);
	else
		s->cut = true;
	eio_block_unref(b);
	eio_buf_deinit(&body);
}

static void
on_hub_told(struct feed_ask *a)
{
	struct hub_question *q = EIO_CONTAINER(a, struct hub_question, ask);
	struct hub_session *s = q->session;

	if (!s) return;
	eio_list_remove(&q->link);
	s->n_asked--;
	answer_question(s, q->number, a);
	feed_ask_unref(a); /* the delivery has one, too */
	hub_ask_next(s);
}

static bool
may_ask(const struct hub_session *s)
{
	size_t half = s->hub->options.spec->queue_bytes / 2, n = s->n_asked;

	if (!s->ws || s->cut || s->bytes > half) return false;
	if (!n) return true;
	return n < RELAY_ASKED_AT_ONCE && s->answer_most && (n + 1) * s->answer_most <= half - s->bytes;
}

void
hub_ask_next(struct hub_session *s)
{
	while (!eio_list_empty(&s->unasked) && may_ask(s)) {
		struct hub_question *q = EIO_CONTAINER(s->unasked.next, struct hub_question, link);

		eio_list_remove(&q->link);
		eio_list_add_tail(&s->asked, &q->link);
		s->n_asked++;
		feed_ask(s->hub->options.feed, &q->ask);
	}
}

/* NULL when out of memory. */
static struct hub_question *
hub_question_new(struct hub_session *s, uint64_t number, struct eio_bytes body)
{
	struct hub_question *q = malloc(sizeof *q + body.n);

	if (!q) return NULL;
	if (feed_ask_init(&q->ask, s->hub->options.taker, on_hub_told, free_hub_question) < 0) {
		free(q);
		return NULL;
	}
	eio_list_init(&q->link);
	q->session = s;
	q->number = number;
	q->names = NULL;
	if (body.n) memcpy(q->body, body.p, body.n);
	return q;
}

bool
hub_ask(struct hub_session *s, struct eio_bytes body, bool *nomem)
{
	struct hub_question *q;
	uint64_t number;

	*nomem = false;
	if (!relay_take_number(&body, &number)) return false;
	q = hub_question_new(s, number, body);
	*nomem = !q;
	if (!q) return false;
	if (!relay_question_read(eio_bytes(q->body, body.n), &q->ask, &q->names, nomem)) {
		feed_ask_unref(&q->ask);
		return false;
	}
	metrics_inc(s->hub->metrics, RELAY_HUB_METRIC_ASKED);
	eio_list_add_tail(&s->unasked, &q->link);
	hub_ask_next(s);
	return true;
}

void
hub_ask_fail(struct hub_session *s, struct eio_bytes begin)
{
	const struct feed_ask failed = { .failed = true };
	uint64_t number;

	if (relay_take_number(&begin, &number)) answer_question(s, number, &failed);
}

static void
forget_questions(struct eio_list *all)
{
	while (!eio_list_empty(all)) {
		struct hub_question *q = EIO_CONTAINER(all->next, struct hub_question, link);

		eio_list_remove(&q->link);
		q->session = NULL;
		feed_ask_unref(&q->ask);
	}
}

void
hub_ask_forget(struct hub_session *s)
{
	forget_questions(&s->asked);
	forget_questions(&s->unasked);
	s->n_asked = 0;
}
