/* SPDX-License-Identifier: MIT */
/* The feed's place on its thread: sources of messages, one timer, and the way back to Redis. */
#include "src/feed/feed.h"

#include "eio/check.h"
#include "src/feed/feed_int.h"
#include "src/feed/posting.h"
#include "src/feed/uplink.h"

#include <limits.h>
#include <stdlib.h>

enum {
	PATIENCE_PART = 10, /* a batch may take a tenth longer than its interval */
	SAVE_MS = 1000, /* how often the positions of streams are kept */
};

#define FEED_MAGIC 0xfeed0001
#define FEED_INTAKE_MAGIC 0xfeed0002

/* What messages come by, from one server: what is published there, and its streams. */
enum { INTAKE_PUBLISHED, INTAKE_STREAMS, INTAKES };

struct feed_intake {
	unsigned magic;
	struct feed *feed;
	struct source *source; /* feed thread only; NULL before the start and after the end */
	bool wanted; /* there is something to be had from it */
	atomic_bool subscribed;
	atomic_uint refused; /* how many channels and patterns */
};

struct feed {
	unsigned magic;
	struct feed_options options;
	struct mail_port starts, stops, posts, asks;
	atomic_size_t posted; /* bytes posted and not yet taken */
	struct mail start, stop;
	uv_sem_t stopped; /* posted when it has shut down */
	uv_timer_t timer; /* for router.deadline_ms */
	uv_check_t check;
	uint64_t timer_ms; /* what the timer is set to, UINT64_MAX: it is not running */
	bool closed; /* the feed thread's: no more deliveries */
	struct feed_out out;
	struct feed_router router;
	struct feed_intake *intakes; /* INTAKES for each of options.n_redis */
	struct feed_uplink uplink;
	struct metrics *redis_metrics; /* owned: of its connections to Redis */
};

static struct feed *
feed_of(void *user)
{
	struct feed *f = user;

	CHECK_MAGIC(f, FEED_MAGIC);
	return f;
}

static uv_loop_t *
loop_of_feed(const struct feed *f)
{
	return &f->options.thread->loop;
}

/* The timer */

static void on_feed_timer(uv_timer_t *t);

/* The timer only moves when the deadline comes nearer: appending to a batch that is being filled costs nothing. */
static void
arm_feed_timer(struct feed *f)
{
	uint64_t at = f->router.deadline_ms, now = uv_now(loop_of_feed(f));

	if (at >= f->timer_ms) return;
	f->timer_ms = at;
	uv_timer_start(&f->timer, on_feed_timer, at > now ? at - now : 0, 0);
}

static void
on_feed_timer(uv_timer_t *t)
{
	struct feed *f = feed_of(t->data);

	f->timer_ms = UINT64_MAX;
	feed_router_tick(&f->router, uv_now(loop_of_feed(f)));
	arm_feed_timer(f);
	/* The loop is about to wait for input: what is due must not wait with it. */
	feed_out_post(&f->out);
}

/* After everything that was there to read: what was filled up meanwhile goes out together. */
static void
on_feed_check(uv_check_t *c)
{
	struct feed *f = feed_of(c->data);

	feed_out_post(&f->out);
	arm_feed_timer(f);
}

/* Sources */

static void
on_source_message(void *user, struct message *m)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_message(&in->feed->router, m);
}

static void
on_source_entry(void *user, struct message *m)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_entry(&in->feed->router, m);
}

static void
on_source_gap(void *user, const struct source_gap *gap)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_gap(&in->feed->router, gap, uv_now(loop_of_feed(in->feed)));
}

static bool
on_source_may_read(void *user)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	return feed_out_keeps_up(&in->feed->out);
}

static void
on_source_too_long(void *user, const struct message *m, uint64_t n)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_too_long(&in->feed->router, m, n);
}

static void
on_source_refused(void *user, enum message_kind kind, struct eio_bytes name, bool refused)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	feed_router_refused(&in->feed->router, kind, name, refused);
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
patience_ms(const struct feed *f)
{
	unsigned least = UINT_MAX;

	for (size_t i = 0; i < f->options.specs->n; i++) {
		const struct feed_spec *spec = &f->options.specs->v[i];

		if (spec->max_messages == 1) return 0;
		if (spec->interval_ms / PATIENCE_PART < least) least = spec->interval_ms / PATIENCE_PART;
	}
	return least;
}

/* The longest that a message waits here, and a second: then it has left, if nobody was behind. */
static unsigned
save_ms(const struct feed *f)
{
	unsigned most = 0;

	for (size_t i = 0; i < f->options.specs->n; i++)
		if (f->options.specs->v[i].interval_ms > most) most = f->options.specs->v[i].interval_ms;
	return most + SAVE_MS;
}

static const struct source_ops *
ops_of_intake(const struct feed *f, size_t i)
{
	const struct feed_options *o = &f->options;

	if (i % INTAKES == INTAKE_STREAMS) return o->streams;
	return o->replicates && o->replicates[i / INTAKES] ? o->replicated : o->published;
}

static void
open_sources(struct feed *f)
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

	for (size_t i = 0; i < INTAKES * f->options.n_redis; i++) {
		const struct source_options o = {
			.loop = loop_of_feed(f),
			.url = &f->options.redis[i / INTAKES],
			.metrics = f->redis_metrics,
			.channels = f->router.channels,
			.n_channels = f->router.n_channels,
			.patterns = f->router.patterns,
			.n_patterns = f->router.n_patterns,
			.streams = f->router.streams,
			.n_streams = f->router.n_streams,
			.save_ms = save_ms(f),
			.message_bytes = f->options.message_bytes,
			.patience_ms = patience_ms(f),
			.events = &events,
			.user = &f->intakes[i],
		};

		if (!f->intakes[i].wanted) continue;
		f->intakes[i].source = ops_of_intake(f, i)->open(&o);
		if (!f->intakes[i].source) log_error("redis=%s event=not-opened reason=\"out of memory\"", o.url->name);
	}
}

static void
close_sources(struct feed *f)
{
	for (size_t i = 0; i < INTAKES * f->options.n_redis; i++) {
		struct feed_intake *in = &f->intakes[i];

		if (in->source) in->source->ops->close(in->source);
		in->source = NULL;
		atomic_store_explicit(&in->subscribed, false, memory_order_release);
	}
}

/* Closes everything it has on the loop. */
static void
shut_down_feed(struct feed *f)
{
	f->closed = true;
	close_sources(f);
	feed_uplink_close(&f->uplink);
	uv_close((uv_handle_t *)&f->timer, NULL);
	uv_close((uv_handle_t *)&f->check, NULL);
	uv_sem_post(&f->stopped);
}

static void
take_feed_start(void *user, struct mail *run)
{
	(void)run;
	open_sources(feed_of(user));
}

static void
take_feed_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down_feed(feed_of(user));
}

/* What is published without Redis */

static void
take_posts(void *user, struct mail *run)
{
	struct feed *f = feed_of(user);

	while (run) {
		struct feed_posting *p = EIO_CONTAINER(run, struct feed_posting, mail);

		run = run->next;
		atomic_fetch_sub_explicit(&f->posted, p->bytes.n, memory_order_relaxed);
		if (!f->closed) feed_router_post(&f->router, p, uv_now(loop_of_feed(f)));
		feed_posting_free(p);
	}
}

int
feed_post(struct feed *f, struct feed_posting *p)
{
	size_t waiting = atomic_load_explicit(&f->posted, memory_order_relaxed);

	if (waiting && waiting + p->bytes.n > FEED_POST_BYTES) return -1;
	atomic_fetch_add_explicit(&f->posted, p->bytes.n, memory_order_relaxed);
	mail_post(&f->posts, &p->mail);
	return 0;
}

/* Questions */

static void
take_asks(void *user, struct mail *run)
{
	struct feed *f = feed_of(user);

	while (run) {
		struct feed_ask *a = EIO_CONTAINER(run, struct feed_ask, mail);

		run = run->next;
		if (f->closed)
			feed_ask_unref(a);
		else
			feed_router_reply(&f->router, a, uv_now(loop_of_feed(f)));
	}
}

bool
feed_retains(const struct feed *f, struct sio_room_key key)
{
	return feed_specs_retain(f->options.specs, key);
}

bool
feed_retains_widely(const struct feed *f)
{
	return atomic_load_explicit(&f->router.snapshots.wide, memory_order_acquire);
}

void
feed_ask(struct feed *f, struct feed_ask *a)
{
	mail_post(&f->asks, &feed_ask_ref(a)->mail);
}

int
feed_publish(struct feed *f, struct eio_bytes channel, struct eio_bytes payload)
{
	return feed_uplink_post(&f->uplink, channel, payload);
}

unsigned
feed_hand(struct feed *f, uint64_t workers, const struct delivery_item *item)
{
	return feed_out_hand(&f->out, workers, item);
}

/* From new to free */

static void
init_feed_uplink(struct feed *f)
{
	const struct feed_uplink_options o = {
		.thread = f->options.thread,
		.url = f->options.redis,
		.queue_bytes = f->options.publish_queue_bytes,
		.metrics = f->redis_metrics,
	};

	feed_uplink_init(&f->uplink, &o);
}

static void
open_feed_ports(struct feed *f)
{
	struct mailbox *mailbox = &f->options.thread->mailbox;

	f->starts = (struct mail_port){ mailbox, take_feed_start, f };
	f->stops = (struct mail_port){ mailbox, take_feed_stop, f };
	f->posts = (struct mail_port){ mailbox, take_posts, f };
	f->asks = (struct mail_port){ mailbox, take_asks, f };
}

struct feed *
feed_new(const struct feed_options *options)
{
	struct feed *f = calloc(1, sizeof *f);
	size_t n = INTAKES * options->n_redis;

	if (!f) return NULL;
	f->options = *options;
	f->magic = FEED_MAGIC;
	feed_specs_ref(f->options.specs);
	f->timer_ms = UINT64_MAX;
	open_feed_ports(f);
	f->intakes = calloc(n, sizeof *f->intakes);
	if (!f->intakes) goto fail_feed;
	for (size_t i = 0; i < n; i++) {
		f->intakes[i].magic = FEED_INTAKE_MAGIC;
		f->intakes[i].feed = f;
	}
	f->redis_metrics = metrics_new(options->metrics, &redis_metrics, NULL);
	if (!f->redis_metrics) goto fail_intakes;
	init_feed_uplink(f);
	if (feed_out_init(&f->out, &f->options) < 0) goto fail_metrics;
	if (feed_router_init(&f->router, &f->options, &f->out) < 0) goto fail_out;
	for (size_t i = 0; i < n; i++)
		f->intakes[i].wanted = i % INTAKES == INTAKE_STREAMS ? f->router.n_streams > 0
								     : f->router.n_channels + f->router.n_patterns > 0;
	if (uv_sem_init(&f->stopped, 0)) goto fail_router;
	uv_timer_init(loop_of_feed(f), &f->timer);
	uv_check_init(loop_of_feed(f), &f->check);
	uv_check_start(&f->check, on_feed_check);
	f->timer.data = f->check.data = f;
	return f;
fail_router:
	feed_router_deinit(&f->router);
fail_out:
	feed_out_deinit(&f->out);
fail_metrics:
	metrics_free(f->redis_metrics);
fail_intakes:
	free(f->intakes);
fail_feed:
	feed_specs_unref(f->options.specs);
	free(f);
	return NULL;
}

void
feed_set_worker(struct feed *f, unsigned w, const struct mail_port *deliveries)
{
	CHECK(w < f->options.workers);
	f->out.workers[w] = deliveries;
}

void
feed_start(struct feed *f)
{
	mail_post(&f->starts, &f->start);
}

void
feed_stop(struct feed *f)
{
	if (!f->options.thread->running) {
		shut_down_feed(f);
		return;
	}
	mail_post(&f->stops, &f->stop);
	uv_sem_wait(&f->stopped);
}

void
feed_free(struct feed *f)
{
	if (!f) return;
	CHECK(!f->options.thread->running && uv_is_closing((uv_handle_t *)&f->timer));
	uv_sem_destroy(&f->stopped);
	feed_router_deinit(&f->router);
	feed_out_deinit(&f->out);
	metrics_free(f->redis_metrics);
	free(f->intakes);
	feed_specs_unref(f->options.specs);
	f->magic = 0;
	free(f);
}

/* Whether there is nothing more to be waited for. */
static bool
has_all(const struct feed_intake *in)
{
	return !in->wanted || atomic_load_explicit(&in->subscribed, memory_order_acquire);
}

bool
feed_ready(const struct feed *f)
{
	for (size_t i = 0; i < INTAKES * f->options.n_redis; i++)
		if (!has_all(&f->intakes[i])) return false;
	return true;
}

struct feed_redis_status
feed_redis_status(const struct feed *f, size_t i)
{
	struct feed_redis_status status = { .name = f->options.redis[i].name };
	bool wanted = false, all = true;

	for (size_t k = INTAKES * i; k < INTAKES * (i + 1); k++) {
		const struct feed_intake *in = &f->intakes[k];

		wanted |= in->wanted;
		all &= has_all(in);
		status.refused += atomic_load_explicit(&in->refused, memory_order_relaxed);
	}
	status.subscribed = wanted && all;
	return status;
}
