/* SPDX-License-Identifier: MIT */
/*
 * Passing on. An exchange belongs to two workers then: the one of its connection
 * (home) and the one of its session (the owner). eio/net/exchange.h says which
 * fields are whose; each of its two mails carries a reference to it.
 */
#include "src/worker/forward.h"

#include "eio/list.h"

#include <stdatomic.h>
#include <stdlib.h>

/* What lies in ex->passing: with the mail in the exchange there is none to be made, so passing on cannot fail. */
struct passing {
	struct mail away, home;
	/* The stages that the owner has not been told of, bit 1 << enum eio_stage: `away` is posted when there is a
	 * first one. */
	atomic_uint stages;
};

_Static_assert(sizeof(struct passing) <= sizeof((struct eio_exchange *)0)->passing, "it fits into an exchange");
/* Stages that are told together are told in the order of their numbers, which must be the one they come in. */
_Static_assert(EIO_STAGE_BEGIN < EIO_STAGE_COMPLETE && EIO_STAGE_COMPLETE < EIO_STAGE_ABORT, "the order of stages");
_Static_assert(EIO_STAGE_BEGIN < EIO_STAGE_TOO_LARGE && EIO_STAGE_TOO_LARGE < EIO_STAGE_ABORT, "the order of stages");

struct upgrade_mail {
	struct mail mail;
	struct eio_upgrade *up; /* owned */
};

static struct passing *
passing_of(struct eio_exchange *ex)
{
	void *p = ex->passing;

	return p;
}

static struct eio_exchange *
exchange_of(struct passing *p)
{
	return EIO_CONTAINER(p, struct eio_exchange, passing);
}

static struct worker *
owner_of(const struct eio_exchange *ex)
{
	struct worker *owner = ex->thread;

	CHECK_MAGIC(owner, WORKER_MAGIC);
	return owner;
}

/* ex->respond of an exchange that was passed on: the answer travels home. It is called once. */
static void
respond_home(struct eio_exchange *ex)
{
	struct worker *home = owner_of(ex)->shared->all[ex->home];

	mail_post(&home->answers, &passing_of(eio_exchange_ref(ex))->home);
}

/* Tells the owner. Mail that it has not read yet takes the stage along. */
static void
tell_owner(struct eio_exchange *ex, enum eio_stage stage)
{
	struct passing *p = passing_of(ex);

	if (atomic_fetch_or_explicit(&p->stages, 1U << stage, memory_order_acq_rel)) return;
	eio_exchange_ref(ex);
	mail_post(&owner_of(ex)->exchanges, &p->away);
}

/* ex->abort of an exchange that was passed on: the news travels to the owner. */
static void
abort_away(struct eio_exchange *ex)
{
	tell_owner(ex, EIO_STAGE_ABORT);
}

/* As eio/net/server.c does it for its own: a POST is cut. */
static void
refuse_draining(struct eio_exchange *ex)
{
	bool post = ex->req->method == EIO_HTTP_POST;

	eio_exchange_respond(ex, (struct eio_response){ .status = 503, .close = true, .destroy = post });
}

void
forward_exchange(void *user, unsigned owner, struct eio_exchange *ex, enum eio_stage stage)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(owner < w->shared->n && owner != w->index);
	if (w->draining) {
		/* One that was passed on before is answered by its owner, which drains as well. */
		if (!ex->thread) refuse_draining(ex);
		return;
	}
	metrics_inc(w->metrics, WORKER_METRIC_FORWARDED_REQUESTS);
	/* Once passed on, the owner reads these. */
	if (!ex->thread) {
		ex->respond = respond_home;
		ex->abort = abort_away;
		ex->thread = w->shared->all[owner];
	}
	tell_owner(ex, stage);
}

void
forward_upgrade(void *user, unsigned owner, struct eio_upgrade *up)
{
	struct worker *w = user;
	struct upgrade_mail *m;

	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(owner < w->shared->n && owner != w->index);
	m = w->draining ? NULL : malloc(sizeof *m);
	if (!m) {
		eio_upgrade_free(up);
		return;
	}
	metrics_inc(w->metrics, WORKER_METRIC_MOVED_UPGRADES);
	m->up = up;
	mail_post(&w->shared->all[owner]->upgrades, &m->mail);
}

void
forward_take_upgrade(void *user, struct eio_upgrade *up)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (w->draining)
		eio_upgrade_free(up);
	else
		eio_server_upgrade(w->server, up);
}

static void
tell_stages(struct worker *w, struct eio_exchange *ex, unsigned stages)
{
	CHECK(stages);
	for (; stages; stages &= stages - 1) eio_server_exchange(w->server, ex, (enum eio_stage)__builtin_ctz(stages));
}

static void
take_exchanges(void *user, struct mail *run)
{
	struct worker *w = user;
	struct mail *next;

	CHECK_MAGIC(w, WORKER_MAGIC);
	for (struct mail *m = run; m; m = next) {
		struct passing *p = EIO_CONTAINER(m, struct passing, away);
		struct eio_exchange *ex = exchange_of(p);

		next = m->next; /* once its stages are taken it may be posted again */
		tell_stages(w, ex, atomic_exchange_explicit(&p->stages, 0, memory_order_acq_rel));
		eio_exchange_unref(ex);
	}
}

/* Answers come many at a time when they are those of a broadcast. */
static void
take_answers(void *user, struct mail *run)
{
	struct worker *w = user;
	struct mail *next;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (w->httpd) eio_httpd_gather(w->httpd);
	for (struct mail *m = run; m; m = next) {
		struct eio_exchange *ex = exchange_of(EIO_CONTAINER(m, struct passing, home));

		next = m->next;
		eio_httpd_deliver(ex);
		eio_exchange_unref(ex);
	}
	if (w->httpd) eio_httpd_send_gathered(w->httpd);
}

static void
take_upgrades(void *user, struct mail *run)
{
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct upgrade_mail *u = EIO_CONTAINER(m, struct upgrade_mail, mail);

		next = m->next;
		forward_take_upgrade(user, u->up);
		free(u);
	}
}

void
forward_open(struct worker *w)
{
	w->exchanges = worker__port(w, take_exchanges);
	w->answers = worker__port(w, take_answers);
	w->upgrades = worker__port(w, take_upgrades);
}
