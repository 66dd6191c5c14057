/* SPDX-License-Identifier: MIT */
/* What other threads may know of a feed. */
#include "src/feed/feed_self.h"

bool
feed_ready(const struct feed *f)
{
	return feed_intakes_ready(&f->intakes) &&
	       (!f->options.edge || atomic_load_explicit(&f->hub_ready, memory_order_acquire));
}

bool
feed_retains_widely(const struct feed *f)
{
	/* An edge does not know. */
	if (f->options.edge) return atomic_load_explicit(&f->hub_retains, memory_order_acquire);
	return atomic_load_explicit(&f->router.snapshots.wide, memory_order_acquire);
}

const struct eio_bundle_tally *
feed_forms(const struct feed *f)
{
	return &f->out.forms;
}

struct feed_redis_status
feed_redis_status(const struct feed *f, size_t i)
{
	return feed_intakes_status(&f->intakes, i);
}
