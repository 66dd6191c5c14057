/* SPDX-License-Identifier: MIT */
/* Questions that are the same, and answers that are kept. */
#include "src/auth/asks.h"

#include "eio/check.h"
#include "src/auth/verdict.h"

#include <stdlib.h>

enum { AUTH_ASKED_MAGIC = 0xa5ced001 };

struct auth_asks {
	struct hook_line *line;
	struct eio_clock *clock;
	const struct auth_hook_spec *spec;
	uint64_t key[2]; /* of the hash */
	struct eio_hash asked;
	struct eio_list kept; /* answers, the oldest first */
	size_t n_kept, kept_bytes;
};

/* A question, from its first asker to the end of its answer's time. */
struct auth_asked {
	unsigned magic;
	struct eio_hash_node node;
	struct auth_asks *of;
	struct eio_list askers; /* of struct auth_ask */
	struct hook_question *question; /* NULL once it is answered */
	struct eio_list kept; /* in asks.kept, once it is answered */
	uint64_t until_ms; /* from then on */
	struct eio_buf body;
	unsigned status;
	size_t n;
	char same[]; /* n bytes: what makes it the same */
};

static size_t
asked_cost(const struct auth_asked *q)
{
	return sizeof *q + q->n + q->body.n;
}

static void
free_asked(struct auth_asked *q)
{
	struct auth_asks *s = q->of;

	CHECK(eio_list_empty(&q->askers));
	if (q->question) hook_cancel(q->question);
	if (!eio_list_empty(&q->kept)) {
		s->n_kept--;
		s->kept_bytes -= asked_cost(q);
		eio_list_remove(&q->kept);
	}
	eio_hash_remove(&s->asked, &q->node);
	eio_buf_deinit(&q->body);
	q->magic = 0;
	free(q);
}

static struct auth_asked *
oldest_of(struct auth_asks *s)
{
	return eio_list_empty(&s->kept) ? NULL : EIO_CONTAINER(s->kept.next, struct auth_asked, kept);
}

/* All are kept for the same time, so the oldest is the first to go. */
static void
forget_old(struct auth_asks *s)
{
	struct auth_asked *q;
	uint64_t now = eio_clock_now(s->clock);

	while ((q = oldest_of(s)) &&
		(now >= q->until_ms || s->n_kept > AUTH_ANSWERS_MAX || s->kept_bytes > AUTH_ANSWERS_BYTES))
		free_asked(q);
}

/* Keeps what lets a client in. A refusal may be outdated the moment after, when somebody has logged in. */
static void
keep_answer_of(struct auth_asked *q, const struct hook_answer *a)
{
	struct auth_asks *s = q->of;

	if (!s->spec->cache_s || !auth_verdict_lets_in(a, s->spec->format == AUTH_ASKS_LARAVEL)) return;
	eio_buf_add(&q->body, a->body);
	if (eio_buf_failed(&q->body)) return;
	q->status = a->status;
	q->until_ms = eio_clock_now(s->clock) + (uint64_t)s->spec->cache_s * 1000;
	eio_list_add_tail(&s->kept, &q->kept);
	s->n_kept++;
	s->kept_bytes += asked_cost(q);
}

static void
on_asked_answer(void *user, const struct hook_answer *a)
{
	struct auth_asked *q = user;
	struct auth_asks *s;
	struct eio_list askers;

	CHECK_MAGIC(q, AUTH_ASKED_MAGIC);
	s = q->of;
	q->question = NULL;
	/* They are told from a list that is theirs alone: whoever asks the same meanwhile is none of them. */
	eio_list_init(&askers);
	while (!eio_list_empty(&q->askers)) {
		struct eio_list *l = q->askers.next;

		EIO_CONTAINER(l, struct auth_ask, link)->of = NULL;
		eio_list_remove(l);
		eio_list_add_tail(&askers, l);
	}
	keep_answer_of(q, a);
	if (eio_list_empty(&q->kept)) free_asked(q);
	while (!eio_list_empty(&askers)) {
		struct auth_ask *ask = EIO_CONTAINER(askers.next, struct auth_ask, link);

		eio_list_remove(&ask->link);
		ask->told(ask, a);
	}
	forget_old(s);
}

/* Asking */

static struct auth_asked *
find_asked(struct auth_asks *s, uint64_t hash, struct eio_bytes same)
{
	for (struct eio_hash_node *n = eio_hash_find(&s->asked, hash); n; n = eio_hash_next(n)) {
		struct auth_asked *q = EIO_CONTAINER(n, struct auth_asked, node);

		if (eio_bytes_eq(eio_bytes(q->same, q->n), same)) return q;
	}
	return NULL;
}

static struct auth_asked *
asked_new(struct auth_asks *s, uint64_t hash, const struct auth_question *question)
{
	struct auth_asked *q = calloc(1, sizeof *q + question->same.n);
	struct eio_buf body = { 0 }, heads = { 0 };

	if (!q) return NULL;
	q->magic = AUTH_ASKED_MAGIC;
	q->of = s;
	q->n = question->same.n;
	memcpy(q->same, question->same.p, q->n);
	eio_list_init(&q->askers);
	eio_list_init(&q->kept);
	eio_hash_add(&s->asked, &q->node, hash);
	eio_buf_add(&body, question->body);
	eio_buf_add(&heads, question->heads);
	q->question = hook_ask_with(s->line, &body, &heads, on_asked_answer, q);
	if (q->question) return q;
	free_asked(q);
	return NULL;
}

enum auth_asking
auth_ask(struct auth_asks *s, struct auth_ask *a, const struct auth_question *question)
{
	uint64_t hash = eio_hash_bytes(s->key, question->same);
	struct auth_asked *q;

	forget_old(s);
	q = find_asked(s, hash, question->same);
	if (q && !q->question) {
		struct hook_answer answer = { .status = q->status, .body = eio_buf_bytes(&q->body) };

		a->told(a, &answer);
		return AUTH_ASKING_TOLD;
	}
	if (!q) q = asked_new(s, hash, question);
	if (!q) return AUTH_ASKING_REFUSED;
	a->of = q;
	eio_list_add_tail(&q->askers, &a->link);
	return AUTH_ASKING_WAITS;
}

void
auth_ask_forget(struct auth_ask *a)
{
	struct auth_asked *q = a->of;

	eio_list_remove(&a->link);
	a->of = NULL;
	if (q && eio_list_empty(&q->askers)) free_asked(q);
}

/* Beginning and end */

struct auth_asks *
auth_asks_new(struct hook_line *line, struct eio_clock *clock, const struct auth_hook_spec *spec)
{
	struct auth_asks *s = calloc(1, sizeof *s);

	if (!s) return NULL;
	s->line = line;
	s->clock = clock;
	s->spec = spec;
	eio_list_init(&s->kept);
	if (!uv_random(NULL, NULL, s->key, sizeof s->key, 0, NULL) && !eio_hash_init(&s->asked)) return s;
	free(s);
	return NULL;
}

void
auth_asks_free(struct auth_asks *s)
{
	if (!s) return;
	while (oldest_of(s)) free_asked(oldest_of(s));
	CHECK(s->asked.count == 0);
	eio_hash_deinit(&s->asked);
	free(s);
}
