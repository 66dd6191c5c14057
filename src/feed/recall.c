/* SPDX-License-Identifier: MIT */
/* The feed's part in the return of a client. */
#include "src/feed/recall.h"

#include "src/feed/recall_int.h"
#include "src/feed/stranger.h"

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
	stored_free(&r->stored);
	history_missed_free(&r->missed);
	free(r);
}

/* Whether the session is this client's, and young enough. */
static bool
is_its_client(const struct ledger *k, const struct feed_session *s, const struct feed_recall *r, uint64_t now_ms)
{
	struct eio_bytes nsp = s->rooms[0].room->key.nsp;

	return eio_bytes_eq(nsp, eio_bytes(r->nsp, r->nsp_n)) && s->who == r->who && s->is_signed == r->is_signed &&
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
	case HISTORY_LATER:
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

/* Somebody from elsewhere */

static enum ledger_metric
metric_of_answer(enum history_answer a)
{
	switch (a) {
	case HISTORY_ALL: return LEDGER_METRIC_RECOVERED;
	case HISTORY_GAP: return LEDGER_METRIC_GAP;
	case HISTORY_TOO_MUCH: return LEDGER_METRIC_TOO_MUCH;
	case HISTORY_LATER: return LEDGER_METRIC_GAP;
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
	s->is_signed = r->is_signed;
	r->session = s;
	r->held = true;
}

/* He may be quicker than what he has seen: then he is asked about again, for some time. */
static bool
waits_for_it(struct feed_out *o, struct feed_recall *r, uint64_t now_ms)
{
	if (!r->stored.bytes) return false;
	if (!r->wait_until_ms) r->wait_until_ms = now_ms + FEED_RECALL_WAIT_MS;
	if (now_ms >= r->wait_until_ms) return false;
	r->mail.next = o->early;
	o->early = &r->mail;
	return true;
}

void
feed_recall_take_in(struct feed_router *router, struct feed_recall *r, struct feed_session *s,
	const struct feed_stranger *who, uint64_t now_ms)
{
	struct feed_out *o = router->out;
	enum history_answer answer = feed_router_missed(router, who, &r->missed, now_ms);
	enum ledger_metric m = metric_of_answer(answer);

	if (answer == HISTORY_LATER && waits_for_it(o, r, now_ms)) {
		feed_session_free(s);
		return;
	}

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

/* Its session is made of what stood in Redis. */
static void
take_in_stored(struct feed_out *o, struct feed_recall *r, uint64_t now_ms)
{
	struct feed_arrival a;

	if (feed_arrival_make(&a, o, r)) {
		feed_recall_take_in(o->router, r, a.session, &a.who, now_ms);
		feed_arrival_deinit(&a);
	} else {
		feed_out_post(o);
		find_answer(o, r, NULL, now_ms);
		answer_recall(o, r);
	}
}

/* Redis is asked first, even for a session of our own: another siocast may have taken it meanwhile. */
static void
take_from_store(struct feed_out *o, struct feed_recall *r)
{
	unsigned char random[FEED_TOKEN_RANDOM] = { 0 };

	r->was_taken = true;
	(void)uv_random(NULL, NULL, random, sizeof random, 0, NULL); /* it makes a difference in races only */
	feed_token_write(o->ledger->kept.hash_key, eio_bytes(r->nsp, r->nsp_n), random, r->token);
	store_take(o->store, r);
}

/* Whether another siocast may have had it: not where nobody gets anything from Redis any more that is kept here. */
static bool
may_be_elsewhere(const struct feed_out *o, const struct feed_recall *r, uint64_t now_ms)
{
	return r->is_signed &&
	       !feed_local_had(&o->journal->local, eio_bytes(r->nsp, r->nsp_n), o->options->recovery.ms, now_ms);
}

void
feed_recall_again(struct feed_out *o, uint64_t now_ms)
{
	struct mail *m = o->early;

	o->early = NULL;
	while (m) {
		struct feed_recall *r = EIO_CONTAINER(m, struct feed_recall, mail);

		m = m->next;
		take_in_stored(o, r, now_ms);
	}
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
	if (!r->was_taken && may_be_elsewhere(o, r, now_ms)) {
		take_from_store(o, r);
		return;
	}
	s = kept_take(&k->kept, eio_bytes(r->pid, FEED_PID_LEN));
	if (!s && ask_workers(o, r)) return;
	if (!s && r->stored.bytes) {
		take_in_stored(o, r, now_ms);
		return;
	}
	/* What this turn has for the worker was before the answer. */
	feed_out_post(o);
	find_answer(o, r, s, now_ms);
	answer_recall(o, r);
}

/* Whether what is kept here is the latest that there is. */
static bool
is_ours(const struct feed_out *o, const struct feed_recall *r, enum store_taken how)
{
	if (how == STORE_ABSENT) return feed_local_has(&o->journal->local, eio_bytes(r->nsp, r->nsp_n));
	return r->stored.bytes && feed_arrival_is_ours(o, r);
}

void
feed_recall_taken(void *user, struct feed_recall *r, enum store_taken how, struct eio_bytes value)
{
	struct feed_out *o = user;
	uint64_t now_ms = uv_now(&o->options->thread->loop);

	if (how == STORE_FOUND) (void)stored_read(&r->stored, value);
	if (is_ours(o, r, how)) {
		feed_recall_take(o, r, now_ms);
		return;
	}
	/* What is kept here is of a time before it went elsewhere. */
	feed_session_free(kept_take(&o->ledger->kept, eio_bytes(r->pid, FEED_PID_LEN)));
	if (r->stored.bytes) {
		take_in_stored(o, r, now_ms);
		return;
	}
	feed_out_post(o);
	metrics_inc(o->ledger->metrics, how == STORE_FAILED ? LEDGER_METRIC_REDIS : LEDGER_METRIC_UNKNOWN);
	answer_recall(o, r);
}
