/* SPDX-License-Identifier: MIT */
/* What is due in the feeds, and what is asked of them. */
#include "src/feed/elsewhere.h"

static void
take_sooner(uint64_t *deadline_ms, uint64_t other)
{
	if (other < *deadline_ms) *deadline_ms = other;
}

void
feed_router_tick(struct feed_router *r, uint64_t now_ms)
{
	r->deadline_ms = UINT64_MAX;
	if (r->out->journal) feed_router_leave(r, now_ms, false);
	for (size_t i = 0; i < r->options->specs->n; i++) {
		struct feed_at_work *s = r->feeds[i];

		if (feed_at_work_deadline(s) <= now_ms) {
			feed_streams_tick(&s->streams, now_ms);
			if (s->notes) feed_keeper_tidy(&s->keeper, now_ms);
		}
		take_sooner(&r->deadline_ms, feed_at_work_deadline(s));
	}
	feed_snapshots_tick(&r->snapshots, now_ms);
	take_sooner(&r->deadline_ms, feed_snapshots_deadline(&r->snapshots));
}

void
feed_router_ask(struct feed_router *r, struct feed_ask *a, uint64_t now_ms)
{
	feed_snapshots_answer(&r->snapshots, a, now_ms);
	take_sooner(&r->deadline_ms, feed_snapshots_deadline(&r->snapshots));
}

void
feed_router_reply(struct feed_router *r, struct feed_ask *a, uint64_t now_ms)
{
	feed_router_ask(r, a, now_ms);
	feed_out_answer(r->out, a);
}

/* The set whose tick those of feed i follow. */
static struct feed_streams *
leader_of(const struct feed_router *r, size_t i)
{
	const struct feed_spec *all = r->options->specs->v;
	size_t k = 0;

	while (all[k].interval_ms != all[i].interval_ms) k++;
	return &r->feeds[k]->streams;
}

void
feed_router_share_ticks(struct feed_router *r)
{
	size_t n = r->options->specs->n;

	/* Whom they followed may be about to go. */
	for (size_t i = 0; i < n; i++) feed_streams_own_tick(&r->feeds[i]->streams);
	for (size_t i = 0; i < n; i++) feed_streams_share_tick(&r->feeds[i]->streams, leader_of(r, i));
}
