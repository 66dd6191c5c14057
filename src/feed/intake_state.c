/* SPDX-License-Identifier: MIT */
/* How a source is, whatever its kind. */
#include "src/feed/intakes_int.h"

#include "eio/check.h"

void
feed_intake_read_others(const struct feed_intake *in)
{
	for (size_t i = 0; i < in->all->options->n_redis; i++)
		if (in->all->lines[i] != in->line) feed_prime_line_again(in->all->lines[i]);
}

void
feed_intake_count_refused(struct feed_intake *in, bool refused)
{
	if (refused)
		atomic_fetch_add_explicit(&in->refused, 1, memory_order_relaxed);
	else
		atomic_fetch_sub_explicit(&in->refused, 1, memory_order_relaxed);
}

void
feed_intake_forget_refused(struct feed_intake *in)
{
	in->leaves = true;
	if (in->source->ops->tell_refused) in->source->ops->tell_refused(in->source, false);
	in->leaves = false;
}

void
feed_intake_on_state(void *user, bool ready)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_intake_note_state(in);
	if (ready && in->all->router->out->journal) feed_intakes_begin_tracks(in->all);
	atomic_store_explicit(&in->subscribed, ready, memory_order_release);
	if (!in->line) return;
	feed_prime_line_state(in->line, ready);
	if (!ready) feed_intake_read_others(in);
}

void
feed_intake_settle(struct feed_intake *in)
{
	struct feed_intakes *all = in->all;

	if (!in->settles) return;
	in->settles = false;
	feed_intake_leave_past(in);
	if (--all->unsettled == 0 && all->settled) all->settled(all->user);
}

void
feed_intake_on_settled(void *user)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_intake_settle(in);
}
