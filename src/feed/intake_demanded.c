/* SPDX-License-Identifier: MIT */
/* Channels on demand: whose messages they are is looked up in demand.h, and not in the table. */
#include "src/feed/intakes_int.h"

#include "eio/check.h"

/* NULL: nobody wants it any more. */
static const struct demand_channel *
demanded_channel(const struct feed_intake *in, struct eio_bytes name)
{
	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	return in->all->demand ? demand_find(in->all->demand, name) : NULL;
}

static void
on_channel_message(void *user, struct message *m)
{
	const struct feed_intake *in = user;
	const struct demand_channel *c = demanded_channel(in, m->channel);

	if (c) feed_router_demanded(in->all->router, m, c);
}

static void
on_channel_too_long(void *user, const struct message *m, uint64_t n)
{
	const struct feed_intake *in = user;
	const struct demand_channel *c = demanded_channel(in, m->channel);

	if (c) feed_router_demand_too_long(in->all->router, c, m, n);
}

static void
on_channel_gap(void *user, const struct source_gap *gap)
{
	const struct feed_intake *in = user;
	const struct feed_intakes *all = in->all;

	if (all->demand) feed_router_demand_gap(all->router, all->demand, gap, uv_now(&all->options->thread->loop));
}

static void
on_channel_refused(void *user, enum message_kind kind, struct eio_bytes name, bool refused)
{
	struct feed_intake *in = user;
	const struct demand_channel *c = demanded_channel(in, name);

	(void)kind;
	feed_intake_count_refused(in, refused);
	if (c) feed_router_demand_refused(in->all->router, c, refused);
}

const struct source_events feed_demanded_events = {
	.message = on_channel_message,
	.gap = on_channel_gap,
	.too_long = on_channel_too_long,
	.state = feed_intake_on_state,
	.refused = on_channel_refused,
	.settled = feed_intake_on_settled,
};

void
feed_intakes_tell_handed(const struct feed_intakes *all, void (*tell)(void *user, struct eio_bytes channel), void *user)
{
	for (size_t i = FEED_INTAKE_DEMANDED; i < FEED_INTAKES * all->options->n_redis; i += FEED_INTAKES) {
		const struct feed_intake *in = &all->v[i];

		if (in->wanted && in->n_places) all->options->demanded->tell_handed(in->places[0].text, tell, user);
	}
}

void
feed_intakes_want(struct feed_intakes *all, struct eio_bytes channel)
{
	for (size_t i = FEED_INTAKE_DEMANDED; i < FEED_INTAKES * all->options->n_redis; i += FEED_INTAKES)
		if (all->v[i].source) all->v[i].source->ops->want(all->v[i].source, channel);
}

void
feed_intakes_leave(struct feed_intakes *all, struct eio_bytes channel)
{
	for (size_t i = FEED_INTAKE_DEMANDED; i < FEED_INTAKES * all->options->n_redis; i += FEED_INTAKES)
		if (all->v[i].source) all->v[i].source->ops->leave(all->v[i].source, channel);
}

void
feed_intakes_flush(struct feed_intakes *all)
{
	for (size_t i = FEED_INTAKE_DEMANDED; i < FEED_INTAKES * all->options->n_redis; i += FEED_INTAKES)
		if (all->v[i].source) all->v[i].source->ops->flush(all->v[i].source);
}

void
feed_intakes_mark(struct feed_intakes *all)
{
	for (size_t i = FEED_INTAKE_DEMANDED; i < FEED_INTAKES * all->options->n_redis; i += FEED_INTAKES)
		if (all->v[i].source) all->v[i].source->ops->mark(all->v[i].source);
}

bool
feed_intakes_passed_mark(struct feed_intakes *all)
{
	bool passed = true;

	for (size_t i = FEED_INTAKE_DEMANDED; i < FEED_INTAKES * all->options->n_redis; i += FEED_INTAKES) {
		struct source *s = all->v[i].source;

		if (s) passed &= s->ops->passed_mark(s);
	}
	return passed;
}
