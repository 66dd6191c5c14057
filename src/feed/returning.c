/* SPDX-License-Identifier: MIT */
/* Mail about clients that come back. */
#include "src/feed/returning_int.h"

#include "src/base/clock.h"
#include "src/feed/event_int.h"
#include "src/feed/recall_int.h"
#include "src/feed/store.h"

#include <stdlib.h>

enum {
	TICK_MS = 1000,
	EARLY_MS = 20,
	SETTLE_MS = 10000, /* for the sources to connect and say what is missing: twice REDIS_CONNECT_MS */
};

/* A broadcast of a handler, which has no offset yet. */
struct shout {
	struct mail mail;
	struct eio_bundle *bundle; /* references */
	struct audience *audience;
	size_t bytes;
};

static uint64_t
loop_time(const struct feed_returning *r)
{
	return uv_now(&r->thread->loop);
}

/* Sessions */

static void
take_sessions(void *user, struct mail *run)
{
	struct feed_returning *r = returning__of(user);

	while (run) {
		struct feed_session *s = EIO_CONTAINER(run, struct feed_session, mail);

		run = run->next;
		ledger_add(r->out->ledger, s, loop_time(r));
	}
}

/* Recalls */

/* Some are here before what they have seen is. */
static void
on_early_tick(uv_timer_t *t)
{
	struct feed_returning *r = returning__of(t->data);

	feed_recall_again(r->out, loop_time(r));
	if (!r->out->early) uv_timer_stop(t);
}

static void
note_early(struct feed_returning *r)
{
	if (r->out->early && !uv_is_active((uv_handle_t *)&r->early))
		uv_timer_start(&r->early, on_early_tick, EARLY_MS, EARLY_MS);
}

/* Whether it asks for a session that was restored, of which it is not known yet what is missing; or that may be of
 * another siocast, while what that one had is still to come. */
static bool
has_to_wait(const struct feed_returning *r, const struct feed_recall *recall)
{
	if (!r->unsettled || recall->step == FEED_RECALL_DONE) return false;
	if (recall->is_signed && r->out->journal && journal_awaits_any_past(r->out->journal)) return true;
	return kept_find(&r->out->ledger->kept, eio_bytes(recall->pid, FEED_PID_LEN));
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
		note_early(r);
	}
}

static void
take_recalls(void *user, struct mail *run)
{
	struct feed_returning *r = returning__of(user);

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

/* Sessions that Redis is to keep */

/* Nobody elsewhere could make use of it. */
static void
leave_unstowed(const struct feed_returning *r, struct feed_stow *s)
{
	s->result = FEED_STOW_DONE;
	if (s->ends)
		free(s);
	else
		mail_post(r->out->stows[s->worker], &s->mail);
}

static void
take_stows(void *user, struct mail *run)
{
	struct feed_returning *r = returning__of(user);

	while (run) {
		struct feed_stow *s = EIO_CONTAINER(run, struct feed_stow, mail);

		run = run->next;
		if (s->result == FEED_STOW_LEAVES && !r->closed) store_heard(r->out->store);
		if (r->closed || s->result == FEED_STOW_LEAVES)
			free(s);
		else if (s->n && feed_local_has(&r->out->journal->local, eio_bytes(s->text, s->nsp_n)))
			leave_unstowed(r, s);
		else
			store_stow(r->out->store, s);
	}
}

void
feed_stow(struct feed_returning *r, struct feed_stow *s)
{
	mail_post(&r->stows, &s->mail);
}

/* Broadcasts */

static void
send_shout(struct feed_returning *r, struct shout *s)
{
	atomic_fetch_sub_explicit(&r->shouted, s->bytes, memory_order_relaxed);
	if (!r->closed)
		metrics_add(r->out->ledger->metrics, LEDGER_METRIC_DROPPED,
			feed_event_send(r->out,
				&(struct feed_event){
					.bundle = s->bundle, .stream = FEED_EVENT_STREAM, .now_ms = loop_time(r) },
				s->audience));
	eio_bundle_unref(s->bundle);
	audience_unref(s->audience);
	free(s);
}

/* Has Redis know that a namespace is local; false when it cannot be asked. */
static bool
declare_local(const struct feed_returning *r, struct eio_bytes nsp)
{
	const struct feed_out *o = r->out;
	char tag[FEED_TAG];

	feed_tag_write(o->ledger->kept.hash_key, feed_local_is_full(&o->journal->local) ? eio_bytes("", 0) : nsp, tag);
	return store_declare(o->store, tag);
}

/* The first one of a namespace waits until Redis knows that there is something that nobody elsewhere has, and those
 * behind it wait with it. */
static void
pump_shouts(struct feed_returning *r)
{
	struct journal *j = r->out->journal;

	while (r->held && !r->declaring) {
		struct shout *s = EIO_CONTAINER(r->held, struct shout, mail);

		if (j && !r->closed && !feed_local_has(&j->local, s->audience->nsp)) {
			r->declaring = declare_local(r, s->audience->nsp);
			if (r->declaring) return;
			feed_local_note(&j->local, s->audience->nsp, false, loop_time(r));
		}
		r->held = s->mail.next;
		if (!r->held) r->last_held = &r->held;
		send_shout(r, s);
	}
}

static void
take_shouts(void *user, struct mail *run)
{
	struct feed_returning *r = returning__of(user);

	*r->last_held = run;
	while (*r->last_held) r->last_held = &(*r->last_held)->next;
	pump_shouts(r);
}

static void
on_local_declared(void *user, bool good)
{
	struct feed_returning *r = returning__of(user);
	struct feed_local *l = &r->out->journal->local;
	struct shout *s = r->held ? EIO_CONTAINER(r->held, struct shout, mail) : NULL;

	r->declaring = false;
	if (r->repeats) {
		struct feed_local_name *name = feed_local_undeclared(l);

		r->repeats = false;
		if (good && name) name->declared = true;
	} else if (s && !feed_local_has(l, s->audience->nsp)) {
		feed_local_note(l, s->audience->nsp, good, loop_time(r));
	}
	pump_shouts(r);
}

/* What Redis could not be told is told it later. */
static void
declare_again(struct feed_returning *r)
{
	const struct feed_local_name *name = feed_local_undeclared(&r->out->journal->local);

	if (!name || r->declaring) return;
	r->declaring = r->repeats = declare_local(r, eio_cstr(name->name));
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

/* Sessions in Redis */

static void
on_stowed(void *user, struct feed_stow *s)
{
	static const unsigned counters[] = {
		[FEED_STOW_DONE] = LEDGER_METRIC_STORED,
		[FEED_STOW_MOVED] = LEDGER_METRIC_STORE_MOVED,
		[FEED_STOW_FAILED] = LEDGER_METRIC_STORE_FAILED,
	};
	struct feed_returning *r = returning__of(user);

	metrics_inc(r->out->ledger->metrics, counters[s->result]);
	if (r->closed || s->ends) {
		free(s);
		return;
	}
	if (s->result == FEED_STOW_FAILED) {
		feed_out_post(r->out);
		s->serial = ledger_serial(r->out->ledger);
		s->reached = feed_out_reached(r->out);
	}
	mail_post(r->out->stows[s->worker], &s->mail);
}

static void
on_session_taken(void *user, struct feed_recall *recall, enum store_taken how, struct eio_bytes value)
{
	struct feed_returning *r = returning__of(user);

	if (r->closed)
		feed_recall_free(recall);
	else
		feed_recall_taken(r->out, recall, how, value);
	note_early(r);
}

/* What Redis has may be older than what clients know from now on. */
static void
on_store_doubtful(void *user)
{
	journal_begin_epoch(returning__of(user)->out->journal);
}

struct store *
feed_returning_new_store(struct feed_returning *r, const struct feed_options *options, struct metrics *metrics)
{
	const struct store_options o = {
		.loop = &options->thread->loop,
		.url = options->redis,
		.metrics = metrics,
		.secret = &options->recovery.secret,
		.ms = options->recovery.ms,
		.stowed = on_stowed,
		.taken = on_session_taken,
		.declared = on_local_declared,
		.lost = on_store_doubtful,
		.leaves = returning__tell_leaving,
		.kept = returning__tell_kept,
		.tag = returning__write_tag,
		.moved = returning__moved,
		.user = r,
	};

	return store_new(&o);
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
	const struct feed_recovery *o = &r->out->options->recovery;

	return eio_hash_bytes(o->elsewhere ? o->secret.who : r->out->ledger->kept.hash_key, s);
}

uint64_t
feed_shape_of(const struct feed_returning *r)
{
	return r->out->journal->shape;
}

void
feed_make_token(const struct feed_returning *r, struct eio_bytes nsp, const unsigned char *random, char *token)
{
	feed_token_write(r->out->ledger->kept.hash_key, nsp, random, token);
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

static void
on_tick(uv_timer_t *t)
{
	struct feed_returning *r = returning__of(t->data);

	if (r->unsettled && loop_time(r) >= r->settle_by_ms) r->give_up(r->user);
	if (r->out->journal) journal_tell_time(r->out->journal, clock_wall_ms() / 1000, loop_time(r));
	if (r->out->journal) r->begin_tracks(r->user);
	if (r->out->store) declare_again(r);
	feed_out_tell(r->out);
	ledger_tick(r->out->ledger, loop_time(r));
}

void
feed_returning_init(struct feed_returning *r, struct thread *t, struct feed_out *out)
{
	*r = (struct feed_returning){ .magic = RETURNING_MAGIC, .thread = t, .out = out };
	r->last = &r->waiting;
	r->last_held = &r->held;
	r->sessions = (struct mail_port){ &t->mailbox, take_sessions, r };
	r->recalls = (struct mail_port){ &t->mailbox, take_recalls, r };
	r->stows = (struct mail_port){ &t->mailbox, take_stows, r };
	r->shouts = (struct mail_port){ &t->mailbox, take_shouts, r };
	uv_timer_init(&t->loop, &r->timer);
	uv_timer_init(&t->loop, &r->early);
	r->timer.data = r->early.data = r;
	uv_timer_start(&r->timer, on_tick, TICK_MS, TICK_MS);
}

static void
free_early(const struct feed_returning *r)
{
	for (struct mail *m = r->out->early, *next; m; m = next) {
		next = m->next;
		feed_recall_free(EIO_CONTAINER(m, struct feed_recall, mail));
	}
	r->out->early = NULL;
}

void
feed_returning_close(struct feed_returning *r)
{
	r->closed = true;
	take_waiting(r);
	r->declaring = false;
	pump_shouts(r);
	free_early(r);
	uv_close((uv_handle_t *)&r->early, NULL);
	uv_close((uv_handle_t *)&r->timer, NULL);
}
