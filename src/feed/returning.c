/* SPDX-License-Identifier: MIT */
/* Mail about clients that come back. */
#include "src/feed/returning.h"

#include "eio/check.h"
#include "src/base/clock.h"
#include "src/feed/event_int.h"
#include "src/feed/recall_int.h"

#include <stdlib.h>

#define RETURNING_MAGIC 0xfeed0005

enum {
	TICK_MS = 1000,
	SETTLE_MS = 10000, /* for the sources to connect and say what is missing: twice REDIS_CONNECT_MS */
};

/* A broadcast of a handler, which has no offset yet. */
struct shout {
	struct mail mail;
	struct eio_bundle *bundle; /* references */
	struct audience *audience;
	size_t bytes;
};

static struct feed_returning *
returning_of(void *user)
{
	struct feed_returning *r = user;

	CHECK_MAGIC(r, RETURNING_MAGIC);
	return r;
}

static uint64_t
loop_time(const struct feed_returning *r)
{
	return uv_now(&r->thread->loop);
}

static void
on_tick(uv_timer_t *t)
{
	struct feed_returning *r = returning_of(t->data);

	if (r->unsettled && loop_time(r) >= r->settle_by_ms) r->give_up(r->user);
	if (r->out->journal) journal_tell_time(r->out->journal, clock_wall_ms() / 1000, loop_time(r));
	feed_out_tell(r->out);
	ledger_tick(r->out->ledger, loop_time(r));
}

/* Sessions */

static void
take_sessions(void *user, struct mail *run)
{
	struct feed_returning *r = returning_of(user);

	while (run) {
		struct feed_session *s = EIO_CONTAINER(run, struct feed_session, mail);

		run = run->next;
		ledger_add(r->out->ledger, s, loop_time(r));
	}
}

/* Recalls */

/* Whether it asks for a session that was restored, of which it is not known yet what is missing. */
static bool
has_to_wait(const struct feed_returning *r, const struct feed_recall *recall)
{
	return r->unsettled && recall->step != FEED_RECALL_DONE &&
	       kept_find(&r->out->ledger->kept, eio_bytes(recall->pid, FEED_PID_LEN));
}

static void
take_one_recall(struct feed_returning *r, struct feed_recall *recall)
{
	if (r->closed && recall->step != FEED_RECALL_DONE) {
		feed_recall_free(recall);
	} else if (has_to_wait(r, recall)) {
		recall->mail.next = NULL;
		*r->last = &recall->mail;
		r->last = &recall->mail.next;
	} else {
		feed_recall_take(r->out, recall, loop_time(r));
	}
}

static void
take_recalls(void *user, struct mail *run)
{
	struct feed_returning *r = returning_of(user);

	while (run) {
		struct feed_recall *recall = EIO_CONTAINER(run, struct feed_recall, mail);

		run = run->next;
		take_one_recall(r, recall);
	}
}

/* Takes those that waited. */
static void
take_waiting(struct feed_returning *r)
{
	struct mail *run = r->waiting;

	r->waiting = NULL;
	r->last = &r->waiting;
	if (run) take_recalls(r, run);
}

void
feed_returning_await(struct feed_returning *r, uint64_t now_ms)
{
	r->unsettled = true;
	r->settle_by_ms = now_ms + SETTLE_MS;
}

void
feed_returning_settle(struct feed_returning *r)
{
	r->unsettled = false;
	take_waiting(r);
}

/* Broadcasts */

static void
take_shouts(void *user, struct mail *run)
{
	struct feed_returning *r = returning_of(user);

	while (run) {
		struct shout *s = EIO_CONTAINER(run, struct shout, mail);

		run = run->next;
		atomic_fetch_sub_explicit(&r->shouted, s->bytes, memory_order_relaxed);
		if (r->out->journal) journal_note_local(r->out->journal, s->audience->nsp);
		if (!r->closed)
			metrics_add(r->out->ledger->metrics, LEDGER_METRIC_DROPPED,
				feed_event_send(r->out, s->bundle, s->audience, FEED_EVENT_STREAM, loop_time(r)));
		eio_bundle_unref(s->bundle);
		audience_unref(s->audience);
		free(s);
	}
}

int
feed_shout(struct feed_returning *r, struct eio_bundle *bundle, struct audience *a)
{
	size_t bytes = sizeof(struct shout) + eio_bundle_size(bundle) + audience_size(a);
	size_t waiting = atomic_load_explicit(&r->shouted, memory_order_relaxed);
	struct shout *s = NULL;

	if (!waiting || waiting + bytes <= FEED_SHOUT_BYTES) s = malloc(sizeof *s);
	if (!s) return -1;
	*s = (struct shout){ .bundle = eio_bundle_ref(bundle), .audience = audience_ref(a), .bytes = bytes };
	atomic_fetch_add_explicit(&r->shouted, bytes, memory_order_relaxed);
	mail_post(&r->shouts, &s->mail);
	return 0;
}

/* What workers ask */

uint64_t
feed_serial(struct feed_returning *r)
{
	return ledger_serial(r->out->ledger);
}

uint64_t
feed_lost(const struct feed_returning *r, unsigned w)
{
	return atomic_load_explicit(&r->out->budgets[w].lost, memory_order_acquire);
}

uint64_t
feed_hash(const struct feed_returning *r, struct eio_bytes s)
{
	return eio_hash_bytes(r->out->ledger->kept.hash_key, s);
}

void
feed_keep(struct feed_returning *r, struct feed_session *s)
{
	mail_post(&r->sessions, &s->mail);
}

void
feed_recall(struct feed_returning *r, struct feed_recall *recall)
{
	mail_post(&r->recalls, &recall->mail);
}

/* From its making to its end */

void
feed_returning_init(struct feed_returning *r, struct thread *t, struct feed_out *out)
{
	*r = (struct feed_returning){ .magic = RETURNING_MAGIC, .thread = t, .out = out };
	r->last = &r->waiting;
	r->sessions = (struct mail_port){ &t->mailbox, take_sessions, r };
	r->recalls = (struct mail_port){ &t->mailbox, take_recalls, r };
	r->shouts = (struct mail_port){ &t->mailbox, take_shouts, r };
	uv_timer_init(&t->loop, &r->timer);
	r->timer.data = r;
	uv_timer_start(&r->timer, on_tick, TICK_MS, TICK_MS);
}

void
feed_returning_close(struct feed_returning *r)
{
	r->closed = true;
	take_waiting(r);
	uv_close((uv_handle_t *)&r->timer, NULL);
}
