/* SPDX-License-Identifier: MIT */
/* From a hub to the workers. Where clients are recovered it is part of the order of all, as events are. */
#include "src/feed/passing.h"

#include "src/feed/event_int.h"
#include "src/feed/feed_self.h"

static uint64_t
workers_of_passed(const struct feed_out *o, const struct feed_passed *p)
{
	uint64_t workers = feed_out_moving(o);

	if (!p->audience) return workers | interest_workers(p->target);
	for (size_t i = 0; i < audience_keys(p->audience); i++)
		workers |= interest_of(o->options->interest, audience_key(p->audience, i));
	return workers;
}

/* Where clients are recovered. */
static unsigned
pass_to_remember(struct feed_out *o, const struct feed_passed *p, uint64_t now_ms)
{
	const struct feed_event event = {
		.bundle = p->bundle,
		.stream = p->stream,
		.surely = true,
		.fleeting = p->fleeting,
		.slow = p->slow,
		.lag_event = p->lag_event,
		.retained = p->retained,
		.keys = p->keys,
		.now_ms = now_ms,
	};
	const struct sio_room_key *key = p->audience ? NULL : &p->target->key;
	const struct audience one = {
		.nsp = p->audience ? p->audience->nsp : key->nsp,
		.rooms = key && !key->everyone ? &key->name : NULL,
		.n_rooms = key && !key->everyone,
	};

	return feed_event_send(o, &event, p->audience ? p->audience : &one);
}

unsigned
feed_pass(struct feed *f, const struct feed_passed *p)
{
	struct feed_out *o = &f->out;
	struct eio_bytes nsp = p->audience ? p->audience->nsp : p->target->key.nsp;
	const struct delivery_item item = {
		.bundle = p->bundle,
		.target = p->target,
		.audience = p->audience,
		.slow = p->slow,
		.lag_event = p->lag_event,
		.keys = p->keys,
		.retained = p->retained,
		.fleeting = p->fleeting,
		.stream = p->stream,
	};

	if (o->ledger && feed_recovery_is_on(&o->options->recovery, nsp))
		return pass_to_remember(o, p, uv_now(feed__loop(f)));
	return feed_out_pass(o, workers_of_passed(o, p), &item);
}

void
feed_pass_end(struct feed *f)
{
	feed_out_post(&f->out);
}

void
feed_pass_gap(struct feed *f)
{
	/* Behind the feeds stands what is of all. */
	const unsigned all = (unsigned)f->options.specs->n;

	feed_out_post(&f->out);
	if (f->out.gap) f->out.gap(f->out.gap_user);
	if (!f->ledger) return;
	ledger_note_gap(f->ledger, &all, 1);
	f->out.tells = true;
}

void
feed_set_hub(struct feed *f, const struct feed_hub *hub)
{
	f->hub = *hub;
	atomic_store_explicit(&f->hub_retains, true, memory_order_release);
}

void
feed_set_hub_retains(struct feed *f, bool retains)
{
	atomic_store_explicit(&f->hub_retains, retains, memory_order_release);
}

void
feed_pass_answer(struct feed *f, struct feed_ask *a)
{
	feed_out_answer(&f->out, a);
}

void
feed_set_gap(struct feed *f, void (*gap)(void *user), void *user)
{
	f->out.gap = gap;
	f->out.gap_user = user;
}

void
feed_settle(struct feed *f)
{
	if (f->hub.settle)
		f->hub.settle(f->hub.user);
	else
		feed_intakes_mark(&f->intakes);
}

bool
feed_is_settled(struct feed *f)
{
	if (!feed_ready(f)) return false;
	return f->hub.is_settled ? f->hub.is_settled(f->hub.user) : feed_intakes_passed_mark(&f->intakes);
}

void
feed_set_hub_ready(struct feed *f, bool ready)
{
	atomic_store_explicit(&f->hub_ready, ready, memory_order_release);
}
