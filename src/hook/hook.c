/* SPDX-License-Identifier: MIT */
/* Questions: their turn, their timeout, their end. */
#include "src/hook/hook.h"

#include "eio/check.h"
#include "src/base/log.h"
#include "src/hook/metrics.h"
#include "src/hook/transfer.h"

#include <stdlib.h>

enum {
	HOOK_MAGIC = 0x4007aa01,
	HOOK_LINE_MAGIC = 0x4007aa02,
	HOOK_QUESTION_MAGIC = 0x4007aa03,
	/* What may wait in one line for its turn, in bytes: few large questions count like many small ones. */
	HOOK_QUEUE_BYTES = 16 << 20,
};

struct hook {
	unsigned magic;
	struct eio_clock *clock;
	struct hook_transfers *transfers;
	struct metrics *metrics; /* owned */
	struct eio_list lines;
	struct log_limit failed;
};

struct hook_line {
	unsigned magic;
	struct eio_list link;
	struct hook *hook;
	const struct hook_spec *spec;
	struct eio_list asked; /* of questions on their way */
	struct eio_list waiting; /* first in, first out */
	unsigned n_asked, n_waiting;
	size_t waiting_bytes;
	bool starting; /* next_questions() is at work */
};

struct hook_question {
	unsigned magic;
	struct eio_list link;
	struct hook_line *line;
	struct eio_buf body, heads;
	struct eio_timer timer;
	uint64_t asked_ms;
	struct hook_transfer *transfer; /* NULL while it waits for its turn */
	hook_answer_fn done;
	void *user;
};

static void
hook_count(struct hook *h, enum hook_metric m)
{
	metrics_inc(h->metrics, m);
}

/* The end of a question */

static size_t
question_bytes(const struct hook_question *q)
{
	return q->body.n + q->heads.n;
}

/* Takes it out of its line. What is behind it has its turn by next_questions(). */
static void
free_question(struct hook_question *q)
{
	struct hook_line *l = q->line;

	eio_list_remove(&q->link);
	if (q->transfer) {
		l->n_asked--;
	} else {
		l->n_waiting--;
		l->waiting_bytes -= question_bytes(q);
	}
	metrics_sub(l->hook->metrics, HOOK_METRIC_WAITING, 1);
	eio_clock_set(l->hook->clock, &q->timer, UINT64_MAX);
	eio_buf_deinit(&q->body);
	eio_buf_deinit(&q->heads);
	q->magic = 0;
	free(q);
}

/* Who asked hears of it when nothing of the question is left. */
static void
end_question(struct hook_question *q, struct hook_answer *a)
{
	hook_answer_fn done = q->done;
	void *user = q->user;
	struct hook *h = q->line->hook;

	a->took_ms = eio_clock_now(h->clock) - q->asked_ms;
	metrics_observe(h->metrics, HOOK_METRIC_TOOK, &hook_buckets, a->took_ms);
	free_question(q);
	done(user, a);
}

static void
fail_question(struct hook_question *q, const char *why, enum hook_metric m)
{
	struct hook *h = q->line->hook;

	hook_count(h, m);
	log_limited(LOG_LEVEL_WARN, &h->failed, eio_clock_now(h->clock), "event=hook-failed url=\"%s\" error=\"%s\"",
		LOG_ESCAPE(eio_cstr(q->line->spec->text)), why);
	end_question(q, &(struct hook_answer){ .why = why });
}

/* Turns */

static enum hook_metric
metric_of(unsigned status)
{
	if (status / 100 == 2) return HOOK_METRIC_OK;
	return status / 100 == 4 ? HOOK_METRIC_REFUSED : HOOK_METRIC_ODD;
}

static void next_questions(struct hook_line *l);

static void
on_question_end(void *user, const struct hook_transfer_end *end)
{
	struct hook_question *q = user;
	struct hook_line *l;

	CHECK_MAGIC(q, HOOK_QUESTION_MAGIC);
	l = q->line;
	if (end->status == 0) {
		fail_question(q, end->why, end->too_large ? HOOK_METRIC_TOO_LARGE : HOOK_METRIC_FAILED);
	} else {
		hook_count(l->hook, metric_of(end->status));
		end_question(
			q, &(struct hook_answer){
				   .status = end->status, .body = end->body, .retry_after_s = end->retry_after_s });
	}
	next_questions(l);
}

/* False when out of memory: it stays where it is. */
static bool
start_question(struct hook_question *q)
{
	struct hook_line *l = q->line;

	q->transfer = hook_transfer_start(
		l->hook->transfers, l->spec, eio_buf_bytes(&q->body), eio_buf_bytes(&q->heads), on_question_end, q);
	if (!q->transfer) return false;
	eio_list_remove(&q->link);
	l->n_waiting--;
	l->waiting_bytes -= question_bytes(q);
	eio_list_add_tail(&l->asked, &q->link);
	l->n_asked++;
	return true;
}

static void
next_questions(struct hook_line *l)
{
	struct hook_question *q;

	if (l->starting) return;
	l->starting = true;
	while (l->n_asked < l->spec->concurrent && l->n_waiting) {
		q = EIO_CONTAINER(l->waiting.next, struct hook_question, link);
		if (!start_question(q)) fail_question(q, "out of memory", HOOK_METRIC_FAILED);
	}
	l->starting = false;
}

static void
on_question_timeout(struct eio_timer *t)
{
	struct hook_question *q = EIO_CONTAINER(t, struct hook_question, timer);
	struct hook_line *l;

	CHECK_MAGIC(q, HOOK_QUESTION_MAGIC);
	l = q->line;
	if (q->transfer) hook_transfer_cancel(q->transfer);
	fail_question(q, "timeout", HOOK_METRIC_TIMEOUT);
	next_questions(l);
}

/* Asking */

static bool
question_fits(const struct hook_line *l, size_t bytes)
{
	if (l->n_asked < l->spec->concurrent && l->n_waiting == 0) return true;
	return l->n_waiting < l->spec->queue && bytes <= HOOK_QUEUE_BYTES - l->waiting_bytes;
}

/* NULL when there is no place or no memory for it. */
static struct hook_question *
question_new(struct hook_line *l, struct eio_buf *body, struct eio_buf *heads)
{
	struct hook_question *q;

	if (!question_fits(l, body->n + heads->n)) {
		hook_count(l->hook, HOOK_METRIC_FULL);
		return NULL;
	}
	q = eio_buf_failed(body) || eio_buf_failed(heads) ? NULL : calloc(1, sizeof *q);
	if (!q) return NULL;
	q->magic = HOOK_QUESTION_MAGIC;
	q->line = l;
	q->body = *body;
	q->heads = *heads;
	eio_buf_init(body);
	eio_buf_init(heads);
	eio_timer_init(&q->timer, on_question_timeout);
	eio_list_add_tail(&l->waiting, &q->link);
	l->n_waiting++;
	l->waiting_bytes += question_bytes(q);
	metrics_inc(l->hook->metrics, HOOK_METRIC_WAITING);
	return q;
}

struct hook_question *
hook_ask_with(struct hook_line *l, struct eio_buf *body, struct eio_buf *heads, hook_answer_fn done, void *user)
{
	struct hook_question *q;
	struct hook *h;

	CHECK_MAGIC(l, HOOK_LINE_MAGIC);
	h = l->hook;
	q = question_new(l, body, heads);
	eio_buf_deinit(body);
	eio_buf_deinit(heads);
	if (!q) return NULL;
	q->done = done;
	q->asked_ms = eio_clock_now(h->clock);
	q->user = user;
	if (l->n_asked < l->spec->concurrent && l->waiting.next == &q->link && !start_question(q)) {
		hook_count(h, HOOK_METRIC_FAILED);
		free_question(q);
		return NULL;
	}
	eio_clock_set(h->clock, &q->timer, eio_clock_now(h->clock) + l->spec->timeout_ms);
	return q;
}

struct hook_question *
hook_ask(struct hook_line *l, struct eio_buf *json, hook_answer_fn done, void *user)
{
	struct eio_buf none = { 0 };

	return hook_ask_with(l, json, &none, done, user);
}

void
hook_cancel(struct hook_question *q)
{
	struct hook_line *l;

	CHECK_MAGIC(q, HOOK_QUESTION_MAGIC);
	l = q->line;
	hook_count(l->hook, HOOK_METRIC_CANCELLED);
	if (q->transfer) hook_transfer_cancel(q->transfer);
	free_question(q);
	next_questions(l);
}

/* Beginning and end */

const char *
hook_init(void)
{
	return hook_transfers_init();
}

struct hook *
hook_new(uv_loop_t *loop, struct eio_clock *clock, struct metrics_set *metrics)
{
	struct hook *h = calloc(1, sizeof *h);

	if (!h) return NULL;
	h->magic = HOOK_MAGIC;
	h->clock = clock;
	eio_list_init(&h->lines);
	h->metrics = metrics_new(metrics, &hook_metrics, NULL);
	h->transfers = h->metrics ? hook_transfers_new(loop) : NULL;
	if (h->transfers) return h;
	metrics_free(h->metrics);
	free(h);
	return NULL;
}

struct hook_line *
hook_line_new(struct hook *h, const struct hook_spec *spec)
{
	struct hook_line *l = calloc(1, sizeof *l);

	CHECK_MAGIC(h, HOOK_MAGIC);
	if (!l) return NULL;
	l->magic = HOOK_LINE_MAGIC;
	l->hook = h;
	l->spec = spec;
	eio_list_init(&l->asked);
	eio_list_init(&l->waiting);
	eio_list_add_tail(&h->lines, &l->link);
	return l;
}

static void
free_line(struct hook_line *l)
{
	struct eio_list *q, *next;

	EIO_LIST_FOREACH_SAFE(q, next, &l->asked) free_question(EIO_CONTAINER(q, struct hook_question, link));
	EIO_LIST_FOREACH_SAFE(q, next, &l->waiting) free_question(EIO_CONTAINER(q, struct hook_question, link));
	eio_list_remove(&l->link);
	l->magic = 0;
	free(l);
}

void
hook_close(struct hook *h)
{
	struct eio_list *l, *next;

	if (!h) return;
	CHECK_MAGIC(h, HOOK_MAGIC);
	hook_transfers_close(h->transfers); /* they use the text of questions */
	EIO_LIST_FOREACH_SAFE(l, next, &h->lines) free_line(EIO_CONTAINER(l, struct hook_line, link));
	metrics_free(h->metrics);
	h->magic = 0;
	free(h);
}
