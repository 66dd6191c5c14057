/* SPDX-License-Identifier: MIT */
/*
 * Other feeds' messages. What is published comes on the connection that there is: so nothing is lost of what is wanted
 * before and after. Streams are read on from where they have been read, by a new connection.
 */
#include "eio/check.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/feed/intakes_int.h"

#include <string.h>

static bool
is_same_position(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether streams are read as before. */
static bool
reads_the_same(struct feed_intake *in, const struct source_options *o)
{
	const struct feed_router *r = in->all->router;
	const struct source_options before = feed_intake_options(in, &r->table, r->options->specs);

	if (before.n_streams != o->n_streams || before.save_ms != o->save_ms) return false;
	for (size_t i = 0; i < o->n_streams; i++) {
		const struct redis_streamer_stream *a = &before.streams[i], *b = &o->streams[i];

		if (strcmp(a->name, b->name) != 0 || strcmp(a->from, b->from) != 0) return false;
		if (!is_same_position(a->position, b->position)) return false;
	}
	return true;
}

/* One that takes the place of what there is, and goes on where that has been read to. */
static int
prepare_next(struct feed_intake *in, struct source_options *o)
{
	feed_intake_note(in);
	o->places = in->places;
	o->n_places = in->n_places;
	o->places_ms = clock_wall_ms();
	in->next = feed_intake_open(in, o);
	return in->next ? 0 : -1;
}

static int
prepare_source(struct feed_intake *in, struct source_options *o)
{
	const struct source_ops *ops = in->source->ops;
	int result;

	/* What is refused is told by a new one, too. */
	if (!ops->prepare && reads_the_same(in, o) && !atomic_load(&in->refused)) return 0;
	result = ops->prepare ? ops->prepare(in->source, o) : 1;
	if (result > 0) return prepare_next(in, o);
	in->prepared = result == 0;
	return result;
}

static size_t
server_of(const struct feed_intake *in)
{
	return (size_t)(in - in->all->v) / FEED_INTAKES;
}

static void
on_source_rests(void *user)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	if (in->rests) return;
	in->rests = true;
	in->all->rests(in->all->user, server_of(in));
}

static bool
has_source_rested(void *user)
{
	const struct feed_intake *in = user;

	return in->all->has_rested(in->all->user, server_of(in));
}

/* What is published at the new address comes from now on. So who reads what is retained goes there. */
static void
on_source_switched(void *user, bool lost)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	if (in->line) feed_prime_line_move(in->line);
	on_source_rests(in);
	in->all->switched(in->all->user, server_of(in), lost);
}

static bool
has_source_switched(void *user)
{
	const struct feed_intake *in = user;

	return in->all->has_switched(in->all->user, server_of(in));
}

/* A source has said how it went over. What it holds may be other than before, and then it is read anew. */
static void
on_source_moved(void *user, const struct source_moved *how)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	if (in->line && !how->same) feed_prime_line_gap(in->line);
	/* Nobody else has heard the two one behind the other, just there. */
	if (!how->same) feed_intake_note_state(in);
	in->all->moved(in->all->user, server_of(in), how);
}

static int
prepare_intake(struct feed_intake *in, const struct feed_table *table, const struct feed_specs *specs,
	struct feed_at_work *const *feeds)
{
	struct source_options o = feed_intake_options(in, table, specs);
	struct feed_prime_line *line = feed_intake_line(in);

	if (line) {
		if (feed_prime_line_prepare(line, table, feeds, specs->n) < 0) return -1;
		o.channels = feed_prime_line_next_channels(line, &o.n_channels);
		o.events = feed_intake_events(in, feed_prime_line_will_be_wanted(line));
	}
	if (!feed_intake_is_wanted(in, table)) return 0;
	return in->source ? prepare_source(in, &o) : prepare_next(in, &o);
}

int
feed_intakes_prepare(struct feed_intakes *all, const struct feed_table *table, const struct feed_specs *specs,
	struct feed_at_work *const *feeds)
{
	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++) {
		if (prepare_intake(&all->v[i], table, specs, feeds) == 0) continue;
		feed_intakes_forget(all);
		return -1;
	}
	return 0;
}

void
feed_intakes_forget(struct feed_intakes *all)
{
	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++) {
		struct feed_intake *in = &all->v[i];

		if (feed_intake_line(in)) feed_prime_line_forget(feed_intake_line(in));
		if (in->prepared) in->source->ops->forget(in->source);
		if (in->next) in->next->ops->close(in->next);
		in->prepared = false;
		in->next = NULL;
	}
}

/* What was there before its source would have read back: nobody does any more. */
static void
give_up_past(struct feed_intake *in)
{
	if (!in->past) return;
	log_info("redis=%s event=past-not-read reason=\"streams are read by another connection from now on\"",
		in->all->options->redis[server_of(in)].name);
	feed_intake_settle(in);
}

/* Another source, or none, in the place of what there is. */
static void
replace_source(struct feed_intake *in)
{
	give_up_past(in);
	if (in->source) in->source->ops->close(in->source);
	in->source = in->next;
	in->next = NULL;
	atomic_store_explicit(&in->subscribed, false, memory_order_release);
	atomic_store_explicit(&in->refused, 0, memory_order_relaxed);
}

/* Before any source says something: so all hear of the feeds that are new from the same moment on. */
static void
commit_line(struct feed_intake *in)
{
	struct feed_prime_line *line = feed_intake_line(in);
	bool subscribed = in->source && !in->next && atomic_load(&in->subscribed);

	if (!line) return;
	feed_prime_line_commit(line, &in->all->options->thread->loop, subscribed);
	in->line = feed_prime_line_is_wanted(line) ? line : NULL;
}

static void
commit_intake(struct feed_intake *in)
{
	bool wanted = feed_intake_is_wanted(in, &in->all->router->table);

	atomic_store_explicit(&in->wanted, wanted, memory_order_release);
	if (in->next || !wanted) {
		replace_source(in);
	} else if (in->prepared) {
		atomic_store_explicit(&in->refused, 0, memory_order_relaxed);
		in->prepared = false;
		in->source->ops->commit(in->source);
	}
}

void
feed_intakes_commit(struct feed_intakes *all)
{
	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++) commit_line(&all->v[i]);
	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++) commit_intake(&all->v[i]);
}

/* Going over to another address */

/* By a new source that goes on where this one has read to. */
static void
reopen_source(struct feed_intake *in, struct source_options *o)
{
	if (prepare_next(in, o) < 0) {
		log_error(
			"redis=%s event=not-opened reason=\"out of memory\" hint=\"it goes over when its connection is "
			"lost\"",
			o->url->name);
		return;
	}
	feed_intake_forget_refused(in);
	replace_source(in);
}

static const struct source_move_events move_events = {
	.rests = on_source_rests,
	.has_rested = has_source_rested,
	.switched = on_source_switched,
	.has_switched = has_source_switched,
	.moved = on_source_moved,
};

static bool
is_mover(const struct feed_intake *in)
{
	return in->source && in->source->ops->move;
}

static void
move_intake(struct feed_intake *in, const struct redis_url *old)
{
	const struct feed_router *r = in->all->router;
	struct source_options o = feed_intake_options(in, &r->table, r->options->specs);

	if (!in->source) return;
	in->rests = false;
	if (in->line) o.channels = feed_prime_line_channels(in->line, &o.n_channels);
	if (is_mover(in)) {
		if (in->line) feed_prime_line_stay(in->line);
		in->source->ops->move(in->source, &o, old, &move_events);
	} else {
		reopen_source(in, &o);
	}
}

unsigned
feed_intakes_movers(const struct feed_intakes *all, size_t server)
{
	unsigned n = 0;

	for (size_t i = FEED_INTAKES * server; i < FEED_INTAKES * (server + 1); i++) n += is_mover(&all->v[i]);
	return n;
}

void
feed_intakes_move(struct feed_intakes *all, size_t server, const struct redis_url *old)
{
	/* The line goes with what is published, if that tells when. */
	bool apart = !is_mover(&all->v[FEED_INTAKES * server + FEED_INTAKE_PUBLISHED]);

	for (size_t i = FEED_INTAKES * server; i < FEED_INTAKES * (server + 1); i++) move_intake(&all->v[i], old);
	if (apart && all->lines[server]) feed_prime_line_move(all->lines[server]);
}
