/* SPDX-License-Identifier: MIT */
/* Questions of edges are asked as those of workers are, so the answer comes in the order of all that the edge gets. */
#include "src/relay/hub_int.h"

#include "src/relay/ask.h"

#include <stdlib.h>

struct hub_question {
	struct feed_ask ask;
	struct eio_list link; /* in hub.questions */
	struct relay_hub *hub; /* NULL: it has ended */
	uint64_t session, number; /* who wants to know, and the edge's number of it */
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

static struct hub_session *
session_numbered(struct relay_hub *h, uint64_t number)
{
	for (struct eio_list *l = h->sessions.next; l != &h->sessions; l = l->next) {
		struct hub_session *s = EIO_CONTAINER(l, struct hub_session, link);

		if (s->number == number) return s;
	}
	return NULL;
}

static void
on_hub_told(struct feed_ask *a)
{
	struct hub_question *q = EIO_CONTAINER(a, struct hub_question, ask);
	struct hub_session *s = q->hub ? session_numbered(q->hub, q->session) : NULL;
	struct eio_buf body = { 0 };
	struct eio_block *b;

	if (!q->hub) return;
	eio_list_remove(&q->link);
	if (s) {
		relay_put_number(&body, q->number);
		relay_answer_write(&body, a);
		b = eio_buf_failed(&body) ? NULL : relay_frame_block(RELAY_ANSWER, eio_buf_bytes(&body));
		if (b)
			hub_session_queue(s, b);
		else
			s->cut = true;
		eio_block_unref(b);
		eio_buf_deinit(&body);
	}
	feed_ask_unref(a); /* the delivery has one, too */
}

bool
hub_ask(struct hub_session *s, struct eio_bytes body, bool *nomem)
{
	struct hub_question *q;
	struct eio_bytes rest;
	uint64_t number;

	*nomem = false;
	if (!relay_take_number(&body, &number)) return false;
	q = malloc(sizeof *q + body.n);
	if (q && feed_ask_init(&q->ask, s->hub->options.taker, on_hub_told, free_hub_question) < 0) {
		free(q);
		q = NULL;
	}
	*nomem = !q;
	if (!q) return false;
	q->hub = s->hub;
	eio_list_init(&q->link);
	q->session = s->number;
	q->number = number;
	if (body.n) memcpy(q->body, body.p, body.n);
	rest = eio_bytes(q->body, body.n);
	if (relay_question_read(rest, &q->ask, &q->names, nomem)) {
		metrics_inc(s->hub->metrics, RELAY_HUB_METRIC_ASKED);
		eio_list_add_tail(&s->hub->questions, &q->link);
		feed_ask(s->hub->options.feed, &q->ask);
		return true;
	}
	feed_ask_unref(&q->ask);
	return false;
}

void
hub_ask_forget(struct relay_hub *h)
{
	while (!eio_list_empty(&h->questions)) {
		struct hub_question *q = EIO_CONTAINER(h->questions.next, struct hub_question, link);

		eio_list_remove(&q->link);
		q->hub = NULL;
		feed_ask_unref(&q->ask);
	}
}
