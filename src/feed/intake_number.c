/* SPDX-License-Identifier: MIT */
/* More servers, or less. */
#include "src/feed/intakes_int.h"

static void
renew_lines(const struct feed_intakes *all, size_t n)
{
	for (size_t i = 0; i < n; i++) feed_prime_line_renew(all->lines[i], n, all->metrics[i]);
}

int
feed_intakes_add(struct feed_intakes *all)
{
	const struct feed_options *o = all->options;
	size_t n = o->n_redis, i = n - 1;

	/* One that was there before may have handles on the loop, so it was kept. */
	if (!all->lines[i]) all->lines[i] = feed_prime_line_new(all->router, &o->redis[i], n, all->metrics[i]);
	if (!all->lines[i]) return -1;
	renew_lines(all, n);
	for (size_t k = FEED_INTAKES * i; k < FEED_INTAKES * n; k++) {
		struct feed_intake *in = &all->v[k];

		in->wanted = feed_intake_is_wanted(in, &all->router->table);
		if (in->wanted) feed_intake_begin(in);
	}
	return 0;
}

void
feed_intakes_drop(struct feed_intakes *all)
{
	size_t n = all->options->n_redis - 1;

	for (size_t k = FEED_INTAKES * n; k < FEED_INTAKES * (n + 1); k++) {
		struct feed_intake *in = &all->v[k];

		if (in->source) feed_intake_forget_refused(in);
		if (in->source) in->source->ops->close(in->source);
		in->source = NULL;
		in->wanted = false;
		feed_intake_settle(in);
		feed_intake_forget_places(in);
		atomic_store_explicit(&in->subscribed, false, memory_order_release);
		atomic_store_explicit(&in->refused, 0, memory_order_relaxed);
	}
	renew_lines(all, n);
}
