/* SPDX-License-Identifier: MIT */
/* On the feed's thread, but not from its sources. */
#include "src/feed/sending.h"

#include "eio/check.h"
#include "src/feed/feed_int.h"

#include <stdlib.h>

enum { MOVE_BYTES = 256 }; /* what an order or a question costs beside its names */

void
feed_set_moves(struct feed *f, unsigned w, const struct mail_port *moves)
{
	struct feed_router *r = feed_router_of(f);

	CHECK(w < r->options->workers);
	r->out->moves[w] = moves;
}

size_t
feed_take(struct feed *f, struct eio_bytes channel, struct eio_bytes payload)
{
	struct feed_router *r = feed_router_of(f);

	return feed_router_deliver(r, channel, payload, uv_now(&r->options->thread->loop));
}

bool
feed_keeps_up(struct feed *f)
{
	return feed_out_keeps_up(feed_router_of(f)->out);
}

unsigned
feed_send(struct feed *f, const struct feed_posted *event)
{
	struct feed_router *r = feed_router_of(f);

	return feed_router_event(r, event, uv_now(&r->options->thread->loop));
}

/* Orders */

void
feed_move_free(struct feed_move *m)
{
	if (m->answer) mail_post(m->survey->answers, &m->answer->mail);
	audience_unref(m->who);
	audience_unref(m->rooms);
	feed_survey_unref(m->survey);
	atomic_fetch_sub_explicit(&m->budget->moves, 1, memory_order_release);
	atomic_fetch_sub_explicit(&m->budget->outstanding, m->bytes, memory_order_release);
	free(m);
}

/* For one worker. False when it does not get it. */
static bool
post_move(struct feed_out *o, unsigned w, const struct feed_move *like)
{
	struct delivery_budget *b = &o->budgets[w];
	size_t used = atomic_fetch_add_explicit(&b->outstanding, like->bytes, memory_order_relaxed);
	bool fits = used == 0 || used + like->bytes <= o->options->worker_queue_bytes;
	struct feed_move *m = fits ? malloc(sizeof *m) : NULL;
	struct feed_answer *answer = m && like->survey ? feed_answer_new(like->survey->number) : NULL;

	if (!m || (like->survey && !answer)) {
		free(m);
		atomic_fetch_sub_explicit(&b->outstanding, like->bytes, memory_order_relaxed);
		return false;
	}
	*m = *like;
	m->answer = answer;
	if (m->survey) feed_survey_ref(m->survey);
	m->budget = b;
	audience_ref(m->who);
	if (m->rooms) audience_ref(m->rooms);
	atomic_fetch_add_explicit(&b->moves, 1, memory_order_relaxed);
	mail_post(o->moves[w], &m->mail);
	return true;
}

/* To the workers who have some of the sockets, or may have by the time. Returns how many do not get it; *sent: how many
 * do. */
static unsigned
post_moves(struct feed_out *o, const struct feed_move *like, unsigned *sent)
{
	uint64_t workers = feed_out_moving(o);
	unsigned dropped = 0;

	for (size_t i = 0; i < audience_keys(like->who); i++)
		workers |= interest_of(o->options->interest, audience_key(like->who, i));
	/* A hub has no sockets. */
	workers &= UINT64_MAX >> (64 - o->options->workers);
	if (like->kind == FEED_MOVE_EVERYBODY) workers = UINT64_MAX >> (64 - o->options->workers);
	for (; workers; workers &= workers - 1)
		if (post_move(o, (unsigned)__builtin_ctzll(workers), like))
			++*sent;
		else
			dropped++;
	return dropped;
}

unsigned
feed_order(struct feed *f, enum feed_move_kind kind, const struct audience *who, const struct audience *rooms)
{
	struct feed_out *o = feed_router_of(f)->out;
	struct feed_move like = { .kind = kind, .who = audience_new(who), .rooms = rooms ? audience_new(rooms) : NULL };
	unsigned dropped = 1, sent = 0;

	feed_out_post(o);
	if (like.who && (like.rooms || !rooms)) {
		like.bytes = MOVE_BYTES + audience_size(like.who) + (like.rooms ? audience_size(like.rooms) : 0);
		dropped = post_moves(o, &like, &sent);
	}
	audience_unref(like.who);
	audience_unref(like.rooms);
	return dropped;
}

/* Questions */

/* False when out of memory. */
static bool
encode_call(struct feed_survey *s, const struct feed_posted *event)
{
	struct feed_posted asking = *event;

	asking.acked = true;
	asking.ack = s->number;
	s->bundle = feed_posted_bundle(&asking);
	return s->bundle != NULL;
}

unsigned
feed_survey(struct feed *f, enum feed_move_kind kind, const struct audience *who, const struct feed_survey *like,
	const struct feed_posted *event)
{
	struct feed_out *o = feed_router_of(f)->out;
	struct feed_survey asked = *like;
	struct feed_move move = { .kind = kind, .who = audience_new(who) };
	unsigned sent = 0;

	feed_out_post(o);
	asked.bundle = NULL;
	if (!event || encode_call(&asked, event)) move.survey = feed_survey_new(&asked);
	if (move.who && move.survey) {
		move.bytes = MOVE_BYTES + audience_size(move.who);
		if (event) move.bytes += eio_bundle_size(asked.bundle);
		post_moves(o, &move, &sent);
	}
	audience_unref(move.who);
	feed_survey_unref(move.survey);
	eio_bundle_unref(asked.bundle);
	return sent;
}

/* Messages */

void
feed_send_message(struct feed *f, struct eio_bytes channel, struct eio_bytes payload)
{
	const struct feed_posted message = { .name = channel, .payload = payload };
	struct feed_router *r = feed_router_of(f);

	feed_router_publish(r, &message, uv_now(&r->options->thread->loop));
}
