/* SPDX-License-Identifier: MIT */
/* One question for all workers, each of which walks by a timer, and one wake-up when all are through. */
#include "src/worker/survey.h"

#include "src/clients/clients.h"
#include "src/worker/worker_int.h"

#include <stdlib.h>

enum {
	SURVEY_MAGIC = 0x5042e107,
	STEP_MS = 1, /* between two pieces: at once would keep a processor from others for the length of the walk */
};

struct survey;

/* The question to one worker. */
struct survey_mail {
	struct mail mail;
	struct mail_port port;
	struct survey *survey;
	struct worker *worker;
	uv_timer_t steps; /* on the worker's loop */
};

struct survey {
	unsigned magic; /* SURVEY_MAGIC */
	uv_async_t all_done;
	atomic_uint left; /* workers that are not through */
	unsigned n;
	struct clients_top *tops; /* owned: n, each its worker's until it is through */
	survey_fn done;
	void *user;
	struct survey_mail mails[]; /* n */
};

static void
free_survey(struct survey *s)
{
	for (unsigned i = 0; s->tops && i < s->n; i++) clients_top_deinit(&s->tops[i]);
	free(s->tops);
	s->magic = 0;
	free(s);
}

static void
on_steps_closed(uv_handle_t *h)
{
	struct survey_mail *m = h->data;

	if (atomic_fetch_sub(&m->survey->left, 1) == 1) uv_async_send(&m->survey->all_done);
}

static void
on_survey_step(uv_timer_t *t)
{
	struct survey_mail *m = t->data;
	struct worker *w = m->worker;

	CHECK_MAGIC(m->survey, SURVEY_MAGIC);
	if (clients_top_step(&m->survey->tops[w->index], w->clients, w->server)) return;
	uv_close((uv_handle_t *)t, on_steps_closed);
}

static void
take_survey_mail(void *user, struct mail *run)
{
	struct survey_mail *m = user;

	CHECK_MAGIC(m->survey, SURVEY_MAGIC);
	CHECK(run == &m->mail && !run->next);
	uv_timer_init(&m->worker->thread->loop, &m->steps);
	m->steps.data = m;
	uv_timer_start(&m->steps, on_survey_step, 0, STEP_MS);
}

static void
on_survey_closed(uv_handle_t *h)
{
	free_survey(h->data);
}

static void
on_survey_done(uv_async_t *a)
{
	struct survey *s = a->data;

	CHECK_MAGIC(s, SURVEY_MAGIC);
	s->done(s->user, s->tops, s->n);
	uv_close((uv_handle_t *)a, on_survey_closed);
}

int
survey_take(void *workers, unsigned max, survey_fn done, void *user)
{
	struct workers *ws = workers;
	struct survey *s = calloc(1, sizeof *s + ws->n * sizeof s->mails[0]);
	bool failed;

	if (!s) return -1;
	s->magic = SURVEY_MAGIC;
	s->n = ws->n;
	s->done = done;
	s->user = user;
	s->all_done.data = s;
	atomic_init(&s->left, ws->n);
	s->tops = calloc(ws->n, sizeof *s->tops);
	failed = !s->tops;
	for (unsigned i = 0; i < ws->n && !failed; i++) failed = clients_top_init(&s->tops[i], max);
	if (failed || uv_async_init(ws->loop, &s->all_done, on_survey_done)) {
		free_survey(s);
		return -1;
	}
	for (unsigned i = 0; i < ws->n; i++) {
		struct survey_mail *m = &s->mails[i];

		m->survey = s;
		m->worker = ws->all[i];
		m->port = (struct mail_port){ &ws->all[i]->thread->mailbox, take_survey_mail, m };
		mail_post(&m->port, &m->mail);
	}
	return 0;
}
