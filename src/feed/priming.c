/* SPDX-License-Identifier: MIT */
/* From what was read to what is retained; see the header for the reasons. */
#include "src/feed/priming.h"

#include "eio/check.h"
#include "src/feed/elsewhere.h"

#include <stdlib.h>

/* Batches of what is read are not longer: what one is retained by then takes half a millisecond. */
enum { MOST_TOGETHER = 1024 };

void
feed_priming_begin(struct feed_at_work *s, uint64_t now_ms)
{
	CHECK(s->notes);
	feed_router_flush(s, now_ms);
	retain_prime_begin(&s->keeper.retain);
}

void
feed_priming_renew(struct feed_at_work *s, uint64_t now_ms)
{
	feed_router_flush(s, now_ms);
	retain_prime_renew(&s->keeper.retain);
}

bool
feed_priming_tidy(struct feed_at_work *s, bool sweep, size_t looks, uint64_t now_ms)
{
	struct retain *t = &s->keeper.retain;
	bool more = (sweep && retain_prime_sweep(t, looks)) || retain_prime_forget(t);

	feed_keeper_tidy(&s->keeper, now_ms);
	return more;
}

void
feed_priming_end(struct feed_at_work *s, uint64_t now_ms)
{
	feed_router_flush(s, now_ms); /* who comes from now on has all of it in the snapshot */
	retain_prime_end(&s->keeper.retain);
	feed_keeper_tidy(&s->keeper, now_ms);
}

void
feed_priming_portion(struct feed_at_work *s)
{
	if (++s->portions == 0) s->portions++; /* 0 is what was heard */
}

/* Has all of its class leave, when that is much. */
static void
end_gathered(struct feed_at_work *s, uint64_t now_ms)
{
	const struct feed_stream *latest = s->streams.latest;

	if (!latest || latest->count < MOST_TOGETHER) return;
	s->streams.full = true;
	feed_router_taken(s->router, s, FEED_FATE_TAKEN);
	feed_router_end(s->router, now_ms);
}

void
feed_priming_portion_end(struct feed_at_work *s, uint64_t now_ms)
{
	if (s->streams.gathers)
		end_gathered(s, now_ms);
	else
		feed_streams_flush_some(&s->streams, MOST_TOGETHER, now_ms);
}

void
feed_priming_message(struct feed_at_work *s, struct message *m)
{
	struct feed_primed alone = { .collects = false }, *before = s->primed;
	struct retain *t = &s->keeper.retain;

	if (!before) s->primed = &alone;
	t->portion = s->portions;
	metrics_inc(s->metrics, FEED_METRIC_PRIMED);
	feed_router_through(s->router, s, m);
	t->portion = 0;
	s->primed = before;
}

uint32_t
feed_priming_marker(struct feed_at_work *s, uint64_t now_ms)
{
	feed_router_flush(s, now_ms);
	return retain_prime_round(&s->keeper.retain);
}

/* Lists */

bool
feed_priming_is_list(const struct feed_at_work *s)
{
	const struct retain_rules *rules = &s->spec->retain.rules;

	return rules->kind == RETAIN_NEWEST && rules->max > 1;
}

void
feed_priming_list_begin(struct feed_at_work *s, struct feed_primed *p)
{
	*p = (struct feed_primed){ .collects = true };
	s->primed = p;
}

/* The messages as they lie in the list. */
static void
lay_out(const struct feed_primed *p, struct eio_bytes *v, uint64_t *keys)
{
	const char *at = p->list.p;
	struct feed_listed head;

	for (size_t i = 0; i < p->n; i++) {
		memcpy(&head, at, sizeof head);
		v[i] = eio_bytes(at + sizeof head, head.n);
		keys[i] = head.key;
		at += sizeof head + head.n;
	}
}

/* Sends one to those who are there; it is retained with all the others. */
static void
send_listed(struct feed_at_work *s, struct feed_stream *stream, struct eio_bytes payload, uint64_t key, uint64_t now_ms)
{
	static const struct retain_note skip = { .what = RETAIN_SKIP };
	struct message m = { .payload = payload, .key = key, .note = &skip, .now_ms = now_ms };
	enum feed_fate fate = feed_streams_append(&s->streams, stream, &m);

	if (fate != FEED_FATE_TAKEN) metrics_inc(s->metrics, feed_fate_texts[fate].metric);
}

/* The state becomes what was read. */
static bool
take_primed_list(struct feed_at_work *s, const struct feed_primed *p, uint32_t round, bool known, uint64_t now_ms)
{
	struct eio_bytes *v = calloc(p->n, sizeof *v);
	uint64_t *keys = calloc(p->n, sizeof *keys);
	struct retained *state = p->stream->retained;
	bool *lacks = calloc(p->n, sizeof *lacks), taken = v && keys && lacks && !eio_buf_failed(&p->list);

	if (taken) {
		lay_out(p, v, keys);
		taken = !retained_lacks(state, v, p->n, round, lacks) || known;
	} else {
		metrics_add(s->metrics, FEED_METRIC_DROPPED_MEMORY, p->n);
	}
	if (taken) {
		for (size_t i = 0; i < p->n; i++)
			if (lacks[i]) send_listed(s, p->stream, v[i], keys[i], now_ms);
		feed_router_flush(s, now_ms);
		retained_replace(state, v, p->n, round, now_ms);
	}
	free(lacks);
	free(v);
	free(keys);
	return taken;
}

bool
feed_priming_list_end(struct feed_at_work *s, struct feed_primed *p, uint32_t round, bool known, uint64_t now_ms)
{
	bool taken = true;

	s->primed = NULL;
	feed_router_flush(s, now_ms);
	if (p->n) taken = take_primed_list(s, p, round, known, now_ms);
	feed_keeper_tidy(&s->keeper, now_ms);
	eio_buf_deinit(&p->list);
	return taken;
}
