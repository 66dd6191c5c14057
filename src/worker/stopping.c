/* SPDX-License-Identifier: MIT */
/*
 * Before anything stops, sessions may be ended little by little, so that clients do not come back all at once.
 * Nothing waits for that.
 *
 * Who goes on in another process begins nothing any more before that, and answers what has begun. When that process
 * works, connections leave for it; the others, and what TLS there is, stay here as long as it takes.
 *
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
leave_worker(struct worker *w)
{
	eio_httpd_leave(w->httpd);
	w->staying = eio_httpd_staying(w->httpd) + eio_httpd_relaying(w->httpd);
}

static void
drain_worker(struct worker *w)
{
	w->draining = true;
	eio_httpd_stop_accepting(w->httpd);
	clients_stop(w->clients, w->shared->hands_over);
	eio_server_shutdown(w->server);
	/* Sessions of other nodes go on, and who waits for an answer of theirs leaves behind it. */
	if (w->peers && w->shared->hands_over)
		peers_hold(w->peers);
	else if (w->peers)
		peers_drain(w->peers);
}

static void
close_worker(struct worker *w)
{
	if (w->peers) peers_drain(w->peers);
	eio_server_close(w->server);
	eio_httpd_close(w->httpd);
	hook_close(w->hook);
	peers_close(w->peers);
	w->peers = NULL;
	w->httpd = NULL; /* it frees itself; answers may still come from a worker that is not here yet */
	uv_close((uv_handle_t *)&w->turn_end, NULL);
	uv_close((uv_handle_t *)&w->shut.timer, NULL);
}

/* Little by little */

enum { SHUT_TICK_MS = 100 };

/* How many of those that there were should have gone by now. */
static size_t
due_to_go(const struct worker_shut *s, uint64_t now_ms)
{
	uint64_t gone_ms = now_ms - s->began_ms;

	return gone_ms < s->ms ? (size_t)(s->sessions * gone_ms / s->ms) : SIZE_MAX;
}

static void
on_shut_tick(uv_timer_t *t)
{
	struct worker *w = t->data;
	struct worker_shut *s = &w->shut;
	size_t due, left;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (w->draining) return;
	due = due_to_go(s, uv_now(t->loop));
	left = eio_server_shut(w->server, due - s->ended);
	s->ended = due;
	if (left) return;
	uv_timer_stop(t);
	atomic_fetch_add(&w->shared->empty, 1);
}

static void
take_shut(void *user, struct mail *run)
{
	struct worker *w = user;
	struct worker_shut *s = &w->shut;

	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(run == &s->mail && !run->next);
	s->began_ms = uv_now(&w->thread->loop);
	s->sessions = eio_server_shut(w->server, 0);
	uv_timer_start(&s->timer, on_shut_tick, 0, SHUT_TICK_MS);
}

void
workers_shut(struct workers *ws, uint64_t ms)
{
	for (unsigned i = 0; i < ws->n; i++) {
		ws->all[i]->shut.ms = ms;
		mail_post(&ws->all[i]->shut.port, &ws->all[i]->shut.mail);
	}
}

/* In two steps */

/* One step at a time: the next is posted when all workers have made this one. */
static void
take_step(void *user, struct mail *run)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(!run->next);
	switch (EIO_CONTAINER(run, struct worker_step_mail, mail)->step) {
	case WORKER_HOLD: eio_httpd_hold(w->httpd); break;
	case WORKER_DRAIN: drain_worker(w); break;
	case WORKER_LEAVE: leave_worker(w); break;
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
	w->shut.port = worker__port(w, take_shut);
	uv_timer_init(&w->thread->loop, &w->shut.timer);
	w->shut.timer.data = w;
}

static void
workers_step(struct workers *ws, enum worker_step step)
{
	for (unsigned i = 0; i < ws->n; i++) mail_post(&ws->all[i]->steps, &ws->all[i]->step_mails[step].mail);
	for (unsigned i = 0; i < ws->n; i++) uv_sem_wait(&ws->all[i]->stepped);
}

void
workers_hold(struct workers *ws)
{
	workers_step(ws, WORKER_HOLD);
}

size_t
workers_leave(struct workers *ws)
{
	size_t staying = 0;

	workers_step(ws, WORKER_LEAVE);
	for (unsigned i = 0; i < ws->n; i++) staying += ws->all[i]->staying;
	return staying;
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
