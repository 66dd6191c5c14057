/* SPDX-License-Identifier: MIT */
/*
 * From one server to another at which sessions are to be. What was asked for is answered by the one that is left; what
 * comes meanwhile waits, and goes to the new one.
 *
 *     CONNECTS ── the new one is ready ──▶ DRAINS ── all is answered ──▶ CARRIES ── so is that ──▶ it has gone over
 *                                            workers are told          sessions of clients that have gone: each is
 *                                                                      taken away here, and put there, some at a time
 *
 * Those of clients that are there are put by their workers; so are those of clients that go meanwhile, once these know
 * it. But what is at the old one as it would be put comes along from there: the client may be at another siocast by now
 * that has not gone over yet, and what that puts later must not find what is older. What the old one does not give, and
 * does not say that it has not, is put after all.
 *
 * When the old one does not answer, what it was asked for fails; when the new one cannot be reached in time, all that
 * waits does, as after a lost connection; and it has gone over all the same. What the old one was asked for is taken
 * away there whether or not its answer is waited for: so it is waited for as long as answers come, and nothing is asked
 * for when there is no time left.
 *
 * Carrying many takes longer than STORE_MS. What is to be put waits no longer than that for it, as ever: its client
 * goes on, and it is put all the same. Who asks for a session waits, since it may be one of those.
 */
#include "src/feed/store_int.h"
#include "src/redis/command.h"

#include <stdlib.h>

enum {
	CONNECT_MS = 6000, /* a dial, and more */
	DRAIN_MS = 2 * STORE_MS, /* what has no answer has failed by then */
	CARRY_MS = 10000, /* what has not been asked for by then stays */
	CARRY_EACH = 1000, /* sessions that are asked for at a time */
	STEP_MS = 10,
};

enum store_phase { STORE_CONNECTS, STORE_DRAINS, STORE_CARRIES };

struct store_move {
	const struct store_parts *parts;
	struct store_end *next; /* owned */
	enum store_phase phase;
	size_t unheard; /* of whom `leaves` told */
	uint64_t by_ms; /* of the phase, or of what was asked for last */
	uint64_t carry_by_ms;
	struct eio_buf pids; /* of the sessions that are to come along, FEED_PID_LEN characters each */
	size_t at; /* in these: what stands before was asked for */
	struct mail *stows; /* those of them that can be put, the latest first; owned */
	size_t asked; /* sessions that the old one was asked for, and has not given */
	struct eio_buf out; /* for the new one */
	size_t n_out;
	size_t carried;
};

/* It is deleted there. So nobody takes it who has not gone over yet, when what is at the new one is another already. */
static const char carry_script[] = "local v=redis.call('GET',KEYS[1]) "
				   "if not v or string.len(v)<=40 or string.sub(v,25,32)~=ARGV[1] "
				   "then return false end "
				   "redis.call('DEL',KEYS[1]) return KEYS[1]..v";

enum { KEY_LEN = sizeof STORE_KEY - 1 + FEED_SIGNED_LEN };

bool
store__move_holds(const struct store *s)
{
	return s->move && s->move->phase != STORE_CONNECTS;
}

static void
tell_all_stowed(const struct store *s, struct mail *stows, enum feed_stow_result result)
{
	while (stows) {
		struct feed_stow *stow = EIO_CONTAINER(stows, struct feed_stow, mail);

		stows = stows->next;
		stow->result = result;
		s->options.stowed(s->options.user, stow);
	}
}

void
store__move_end(struct store *s)
{
	struct store_move *v = s->move;

	if (!v) return;
	tell_all_stowed(s, v->stows, FEED_STOW_FAILED);
	v->parts->close(v->next);
	eio_buf_deinit(&v->pids);
	eio_buf_deinit(&v->out);
	free(v);
	s->move = NULL;
	uv_timer_set_repeat(&s->timer, STORE_LOOK_MS); /* from the next time on */
}

/* Carrying */

/* The end of a command that begins at mark: what is there already stays. */
static void
end_setting(const struct store *s, struct eio_bytes value, size_t mark)
{
	struct store_move *v = s->move;
	struct eio_buf *out = &v->out;

	redis_argument(out, value);
	redis_argument(out, EIO_LIT("PX"));
	store__add_ms(out, s->options.ms);
	redis_argument(out, EIO_LIT("NX"));
	if (eio_buf_failed(out)) {
		out->n = mark;
		out->failed = false;
		return;
	}
	v->n_out++;
	v->carried++;
}

/* Where what is answered next stands among what comes along. */
static size_t
first_asked(const struct store_move *v)
{
	return v->at - v->asked * FEED_PID_LEN;
}

void
store__move_lost(struct store *s, const struct store_end *e)
{
	struct store_move *v = s->move;

	if (!v || e != s->at) return;
	v->at = first_asked(v); /* it gives nothing any more */
	v->asked = 0;
}

/* It may be there, and does not come along: so it is put, if it can be. */
static void
note_refused(struct store_move *v, size_t at)
{
	for (struct mail *m = v->stows; m; m = m->next) {
		struct feed_stow *stow = EIO_CONTAINER(m, struct feed_stow, mail);

		if (stow->at < at) return;
		if (stow->at == at) stow->at = SIZE_MAX;
	}
}

bool
store__take_carried(struct store *s, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values)
{
	struct store_move *v = s->move;
	struct redis_item item = store__result_of(values);
	struct eio_buf *out;
	size_t at, mark;

	if (!v || !v->asked) return false;
	at = first_asked(v);
	v->asked--;
	v->by_ms = uv_now(s->options.loop) + DRAIN_MS; /* it answers */
	if (reply == REDIS_REPLY_IS_ERROR) {
		store__note_error(s, text);
		note_refused(v, at);
	}
	if (reply == REDIS_REPLY_IS_ERROR || item.kind != REDIS_ITEM_STRING || item.bytes.n <= KEY_LEN) return true;
	out = &v->out;
	mark = out->n;
	redis_command(out, 6);
	redis_argument(out, EIO_LIT("SET"));
	redis_argument(out, eio_bytes(item.bytes.p, KEY_LEN));
	end_setting(s, eio_bytes(item.bytes.p + KEY_LEN, item.bytes.n - KEY_LEN), mark);
	return true;
}

/* Without memory it is less. */
static void
on_kept(void *user, const char pid[FEED_PID_LEN])
{
	struct store *s = user;

	eio_buf_append(&s->move->pids, pid, FEED_PID_LEN);
}

/* False when out of memory: nothing was added. */
static bool
ask_for_session(const struct store *s, const char pid[FEED_PID_LEN], const char tag[FEED_TAG], struct eio_buf *out)
{
	size_t mark = out->n;

	redis_command(out, 5);
	redis_argument(out, EIO_LIT("EVAL"));
	redis_argument(out, eio_cstr(carry_script));
	redis_argument(out, EIO_LIT("1"));
	if (store__add_key(s, pid, out)) {
		store__add_tag(out, "", tag);
		if (!eio_buf_failed(out)) return true;
	}
	out->n = mark;
	out->failed = false;
	return false;
}

/* Some may be asked for twice: there is nothing for the second one. */
bool
store__move_carry(struct store *s, struct feed_stow *stow)
{
	struct store_move *v = s->move;
	bool late = v && v->phase == STORE_CARRIES && uv_now(s->options.loop) >= v->carry_by_ms;

	if (!store__move_holds(s) || !store__is_ready(s->at) || late) return false;
	stow->at = v->pids.n;
	eio_buf_append(&v->pids, stow->pid, FEED_PID_LEN);
	if (eio_buf_failed(&v->pids)) return false;
	stow->mail.next = v->stows;
	v->stows = &stow->mail;
	return true;
}

/* Of which the old one has not said whether it has them. */
static void
put_all_stowed(const struct store *s)
{
	struct store_move *v = s->move;
	size_t told = first_asked(v);

	for (struct mail *m = v->stows; m; m = m->next) {
		struct feed_stow *stow = EIO_CONTAINER(m, struct feed_stow, mail);
		size_t mark = v->out.n;

		if (stow->at < told) continue;
		redis_command(&v->out, 6);
		redis_argument(&v->out, EIO_LIT("SET"));
		if (!store__add_key(s, stow->pid, &v->out)) v->out.failed = true;
		end_setting(s, eio_bytes(stow->text + stow->nsp_n, stow->n), mark);
	}
}

/* The next ones. */
static void
ask_for_sessions(struct store *s)
{
	struct store_move *v = s->move;
	struct eio_buf out = { 0 };
	char tag[FEED_TAG];
	size_t n = 0;

	s->options.tag(s->options.user, tag);
	for (; n < CARRY_EACH && v->at < v->pids.n; v->at += FEED_PID_LEN)
		n += ask_for_session(s, v->pids.p + v->at, tag, &out);
	v->by_ms = uv_now(s->options.loop) + DRAIN_MS;
	v->asked = n;
	if (n) redis_fetcher_write(s->at->fetcher, &out, n);
	eio_buf_deinit(&out);
}

static void
begin_carrying(struct store *s)
{
	struct store_move *v = s->move;

	v->phase = STORE_CARRIES;
	v->by_ms = uv_now(s->options.loop) + DRAIN_MS;
	v->carry_by_ms = uv_now(s->options.loop) + CARRY_MS;
	s->options.kept(s->options.user, on_kept, s);
}

/* What was carried waits for the new one, if that is away just now. */
static void
pass_carried(struct store_move *v)
{
	size_t n = v->n_out;

	if (!n || !store__is_ready(v->next)) return;
	v->n_out = 0;
	v->next->unheeded += n;
	redis_fetcher_write(v->next->fetcher, &v->out, n);
}

static bool
has_more_to_carry(const struct store *s)
{
	return s->move->at < s->move->pids.n && uv_now(s->options.loop) < s->move->carry_by_ms;
}

static void
carry_on(struct store *s)
{
	struct store_move *v = s->move;

	pass_carried(v);
	if (!v->asked && has_more_to_carry(s) && store__is_ready(s->at) && store__is_ready(v->next))
		ask_for_sessions(s);
}

/* Going over */

/* Nobody is told anything before all is at the new one, so what he asks for then is asked there. */
static void
go_over_to_next(struct store *s)
{
	struct store_move *v = s->move;
	const struct store_parts *parts = v->parts;
	struct store_end *left = s->at;
	struct mail *stows = v->stows;
	enum feed_stow_result result;
	size_t carried;

	put_all_stowed(s);
	pass_carried(v);
	carried = v->carried - v->n_out;
	result = v->n_out ? FEED_STOW_FAILED : FEED_STOW_DONE;
	v->stows = NULL;
	s->at = v->next;
	v->next = NULL;
	store__move_end(s);
	parts->close(left);
	if (s->unanswered || !store__is_ready(s->at)) parts->lose(s);
	if (store__is_ready(s->at))
		parts->drop_written(s);
	else
		parts->drop_all(s);
	tell_all_stowed(s, stows, result);
	s->options.moved(s->options.user, carried);
	parts->flush(s);
}

/* All is answered, and all are told, or will not be in time. */
static bool
has_drained(const struct store *s)
{
	const struct store_move *v = s->move;

	return store__is_ready(s->at) && !s->unanswered && (!v->unheard || uv_now(s->options.loop) >= v->by_ms);
}

/* Whether there is nothing more to be waited for. */
static bool
has_finished(const struct store *s)
{
	const struct store_move *v = s->move;

	if (uv_now(s->options.loop) >= v->by_ms) return true;
	if (!store__is_ready(v->next)) return false;
	return !store__is_ready(s->at) || (v->phase == STORE_CARRIES && !v->asked && !has_more_to_carry(s));
}

void
store_heard(struct store *s)
{
	if (s->move && s->move->unheard) s->move->unheard--;
}

void
store__move_on(struct store *s)
{
	struct store_move *v = s->move;

	if (!v) return;
	if (v->phase == STORE_CONNECTS && store__is_ready(v->next)) {
		v->phase = STORE_DRAINS;
		v->by_ms = uv_now(s->options.loop) + DRAIN_MS;
		v->unheard = s->options.leaves(s->options.user);
	}
	if (v->phase == STORE_DRAINS && has_drained(s)) begin_carrying(s);
	if (v->phase == STORE_CARRIES) carry_on(s);
	if (has_finished(s)) go_over_to_next(s);
}

bool
store__move_begin(struct store *s, const struct store_parts *parts)
{
	struct store_move *v = calloc(1, sizeof *v);

	if (v) v->next = parts->open(s);
	if (!v || !v->next) {
		free(v);
		return false;
	}
	v->parts = parts;
	v->by_ms = uv_now(s->options.loop) + CONNECT_MS;
	s->move = v;
	uv_timer_start(&s->timer, s->timer.timer_cb, STEP_MS, STEP_MS);
	return true;
}
