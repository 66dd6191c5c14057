/* SPDX-License-Identifier: MIT */
/*
 * Stopping takes two steps that all workers make together, because each may still
 * be answering a request of another: after DRAIN nobody has a session and nobody
 * passes anything on, after everybody's CLOSE no connection is left. Then their
 * threads may stop.
 */
#include "src/worker/stopping.h"

#include "eio/list.h"
#include "src/clients/clients.h"
#include "src/hook/hook.h"

static void
drain_worker(struct worker *w)
{
	w->draining = true;
	eio_httpd_stop_accepting(w->httpd);
	clients_stop(w->clients);
	eio_server_shutdown(w->server);
}

static void
close_worker(struct worker *w)
{
	eio_server_close(w->server);
	eio_httpd_close(w->httpd);
	hook_close(w->hook);
	w->httpd = NULL; /* it frees itself; answers may still come from a worker that is not here yet */
	uv_close((uv_handle_t *)&w->turn_end, NULL);
}

/* One step at a time: the next is posted when all workers have made this one. */
static void
take_step(void *user, struct mail *run)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(!run->next);
	switch (EIO_CONTAINER(run, struct worker_step_mail, mail)->step) {
	case WORKER_DRAIN: drain_worker(w); break;
	case WORKER_CLOSE: close_worker(w); break;
	case WORKER_STEPS: CHECK(false);
	}
	uv_sem_post(&w->stepped);
}

void
stopping_open(struct worker *w)
{
	for (unsigned i = 0; i < WORKER_STEPS; i++) w->step_mails[i].step = (enum worker_step)i;
	w->steps = worker__port(w, take_step);
}

static void
workers_step(struct workers *ws, enum worker_step step)
{
	for (unsigned i = 0; i < ws->n; i++) mail_post(&ws->all[i]->steps, &ws->all[i]->step_mails[step].mail);
	for (unsigned i = 0; i < ws->n; i++) uv_sem_wait(&ws->all[i]->stepped);
}

void
workers_drain(struct workers *ws)
{
	workers_step(ws, WORKER_DRAIN);
}

void
workers_close(struct workers *ws)
{
	workers_step(ws, WORKER_CLOSE);
}
