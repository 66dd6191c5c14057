/* SPDX-License-Identifier: MIT */
/*
 * Other listeners, in two steps that all workers make together: to make ready what is new, which may fail, and to begin
 * with it. Between the two nobody is accepted there, so what fails has been seen by nobody.
 */
#include "src/worker/relisten.h"

#include <stdio.h>

static void
open_new(struct worker *w)
{
	struct worker_relisten *r = &w->relisten;

	r->err = 0;
	for (size_t i = 0; i < r->next->n && !r->err; i++) {
		struct listening *one = &r->next->v[i];

		if (one->kept || one->worker != w->index) continue;
		r->err = eio_httpd_listener_new(w->httpd, one->fd, door_set_at(r->doors, one->address), &one->taken);
		if (r->err) one->fd = -1;
	}
}

static void
close_new(struct worker *w)
{
	struct listeners *next = w->relisten.next;

	for (size_t i = 0; i < next->n; i++) {
		struct listening *one = &next->v[i];

		if (!one->kept && one->taken && one->worker == w->index) eio_httpd_listener_close(one->taken);
	}
}

/* What comes first, so that nobody finds nothing in between. */
static void
take_new(struct worker *w)
{
	struct worker_relisten *r = &w->relisten;

	for (size_t i = 0; i < r->next->n; i++) {
		struct listening *one = &r->next->v[i];

		if (one->worker != w->index) continue;
		if (one->kept)
			eio_httpd_listener_set_door(one->taken, door_set_at(r->doors, one->address));
		else
			eio_httpd_listener_begin(one->taken);
	}
	for (size_t i = 0; i < r->before->n; i++) {
		struct listening *one = &r->before->v[i];

		if (one->worker == w->index && r->before->addresses[one->address].goes)
			eio_httpd_listener_close(one->taken);
	}
}

static void
take_relisten(void *user, struct mail *run)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(run == &w->relisten.mail && !run->next);
	switch (w->relisten.step) {
	case RELISTEN_OPEN: open_new(w); break;
	case RELISTEN_CLOSE: close_new(w); break;
	case RELISTEN_TAKE: take_new(w); break;
	}
	uv_sem_post(&w->stepped);
}

void
relisten_open(struct worker *w)
{
	w->relisten.port = worker__port(w, take_relisten);
}

static void
relisten_all(struct workers *ws, enum relisten_step step, struct listeners *before, struct listeners *next,
	const struct door_set *doors)
{
	for (unsigned i = 0; i < ws->n; i++) {
		struct worker_relisten *r = &ws->all[i]->relisten;

		r->step = step;
		r->before = before;
		r->next = next;
		r->doors = doors;
		mail_post(&r->port, &r->mail);
	}
	for (unsigned i = 0; i < ws->n; i++) uv_sem_wait(&ws->all[i]->stepped);
}

int
workers_open_listeners(struct workers *ws, struct listeners *next, const struct door_set *doors, char *why)
{
	relisten_all(ws, RELISTEN_OPEN, NULL, next, doors);
	for (unsigned i = 0; i < ws->n; i++) {
		if (!ws->all[i]->relisten.err) continue;
		snprintf(why, LISTENERS_WHY_MAX, "listen: worker %u: %s", i, uv_strerror(ws->all[i]->relisten.err));
		workers_close_listeners(ws, next);
		return -1;
	}
	return 0;
}

void
workers_close_listeners(struct workers *ws, struct listeners *next)
{
	relisten_all(ws, RELISTEN_CLOSE, NULL, next, NULL);
}

void
workers_change_listeners(
	struct workers *ws, struct listeners *before, struct listeners *next, const struct door_set *doors)
{
	relisten_all(ws, RELISTEN_TAKE, before, next, doors);
}
