/* SPDX-License-Identifier: MIT */
/* What is due in the feeds. */
#include "src/feed/feed_int.h"

void
feed_router_tick(struct feed_router *r, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < r->options->specs->n; i++) {
		struct feed_streams *s = &r->feeds[i].streams;
		uint64_t deadline = feed_streams_deadline(s);

		if (deadline <= now_ms) {
			feed_streams_tick(s, now_ms);
			deadline = feed_streams_deadline(s);
		}
		if (deadline < next) next = deadline;
	}
	r->deadline_ms = next;
}
