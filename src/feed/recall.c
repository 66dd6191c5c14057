/* SPDX-License-Identifier: MIT */
/* The feed's part in the return of a client. */
#include "src/feed/recall.h"

#include "src/feed/recall_int.h"

#include <stdlib.h>

struct feed_recall *
feed_recall_new(struct eio_bytes nsp)
{
	struct feed_recall *r = calloc(1, sizeof *r + nsp.n);

	if (!r) return NULL;
	if (nsp.n) memcpy(r->nsp, nsp.p, nsp.n);
	r->nsp_n = nsp.n;
	return r;
}

void
feed_recall_free(struct feed_recall *r)
{
	feed_session_free(r->session);
	history_missed_free(&r->missed);
	free(r);
}

/* Whether the session is this client's, and young enough. */
static bool
is_its_client(const struct ledger *k, const struct feed_session *s, const struct feed_recall *r, uint64_t now_ms)
{
	struct eio_bytes nsp = s->rooms[0].room->key.nsp;

	return eio_bytes_eq(nsp, eio_bytes(r->nsp, r->nsp_n)) && s->who == r->who &&
	       (now_ms <= s->ended_ms || now_ms - s->ended_ms <= k->options->ms);
}

/* Whether the client has what went to it alone: that is not remembered. A broadcast that came later says so. */
static bool
has_own(const struct feed_session *s, const struct feed_recall *r)
{
	if (!s->last.own) return true;
	if (!r->has_offset) return false;
	return r->offset.own ? r->offset.own == s->last.own : r->offset.serial > s->last.serial;
}

/* A client that has something of its last worker has all that came before. */
static struct feed_since
since_of(const struct feed_session *s, const struct feed_recall *r)
{
	bool knows = r->has_offset && r->offset.serial >= s->since.after;

	return s->returned && !knows ? s->before : s->since;
}

/* From where on each room is looked at. One that it came to at its last worker is known from there. */
static void
look_from(struct feed_session *s, const struct feed_since *since, uint64_t after)
{
	for (size_t i = 0; i < s->n_rooms; i++) {
		struct history_room *room = &s->rooms[i];
		const struct feed_since *at = room->after >= s->since.after ? &s->since : since;

		if (room->after < after) room->after = after;
		room->joined = at->joined;
		room->worker = at->worker;
	}
}

/* Whether Redis may have had something for one of its rooms that did not come here. */
static bool
misses_something(const struct feed_out *o, const struct feed_session *s)
{
	for (size_t i = 0; i < s->n_rooms; i++)
		if (ledger_has_gap(o->ledger, o->options->specs, s->rooms[i].room->key, s->rooms[i].after)) return true;
	return false;
}

static enum ledger_metric
find_missed(const struct feed_out *o, struct feed_session *s, struct feed_recall *r)
{
	struct ledger *k = o->ledger;
	struct history_question q = {
		.number = ++k->questions, .rooms = s->rooms, .n_rooms = s->n_rooms, .max_bytes = r->max_bytes
	};
	char text[SIO_ID_LEN];

	r->serial = ledger_serial(k);
	if (r->has_offset && r->offset.serial > r->serial) return LEDGER_METRIC_OFFSET;
	r->since = since_of(s, r);
	r->after = r->since.after;
	if (r->has_offset && r->offset.serial > r->after) r->after = r->offset.serial;
	look_from(s, &r->since, r->after);
	if (!has_own(s, r) || misses_something(o, s)) return LEDGER_METRIC_GAP;
	sio_id_write(text, s->id);
	q.id = eio_bytes(text, sizeof text);
	switch (history_ask(&q, &r->missed)) {
	case HISTORY_ALL: return LEDGER_METRIC_RECOVERED;
	case HISTORY_GAP: return LEDGER_METRIC_GAP;
	case HISTORY_TOO_MUCH: return LEDGER_METRIC_TOO_MUCH;
	case HISTORY_NOMEM: break;
	}
	return LEDGER_METRIC_NOMEM;
}

/* Finds the answer. What is not recovered is gone: the client begins anew. */
static void
find_answer(struct feed_out *o, struct feed_recall *r, struct feed_session *s, uint64_t now_ms)
{
	struct ledger *k = o->ledger;
	enum ledger_metric m = LEDGER_METRIC_UNKNOWN;

	if (s && is_its_client(k, s, r, now_ms)) m = find_missed(o, s, r);
	if (m == LEDGER_METRIC_RECOVERED && !ledger_hold(k, r->worker, s)) m = LEDGER_METRIC_NOMEM;
	metrics_inc(k->metrics, m);
	if (m == LEDGER_METRIC_RECOVERED) {
		metrics_add(k->metrics, LEDGER_METRIC_SENT_AGAIN, r->missed.n);
		r->session = s;
		r->held = true;
	} else {
		history_missed_free(&r->missed);
		feed_session_free(s);
	}
}

static void
pass_recall(struct feed_out *o, unsigned worker, struct feed_recall *r, enum feed_recall_step step)
{
	r->step = step;
	mail_post(o->recalls[worker], &r->mail);
}

static void
answer_recall(struct feed_out *o, struct feed_recall *r)
{
	if (o->journal) r->reached = feed_out_reached(o);
	pass_recall(o, r->worker, r, FEED_RECALL_ANSWER);
}

/* A session that nobody has ended: its worker may not have seen yet that the connection broke. That is where it began,
 * or any other where it came back to meanwhile. False when all were asked. */
static bool
ask_workers(struct feed_out *o, struct feed_recall *r)
{
	unsigned n = o->options->workers, first = (unsigned)feed_pid_worker(eio_bytes(r->pid, FEED_PID_LEN));

	if (r->asked == n) return false;
	pass_recall(o, (first + r->asked++) % n, r, FEED_RECALL_RELEASE);
	return true;
}

void
feed_recall_take(struct feed_out *o, struct feed_recall *r, uint64_t now_ms)
{
	struct ledger *k = o->ledger;
	struct feed_session *s;

	if (r->step == FEED_RECALL_DONE) {
		if (r->held) ledger_release(k, r->worker);
		if (r->session) ledger_add_again(k, r->session);
		r->session = NULL;
		feed_recall_free(r);
		return;
	}
	s = kept_take(&k->kept, eio_bytes(r->pid, FEED_PID_LEN));
	if (!s && ask_workers(o, r)) return;
	/* What this turn has for the worker was before the answer. */
	feed_out_post(o);
	find_answer(o, r, s, now_ms);
	answer_recall(o, r);
}

/* Somebody from elsewhere */

static enum ledger_metric
metric_of_answer(enum history_answer a)
{
	switch (a) {
	case HISTORY_ALL: return LEDGER_METRIC_RECOVERED;
	case HISTORY_GAP: return LEDGER_METRIC_GAP;
	case HISTORY_TOO_MUCH: return LEDGER_METRIC_TOO_MUCH;
	case HISTORY_NOMEM: break;
	}
	return LEDGER_METRIC_NOMEM;
}

/* He is here from now on, and has what he missed, as something that was for him alone. */
static void
settle_stranger(struct feed_recall *r, struct feed_session *s, uint64_t serial)
{
	r->since = (struct feed_since){ .after = serial, .joined = serial, .worker = r->worker };
	r->after = serial;
	s->since = r->since;
	s->last = (struct feed_offset){ .serial = serial, .own = r->missed.n };
	r->session = s;
	r->held = true;
}

void
feed_recall_take_in(struct feed_router *router, struct feed_recall *r, struct feed_session *s,
	const struct feed_stranger *who, uint64_t now_ms)
{
	struct feed_out *o = router->out;
	enum ledger_metric m = metric_of_answer(feed_router_missed(router, who, &r->missed, now_ms));

	/* What left before it was found was before the answer. */
	feed_out_post(o);
	r->serial = ledger_serial(o->ledger);
	if (m == LEDGER_METRIC_RECOVERED && !ledger_hold(o->ledger, r->worker, s)) m = LEDGER_METRIC_NOMEM;
	metrics_inc(o->ledger->metrics, m);
	if (m == LEDGER_METRIC_RECOVERED) {
		metrics_add(o->ledger->metrics, LEDGER_METRIC_SENT_AGAIN, r->missed.n);
		settle_stranger(r, s, r->serial);
	} else {
		history_missed_free(&r->missed);
		feed_session_free(s);
	}
	answer_recall(o, r);
}
