/* SPDX-License-Identifier: MIT */
/*
 * Questions of workers about what is retained, which only the hub knows. Who asks the same as somebody whose answer has
 * not come yet has that: where it comes in the order of all is what makes it right, and not when it was asked. But for
 * what this edge may have missed since, because it had left a room and joined it again.
 *
 * A connection asks anew for all that has no answer yet, by other numbers: what was answered to the one before stands
 * before what this one joined.
 */
#include "src/relay/edge_int.h"

#include "src/feed/passing.h"
#include "src/relay/ask.h"

#include <stdlib.h>

/* On its way to the hub, or waiting for it. */
struct edge_question {
	struct eio_list link; /* in edge.questions, in their order */
	struct eio_hash_node node; /* in edge.asked, by its body */
	uint64_t number;
	uint64_t joins; /* how many rooms were joined when it was asked */
	struct mail *asks, **last; /* of struct feed_ask, each with a reference: who wants to know */
	size_t n;
	char body[];
};

static struct feed_ask *
ask_of(struct mail *m)
{
	return EIO_CONTAINER(m, struct feed_ask, mail);
}

static void
count_asks(struct relay_edge *e, size_t n)
{
	e->n_asks = n;
	metrics_put(e->metrics, RELAY_EDGE_METRIC_ASKING, n);
}

static void
add_asker(struct relay_edge *e, struct edge_question *q, struct feed_ask *a)
{
	a->mail.next = NULL;
	*q->last = &a->mail;
	q->last = &a->mail.next;
	count_asks(e, e->n_asks + 1);
}

static void
forget_question(struct relay_edge *e, struct edge_question *q)
{
	eio_list_remove(&q->link);
	eio_hash_remove(&e->asked, &q->node);
	free(q);
}

/* Nobody waits for it any more: gives its askers away. */
static struct mail *
end_edge_question(struct relay_edge *e, struct edge_question *q)
{
	struct mail *asks = q->asks;
	size_t n = 0;

	for (const struct mail *m = asks; m; m = m->next) n++;
	count_asks(e, e->n_asks - n);
	forget_question(e, q);
	return asks;
}

/* Who has gone meanwhile waits no more. */
static void
drop_gone(struct relay_edge *e, struct edge_question *q)
{
	struct mail **at = &q->asks;

	while (*at) {
		struct feed_ask *a = ask_of(*at);

		if (feed_ask_is_shared(a)) {
			at = &a->mail.next;
			continue;
		}
		*at = a->mail.next;
		count_asks(e, e->n_asks - 1);
		feed_ask_unref(a);
	}
	q->last = at;
}

/* While the hub is away many may come and go, each of them with a question. */
static void
tidy_asks(struct relay_edge *e)
{
	struct eio_list *l, *next;

	if (e->n_asks < e->tidy_at) return;
	EIO_LIST_FOREACH_SAFE(l, next, &e->questions)
	{
		struct edge_question *q = EIO_CONTAINER(l, struct edge_question, link);

		drop_gone(e, q);
		if (!q->asks) forget_question(e, q);
	}
	e->tidy_at = 2 * e->n_asks + RELAY_ASKS_LEAST;
}

static void
say_question(struct relay_edge *e, struct edge_question *q)
{
	struct eio_buf body = { 0 };

	q->number = ++e->questions_born;
	q->joins = e->joins_said;
	relay_put_number(&body, q->number);
	eio_buf_append(&body, q->body, q->n);
	edge_say_surely(e, RELAY_ASK, &body);
	eio_buf_deinit(&body);
	metrics_inc(e->metrics, RELAY_EDGE_METRIC_ASKED);
}

static struct edge_question *
find_question(const struct relay_edge *e, struct eio_bytes body, uint64_t hash)
{
	for (struct eio_hash_node *n = eio_hash_find(&e->asked, hash); n; n = eio_hash_next(n)) {
		struct edge_question *q = EIO_CONTAINER(n, struct edge_question, node);

		if (q->joins == e->joins_said && eio_bytes_eq(eio_bytes(q->body, q->n), body)) return q;
	}
	return NULL;
}

static struct edge_question *
edge_question_new(struct relay_edge *e, struct eio_bytes body, uint64_t hash)
{
	struct edge_question *q = malloc(sizeof *q + body.n);

	if (!q) return NULL;
	*q = (struct edge_question){ .joins = e->joins_said, .n = body.n };
	q->last = &q->asks;
	memcpy(q->body, body.p, body.n);
	eio_list_add_tail(&e->questions, &q->link);
	eio_hash_add(&e->asked, &q->node, hash);
	if (e->state == EDGE_OPEN) say_question(e, q);
	return q;
}

void
edge_asks_take(void *user, struct feed_ask *a)
{
	struct relay_edge *e = edge_of(user);
	struct edge_question *q = NULL;
	struct eio_buf body = { 0 };
	uint64_t hash;

	if (e->state == EDGE_CLOSED) {
		feed_ask_unref(a);
		return;
	}
	tidy_asks(e);
	relay_question_write(&body, a, e->excepts);
	if (!eio_buf_failed(&body)) {
		hash = eio_hash_bytes(e->asked_key, eio_buf_bytes(&body));
		q = find_question(e, eio_buf_bytes(&body), hash);
		if (!q) q = edge_question_new(e, eio_buf_bytes(&body), hash);
	}
	eio_buf_deinit(&body);
	if (q) {
		add_asker(e, q, a);
		return;
	}
	a->failed = true;
	feed_pass_answer(e->options.feed, a);
}

void
edge_asks_tell(struct relay_edge *e)
{
	for (struct eio_list *l = e->questions.next; l != &e->questions; l = l->next)
		say_question(e, EIO_CONTAINER(l, struct edge_question, link));
}

static struct edge_question *
question_numbered(const struct relay_edge *e, uint64_t number)
{
	/* Mostly it is the first. */
	for (struct eio_list *l = e->questions.next; l != &e->questions; l = l->next) {
		struct edge_question *q = EIO_CONTAINER(l, struct edge_question, link);

		if (q->number == number) return q;
	}
	return NULL;
}

void
edge_asks_fail(struct relay_edge *e, struct eio_bytes begin)
{
	struct edge_question *q = NULL;
	struct mail *m, *next;
	uint64_t number;

	if (relay_take_number(&begin, &number)) q = question_numbered(e, number);
	for (m = q ? end_edge_question(e, q) : NULL; m; m = next) {
		next = m->next;
		ask_of(m)->failed = true;
		feed_pass_answer(e->options.feed, ask_of(m));
	}
}

/* It is read once: thousands may have asked the same while the hub was away, and it may be long. */
static bool
answer_all(struct relay_edge *e, struct mail *asks, struct eio_bytes s)
{
	struct feed_ask *first = ask_of(asks);
	bool good = relay_answer_read(s, first);
	struct mail *m, *next;

	first->failed |= !good;
	for (m = asks->next; m; m = m->next) relay_answer_share(first, ask_of(m));
	for (m = asks; m; m = next) {
		next = m->next;
		feed_pass_answer(e->options.feed, ask_of(m));
	}
	return good;
}

bool
edge_asks_answer(struct relay_edge *e, struct eio_bytes s)
{
	struct edge_question *q;
	struct mail *asks;
	uint64_t number;

	if (!relay_take_number(&s, &number)) return false;
	q = question_numbered(e, number);
	/* It was asked by a connection before, or who asked has gone. */
	if (!q) return true;
	asks = end_edge_question(e, q);
	return !asks || answer_all(e, asks, s);
}

void
edge_asks_forget(struct relay_edge *e)
{
	while (!eio_list_empty(&e->questions)) {
		struct edge_question *q = EIO_CONTAINER(e->questions.next, struct edge_question, link);
		struct mail *m, *next;

		for (m = end_edge_question(e, q); m; m = next) {
			next = m->next;
			feed_ask_unref(ask_of(m));
		}
	}
}
