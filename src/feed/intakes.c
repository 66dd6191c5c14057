/* SPDX-License-Identifier: MIT */
/* Sources of messages. */
#include "src/feed/intakes_int.h"

#include "eio/check.h"
#include "src/base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PATIENCE_PART = 10, /* a batch may take a tenth longer than its interval */
	SAVE_MS = 1000, /* how often the positions of streams are kept */
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
	m->track = in->track;
	feed_router_message(in->all->router, m);
}

/* The same where the marker of a primer is among them. */
static void
on_source_message_or_marker(void *user, struct message *m)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	m->track = in->track;
	if (!feed_prime_line_message(in->line, m)) feed_router_message(in->all->router, m);
}

static void
on_source_entry(void *user, struct message *m)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_intake_find_place(in, m);
	feed_router_entry(in->all->router, m);
}

static void
on_source_gap(void *user, const struct source_gap *gap)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_intake_break(in, gap->kind, gap->name);
	if (in->line && feed_prime_line_is_marker(in->line, gap->name)) return;
	if (in->line) feed_prime_line_gap(in->line);
	if (in->line) feed_intake_read_others(in);
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
	if (!in->leaves) feed_intake_break(in, kind, name);
	if (in->line && feed_prime_line_refused(in->line, name, refused)) return;
	feed_router_refused(in->all->router, kind, name, refused);
	feed_intake_count_refused(in, refused);
	/* What was published while it was refused is missing of what was read. */
	if (!refused && in->line && !in->leaves) feed_prime_line_gap(in->line);
}

static void
on_source_answered(void *user, bool all)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	if (in->line) feed_prime_line_answered(in->line, all);
}

/* How late a message may come, together with others: not at all where one is sent alone. Every server has the
 * messages of every feed. */
static unsigned
patience_ms(const struct feed_specs *specs)
{
	unsigned least = UINT_MAX;

	for (size_t i = 0; i < specs->n; i++) {
		const struct feed_spec *spec = &specs->v[i];

		if (spec->max_messages == 1) return 0;
		if (spec->interval_ms / PATIENCE_PART < least) least = spec->interval_ms / PATIENCE_PART;
	}
	return least;
}

/* The longest that a message waits here, and a second: then it has left, if nobody was behind. */
static unsigned
save_ms(const struct feed_specs *specs)
{
	unsigned most = 0;

	for (size_t i = 0; i < specs->n; i++)
		if (specs->v[i].interval_ms > most) most = specs->v[i].interval_ms;
	return most + SAVE_MS;
}

static const struct source_events usual_events = {
	.message = on_source_message,
	.entry = on_source_entry,
	.gap = on_source_gap,
	.may_read = on_source_may_read,
	.too_long = on_source_too_long,
	.state = feed_intake_on_state,
	.answered = on_source_answered,
	.refused = on_source_refused,
	.past = feed_intake_on_past,
	.past_end = feed_intake_on_past_end,
	.settled = feed_intake_on_settled,
};

static const struct source_events events_of_line = {
	.message = on_source_message_or_marker,
	.entry = on_source_entry,
	.gap = on_source_gap,
	.may_read = on_source_may_read,
	.too_long = on_source_too_long,
	.state = feed_intake_on_state,
	.answered = on_source_answered,
	.refused = on_source_refused,
	.past = feed_intake_on_past,
	.past_end = feed_intake_on_past_end,
	.settled = feed_intake_on_settled,
};

const struct source_events *
feed_intake_events(const struct feed_intake *in, bool line)
{
	if (feed_intake_kind(in) == FEED_INTAKE_DEMANDED) return &feed_demanded_events;
	return line ? &events_of_line : &usual_events;
}

struct source_options
feed_intake_options(struct feed_intake *in, const struct feed_table *table, const struct feed_specs *specs)
{
	struct feed_intakes *all = in->all;
	size_t server = (size_t)(in - all->v) / FEED_INTAKES;

	return (struct source_options){
		.loop = loop_of_intakes(all),
		.url = &all->options->redis[server],
		.metrics = all->metrics[server],
		.channels = table->channels,
		.n_channels = table->n_channels,
		.patterns = table->patterns,
		.n_patterns = table->n_patterns,
		.shards = table->shards,
		.n_shards = table->n_shards,
		.streams = table->streams,
		.n_streams = table->n_streams,
		.save_ms = save_ms(specs),
		.message_bytes = all->options->message_bytes,
		.places = in->places,
		.n_places = in->n_places,
		.places_ms = all->places_ms,
		.patience_ms = patience_ms(specs),
		.events = feed_intake_events(in, in->line != NULL),
		.user = in,
	};
}

struct source *
feed_intake_open(struct feed_intake *in, const struct source_options *o)
{
	const struct source_ops *ops = feed_intake_ops(in->all, (size_t)(in - in->all->v));
	struct source *source = ops->open(o);

	if (ops->hand && in->n_places) in->places[0].fd = -1; /* it has it */
	return source;
}

static size_t
most_of_intakes(const struct feed_options *o)
{
	return o->n_redis < o->max_redis ? o->max_redis : o->n_redis;
}

void
feed_intake_begin(struct feed_intake *in)
{
	const struct feed_router *r = in->all->router;
	struct source_options o = feed_intake_options(in, &r->table, r->options->specs);
	const struct history_limits *limits = &r->options->recovery.history;
	const struct redis_past_limits past = { clock_wall_ms() - limits->ms, limits->messages, limits->bytes };

	if (in->n_places) feed_intake_leave_past(in);
	if (in->past) o.past = &past;
	if (in->line) {
		o.channels = feed_prime_line_channels(in->line, &o.n_channels);
		feed_prime_line_open(in->line, o.loop);
	}
	in->source = feed_intake_open(in, &o);
	if (!in->source) log_error("redis=%s event=not-opened reason=\"out of memory\"", o.url->name);
}

void
feed_intakes_open(struct feed_intakes *all)
{
	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++)
		if (all->v[i].wanted) feed_intake_begin(&all->v[i]);
}

void
feed_intakes_close(struct feed_intakes *all)
{
	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++) {
		struct feed_intake *in = &all->v[i];

		if (in->source) in->source->ops->close(in->source);
		if (feed_intake_line(in)) feed_prime_line_close(feed_intake_line(in));
		in->source = NULL;
		atomic_store_explicit(&in->subscribed, false, memory_order_release);
	}
	/* Those of servers that have gone. */
	for (size_t i = all->options->n_redis; i < most_of_intakes(all->options); i++)
		if (all->lines[i]) feed_prime_line_close(all->lines[i]);
}

void
feed_intakes_give_up(struct feed_intakes *all)
{
	struct ledger *ledger = all->router->out->ledger;

	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++) {
		struct feed_intake *in = &all->v[i];
		/* What was there before is nothing that anybody here has missed. */
		bool gap = ledger && in->settles && !in->past;

		for (unsigned k = 0; gap && k < all->options->specs->n; k++)
			if (feed_intake_kind_of(&all->options->specs->v[k]) == feed_intake_kind(in))
				ledger_note_gap(ledger, &k, 1);
		feed_intake_settle(in);
	}
}

/* From their making to their end */

static int
make_lines(struct feed_intakes *all)
{
	const struct feed_options *o = all->options;

	all->lines = calloc(most_of_intakes(o) + 1, sizeof(struct feed_prime_line *));
	for (size_t i = 0; all->lines && i < o->n_redis; i++) {
		all->lines[i] = feed_prime_line_new(all->router, &o->redis[i], o->n_redis, all->metrics[i]);
		if (!all->lines[i]) return -1;
		if (feed_prime_line_is_wanted(all->lines[i]))
			all->v[FEED_INTAKES * i + FEED_INTAKE_PUBLISHED].line = all->lines[i];
	}
	return all->lines ? 0 : -1;
}

int
feed_intakes_init(struct feed_intakes *all, const struct feed_options *options, struct feed_router *router,
	struct metrics *const *metrics)
{
	size_t n = FEED_INTAKES * most_of_intakes(options);

	*all = (struct feed_intakes){ .options = options, .router = router, .metrics = metrics };
	all->v = calloc(n + 1, sizeof *all->v);
	if (!all->v) return -1;
	for (size_t i = 0; i < n; i++) {
		all->v[i].magic = FEED_INTAKE_MAGIC;
		all->v[i].all = all;
		all->v[i].wanted = i < FEED_INTAKES * options->n_redis &&
				   feed_intake_is_wanted(&all->v[i], &router->table);
	}
	if (make_lines(all) == 0) return 0;
	feed_intakes_deinit(all);
	return -1;
}

void
feed_intakes_deinit(struct feed_intakes *all)
{
	if (all->v) feed_intakes_forget_places(all);
	for (size_t i = 0; all->lines && i < most_of_intakes(all->options); i++) feed_prime_line_free(all->lines[i]);
	free(all->lines);
	free(all->v);
	all->lines = NULL;
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
	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++)
		if (!has_all(&all->v[i])) return false;
	for (size_t i = 0; i < all->options->n_redis; i++)
		if (!feed_prime_line_is_done(all->lines[i])) return false;
	return true;
}

struct feed_redis_status
feed_intakes_status(const struct feed_intakes *all, size_t i)
{
	struct feed_redis_status status = { .name = all->options->redis[i].name };
	bool wanted = false, complete = true;

	for (size_t k = FEED_INTAKES * i; k < FEED_INTAKES * (i + 1); k++) {
		const struct feed_intake *in = &all->v[k];

		wanted |= in->wanted;
		complete &= has_all(in);
		status.refused += atomic_load_explicit(&in->refused, memory_order_relaxed);
	}
	status.subscribed = wanted && complete;
	status.primes = feed_prime_line_is_wanted(all->lines[i]);
	status.primed = feed_prime_line_has_all(all->lines[i]);
	return status;
}
