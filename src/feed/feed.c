/* SPDX-License-Identifier: MIT */
/* The feed's place on its thread: Redis connections and one timer. */
#include "src/feed/feed.h"

#include "eio/check.h"
#include "src/feed/feed_int.h"
#include "src/redis/pacing.h"
#include "src/redis/publisher.h"
#include "src/redis/subscriber.h"

#include <stdlib.h>

enum { PAUSE_INTERVAL_MS = 10 }; /* a batch this long gets a tenth longer, at most, by REDIS_PAUSE_MS */

/* A message for Redis on its way to the feed thread. */
struct publish {
	struct mail mail;
	size_t channel_n, payload_n;
	char data[]; /* channel, payload */
};

/* One server messages come from. */
struct source {
	struct feed *feed;
	struct redis_subscriber *redis; /* feed thread only; NULL before the start and after the end */
	atomic_bool subscribed;
};

struct feed {
	struct feed_options options;
	struct mail_port publishes, starts, stops;
	struct mail start, stop;
	uv_sem_t stopped; /* posted when it has shut down */
	uv_timer_t timer; /* for router.deadline_ms */
	uv_check_t check;
	uint64_t timer_ms; /* what the timer is set to, UINT64_MAX: it is not running */
	struct feed_out out;
	struct feed_router router;
	struct source *sources;
	struct redis_publisher *publisher; /* made when something is published first */
	atomic_size_t publishing; /* bytes posted and not yet taken */
	_Atomic uint64_t overflows; /* messages not even posted; the feed thread counts them */
};

static uv_loop_t *
loop_of_feed(const struct feed *f)
{
	return &f->options.thread->loop;
}

static uint64_t
feed_now(const struct feed *f)
{
	return uv_now(loop_of_feed(f));
}

/* The timer */

static void on_timer(uv_timer_t *t);

/* The timer only moves when the deadline comes nearer: appending to a batch that is being filled costs nothing. */
static void
arm(struct feed *f)
{
	uint64_t at = f->router.deadline_ms, now = feed_now(f);

	if (at >= f->timer_ms) return;
	f->timer_ms = at;
	uv_timer_start(&f->timer, on_timer, at > now ? at - now : 0, 0);
}

static void
on_timer(uv_timer_t *t)
{
	struct feed *f = t->data;

	f->timer_ms = UINT64_MAX;
	feed_router_tick(&f->router, feed_now(f));
	arm(f);
	/* The loop is about to wait for input: what is due must not wait with it. */
	feed_out_post(&f->out);
}

/* After everything that was there to read: what was filled up meanwhile goes out together. */
static void
on_check(uv_check_t *c)
{
	struct feed *f = c->data;

	feed_out_post(&f->out);
	arm(f);
}

/* Redis */

static void
on_message(void *user, const struct redis_message *m)
{
	struct source *s = user;

	feed_router_message(&s->feed->router, m, feed_now(s->feed));
}

static void
on_state(void *user, bool ready)
{
	struct source *s = user;

	atomic_store_explicit(&s->subscribed, ready, memory_order_release);
}

static bool
has_feeds(const struct feed *f)
{
	return f->options.specs->n > 0;
}

/* Whether a message may wait REDIS_PAUSE_MS for others. Every server has the messages of every feed. */
static bool
may_pause(const struct feed *f)
{
	for (size_t i = 0; i < f->options.specs->n; i++) {
		const struct feed_spec *c = &f->options.specs->v[i];

		if (c->interval_ms < PAUSE_INTERVAL_MS || c->max_messages == 1) return false;
	}
	return true;
}

static void
open_sources(struct feed *f)
{
	if (!has_feeds(f)) return;
	for (size_t i = 0; i < f->options.n_redis; i++) {
		const struct redis_subscriber_options o = {
			.url = &f->options.redis[i],
			.metrics = f->options.metrics,
			.channels = f->router.channels,
			.n_channels = f->router.n_channels,
			.patterns = f->router.patterns,
			.n_patterns = f->router.n_patterns,
			.may_pause = may_pause(f),
			.message = on_message,
			.state = on_state,
			.user = &f->sources[i],
		};

		f->sources[i].redis = redis_subscriber_open(loop_of_feed(f), &o);
		if (!f->sources[i].redis) log_error("redis=%s event=not-opened reason=\"out of memory\"", o.url->name);
	}
}

/* Mail */

static void
publish(struct feed *f, struct publish *p)
{
	const struct redis_publisher_options o = {
		.url = &f->options.redis[0],
		.metrics = f->options.metrics,
		.queue_bytes = f->options.publish_queue_bytes,
	};

	if (!f->publisher) f->publisher = redis_publisher_open(loop_of_feed(f), &o);
	if (f->publisher)
		redis_publisher_publish(f->publisher, eio_bytes(p->data, p->channel_n),
			eio_bytes(p->data + p->channel_n, p->payload_n));
	else
		metrics_inc(f->options.metrics, METRIC_PUBLISH_DROPPED);
}

/* Closes everything it has on the loop. */
static void
shut_down(struct feed *f)
{
	for (size_t i = 0; i < f->options.n_redis; i++) {
		if (f->sources[i].redis) redis_subscriber_close(f->sources[i].redis);
		f->sources[i].redis = NULL;
		atomic_store_explicit(&f->sources[i].subscribed, false, memory_order_release);
	}
	if (f->publisher) redis_publisher_close(f->publisher);
	f->publisher = NULL;
	uv_close((uv_handle_t *)&f->timer, NULL);
	uv_close((uv_handle_t *)&f->check, NULL);
	uv_sem_post(&f->stopped);
}

static void
take_publishes(void *user, struct mail *run)
{
	struct feed *f = user;
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct publish *p = EIO_CONTAINER(m, struct publish, mail);

		next = m->next;
		if (!uv_is_closing((uv_handle_t *)&f->timer)) publish(f, p);
		atomic_fetch_sub_explicit(&f->publishing, p->channel_n + p->payload_n, memory_order_relaxed);
		free(p);
	}
	metrics_add(f->options.metrics, METRIC_PUBLISH_DROPPED,
		atomic_exchange_explicit(&f->overflows, 0, memory_order_relaxed));
	if (f->publisher) redis_publisher_flush(f->publisher);
}

static void
take_start(void *user, struct mail *run)
{
	(void)run;
	open_sources(user);
}

static void
take_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down(user);
}

int
feed_publish(struct feed *f, struct eio_bytes channel, struct eio_bytes payload)
{
	size_t n = channel.n + payload.n;
	struct publish *p;

	if (atomic_fetch_add_explicit(&f->publishing, n, memory_order_relaxed) + n > f->options.publish_queue_bytes) {
		atomic_fetch_sub_explicit(&f->publishing, n, memory_order_relaxed);
		atomic_fetch_add_explicit(&f->overflows, 1, memory_order_relaxed);
		return 0;
	}
	p = malloc(sizeof *p + n);
	if (!p) {
		atomic_fetch_sub_explicit(&f->publishing, n, memory_order_relaxed);
		return -1;
	}
	p->channel_n = channel.n;
	p->payload_n = payload.n;
	if (channel.n) memcpy(p->data, channel.p, channel.n);
	if (payload.n) memcpy(p->data + channel.n, payload.p, payload.n);
	mail_post(&f->publishes, &p->mail);
	return 0;
}

/* From new to free */

struct feed *
feed_new(const struct feed_options *options)
{
	struct feed *f = calloc(1, sizeof *f);
	size_t n = options->n_redis;

	if (!f) return NULL;
	f->options = *options;
	feed_specs_ref(f->options.specs);
	f->timer_ms = UINT64_MAX;
	f->publishes = (struct mail_port){ &options->thread->mailbox, take_publishes, f };
	f->starts = (struct mail_port){ &options->thread->mailbox, take_start, f };
	f->stops = (struct mail_port){ &options->thread->mailbox, take_stop, f };
	f->sources = calloc(n, sizeof *f->sources);
	if (!f->sources) goto fail_feed;
	for (size_t i = 0; i < n; i++) f->sources[i].feed = f;
	if (feed_out_init(&f->out, &f->options) < 0) goto fail_sources;
	if (feed_router_init(&f->router, &f->options, &f->out) < 0) goto fail_out;
	if (uv_sem_init(&f->stopped, 0)) goto fail_router;
	uv_timer_init(loop_of_feed(f), &f->timer);
	uv_check_init(loop_of_feed(f), &f->check);
	uv_check_start(&f->check, on_check);
	f->timer.data = f->check.data = f;
	return f;
fail_router:
	feed_router_deinit(&f->router);
fail_out:
	feed_out_deinit(&f->out);
fail_sources:
	free(f->sources);
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
		shut_down(f);
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
	free(f->sources);
	feed_specs_unref(f->options.specs);
	free(f);
}

bool
feed_ready(const struct feed *f)
{
	if (!has_feeds(f)) return true;
	for (size_t i = 0; i < f->options.n_redis; i++)
		if (!atomic_load_explicit(&f->sources[i].subscribed, memory_order_acquire)) return false;
	return true;
}

struct feed_redis_status
feed_redis_status(const struct feed *f, size_t i)
{
	return (struct feed_redis_status){
		.name = f->options.redis[i].name,
		.subscribed = atomic_load_explicit(&f->sources[i].subscribed, memory_order_acquire),
	};
}
