/* SPDX-License-Identifier: MIT */
/* Sources of messages. */
#include "src/feed/intakes.h"

#include "eio/check.h"

#include <limits.h>
#include <stdlib.h>

enum {
	PATIENCE_PART = 10, /* a batch may take a tenth longer than its interval */
	SAVE_MS = 1000, /* how often the positions of streams are kept */
};

#define FEED_INTAKE_MAGIC 0xfeed0002

/* What messages come by, from one server: what is published there, and its streams. */
enum { INTAKE_PUBLISHED, INTAKE_STREAMS, INTAKES };

struct feed_intake {
	unsigned magic;
	struct feed_intakes *all;
	struct source *source; /* feed thread only; NULL before the start and after the end */
	bool wanted; /* there is something to be had from it */
	atomic_bool subscribed;
	atomic_uint refused; /* how many channels and patterns */
};

static uv_loop_t *
loop_of_intakes(const struct feed_intakes *all)
{
	return &all->options->thread->loop;
}

/* What a source says */

static void
on_source_message(void *user, struct message *m)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_message(in->all->router, m);
}

static void
on_source_entry(void *user, struct message *m)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_entry(in->all->router, m);
}

static void
on_source_gap(void *user, const struct source_gap *gap)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_gap(in->all->router, gap, uv_now(loop_of_intakes(in->all)));
}

static bool
on_source_may_read(void *user)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	return feed_out_keeps_up(in->all->router->out);
}

static void
on_source_too_long(void *user, const struct message *m, uint64_t n)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_too_long(in->all->router, m, n);
}

static void
on_source_refused(void *user, enum message_kind kind, struct eio_bytes name, bool refused)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_refused(in->all->router, kind, name, refused);
	if (refused)
		atomic_fetch_add_explicit(&in->refused, 1, memory_order_relaxed);
	else
		atomic_fetch_sub_explicit(&in->refused, 1, memory_order_relaxed);
}

static void
on_source_state(void *user, bool ready)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	atomic_store_explicit(&in->subscribed, ready, memory_order_release);
}

/* How late a message may come, together with others: not at all where one is sent alone. Every server has the
 * messages of every feed. */
static unsigned
patience_ms(const struct feed_intakes *all)
{
	unsigned least = UINT_MAX;

	for (size_t i = 0; i < all->options->specs->n; i++) {
		const struct feed_spec *spec = &all->options->specs->v[i];

		if (spec->max_messages == 1) return 0;
		if (spec->interval_ms / PATIENCE_PART < least) least = spec->interval_ms / PATIENCE_PART;
	}
	return least;
}

/* The longest that a message waits here, and a second: then it has left, if nobody was behind. */
static unsigned
save_ms(const struct feed_intakes *all)
{
	unsigned most = 0;

	for (size_t i = 0; i < all->options->specs->n; i++)
		if (all->options->specs->v[i].interval_ms > most) most = all->options->specs->v[i].interval_ms;
	return most + SAVE_MS;
}

static const struct source_ops *
ops_of(const struct feed_intakes *all, size_t i)
{
	const struct feed_options *o = all->options;

	if (i % INTAKES == INTAKE_STREAMS) return o->streams;
	return o->replicates && o->replicates[i / INTAKES] ? o->replicated : o->published;
}

void
feed_intakes_open(struct feed_intakes *all)
{
	static const struct source_events events = {
		.message = on_source_message,
		.entry = on_source_entry,
		.gap = on_source_gap,
		.may_read = on_source_may_read,
		.too_long = on_source_too_long,
		.state = on_source_state,
		.refused = on_source_refused,
	};

	for (size_t i = 0; i < INTAKES * all->options->n_redis; i++) {
		const struct source_options o = {
			.loop = loop_of_intakes(all),
			.url = &all->options->redis[i / INTAKES],
			.metrics = all->metrics,
			.channels = all->router->channels,
			.n_channels = all->router->n_channels,
			.patterns = all->router->patterns,
			.n_patterns = all->router->n_patterns,
			.streams = all->router->streams,
			.n_streams = all->router->n_streams,
			.save_ms = save_ms(all),
			.message_bytes = all->options->message_bytes,
			.patience_ms = patience_ms(all),
			.events = &events,
			.user = &all->v[i],
		};

		if (!all->v[i].wanted) continue;
		all->v[i].source = ops_of(all, i)->open(&o);
		if (!all->v[i].source) log_error("redis=%s event=not-opened reason=\"out of memory\"", o.url->name);
	}
}

void
feed_intakes_close(struct feed_intakes *all)
{
	for (size_t i = 0; i < INTAKES * all->options->n_redis; i++) {
		struct feed_intake *in = &all->v[i];

		if (in->source) in->source->ops->close(in->source);
		in->source = NULL;
		atomic_store_explicit(&in->subscribed, false, memory_order_release);
	}
}

/* From their making to their end */

int
feed_intakes_init(struct feed_intakes *all, const struct feed_options *options, struct feed_router *router,
	struct metrics *metrics)
{
	size_t n = INTAKES * options->n_redis;

	*all = (struct feed_intakes){ .options = options, .router = router, .metrics = metrics };
	all->v = calloc(n, sizeof *all->v);
	if (!all->v) return -1;
	for (size_t i = 0; i < n; i++) {
		all->v[i].magic = FEED_INTAKE_MAGIC;
		all->v[i].all = all;
		all->v[i].wanted = i % INTAKES == INTAKE_STREAMS ? router->n_streams > 0
								 : router->n_channels + router->n_patterns > 0;
	}
	return 0;
}

void
feed_intakes_deinit(struct feed_intakes *all)
{
	free(all->v);
	all->v = NULL;
}

/* Whether there is nothing more to be waited for. */
static bool
has_all(const struct feed_intake *in)
{
	return !in->wanted || atomic_load_explicit(&in->subscribed, memory_order_acquire);
}

bool
feed_intakes_ready(const struct feed_intakes *all)
{
	for (size_t i = 0; i < INTAKES * all->options->n_redis; i++)
		if (!has_all(&all->v[i])) return false;
	return true;
}

struct feed_redis_status
feed_intakes_status(const struct feed_intakes *all, size_t i)
{
	struct feed_redis_status status = { .name = all->options->redis[i].name };
	bool wanted = false, complete = true;

	for (size_t k = INTAKES * i; k < INTAKES * (i + 1); k++) {
		const struct feed_intake *in = &all->v[k];

		wanted |= in->wanted;
		complete &= has_all(in);
		status.refused += atomic_load_explicit(&in->refused, memory_order_relaxed);
	}
	status.subscribed = wanted && complete;
	return status;
}
