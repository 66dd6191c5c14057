/* SPDX-License-Identifier: MIT */
/* From a subscription to the feed: what is understood becomes an event or an order, the rest is counted. */
#include "src/adapter/adapter.h"

#include "eio/check.h"
#include "src/adapter/classic.h"
#include "src/adapter/metrics.h"
#include "src/base/log.h"
#include "src/feed/sending.h"
#include "src/feed/targets.h"
#include "src/redis/metrics.h"
#include "src/redis/subscriber.h"

#include <stdlib.h>

#define ADAPTER_MAGIC 0xada90001u

enum { PATTERNS = 2 }; /* of broadcasts, and of requests */

struct adapter {
	unsigned magic; /* ADAPTER_MAGIC */
	struct adapter_options options;
	struct mail_port starts, stops;
	struct mail start, stop;
	uv_sem_t stopped;
	struct eio_buf patterns[PATTERNS]; /* each ends in NUL */
	struct metrics *metrics, *redis_metrics; /* owned: of adapter_metrics, of redis_metrics */
	/* The thread's. */
	struct redis_subscriber *subscriber; /* NULL: not yet, or not any more */
	struct adapter_message message;
	struct eio_bytes rooms[FEED_MAX_ROOMS], except[FEED_MAX_ROOMS], names[FEED_MAX_ROOMS];
	struct log_limit limit;
	bool closed;
};

static struct adapter *
adapter_of(void *user)
{
	struct adapter *a = user;

	CHECK_MAGIC(a, ADAPTER_MAGIC);
	return a;
}

/* What is meant is done */

static unsigned
send_event_of(const struct adapter *a)
{
	const struct adapter_message *m = &a->message;
	const struct feed_posted event = {
		.is_event = true,
		.payload = m->data,
		.nsp = m->nsp,
		.everyone = !m->rooms.n,
		.rooms = eio_buf_bytes(&m->rooms),
		.except = eio_buf_bytes(&m->except),
		.attachments = m->json.attachments,
		.n_attachments = m->has_placeholders ? m->json.n_attachments : 0,
		.fleeting = m->fleeting,
		.acked = m->acked,
	};

	return feed_send(a->options.feed, &event);
}

static unsigned
send_order(struct adapter *a, enum feed_move_kind kind)
{
	const struct adapter_message *m = &a->message;
	struct audience who = { .nsp = m->nsp, .rooms = a->rooms, .except = a->except };
	struct audience rooms = { .nsp = m->nsp, .rooms = a->names };

	who.n_rooms = feed_names_list(eio_buf_bytes(&m->rooms), a->rooms);
	who.n_except = feed_names_list(eio_buf_bytes(&m->except), a->except);
	rooms.n_rooms = feed_names_list(eio_buf_bytes(&m->names), a->names);
	return feed_order(a->options.feed, kind, &who, m->kind == ADAPTER_DISCONNECT ? NULL : &rooms);
}

static unsigned
do_message(struct adapter *a)
{
	switch (a->message.kind) {
	case ADAPTER_NOTHING: return 0;
	case ADAPTER_EVENT: return send_event_of(a);
	case ADAPTER_JOIN: return send_order(a, FEED_MOVE_JOIN);
	case ADAPTER_LEAVE: return send_order(a, FEED_MOVE_LEAVE);
	case ADAPTER_DISCONNECT: return send_order(a, a->message.close ? FEED_MOVE_CLOSE : FEED_MOVE_DISCONNECT);
	}
	return 0;
}

/* What is not */

static const char *
refusal_name(enum adapter_result r)
{
	static const char *const names[] = { [ADAPTER_UNDERSTOOD] = "",
#define X(name, label) [ADAPTER_REFUSED_##name] = label,
		ADAPTER_REFUSALS(X)
#undef X
	};

	return names[r];
}

static void
refuse_message(struct adapter *a, enum adapter_result r, struct eio_bytes channel, size_t bytes)
{
	metrics_inc(a->metrics, ADAPTER_METRIC_REFUSED_UNREADABLE + (unsigned)(r - ADAPTER_REFUSED_UNREADABLE));
	log_limited(LOG_LEVEL_WARN, &a->limit, uv_now(&a->options.thread->loop),
		"redis=%s event=adapter-refused reason=%s channel=\"%s\" bytes=%zu", a->options.redis->name,
		refusal_name(r), LOG_ESCAPE(channel), bytes);
}

/* What comes */

static void
on_adapter_message(void *user, const struct redis_message *m)
{
	struct adapter *a = adapter_of(user);
	enum adapter_result r;

	metrics_inc(a->metrics, ADAPTER_METRIC_CLASSIC);
	r = adapter_classic_read(eio_cstr(a->options.spec->key), m->channel, m->payload, &a->message);
	if (r == ADAPTER_UNDERSTOOD)
		metrics_add(a->metrics, ADAPTER_METRIC_DROPPED, do_message(a));
	else
		refuse_message(a, r, m->channel, m->payload.n);
}

static void
on_adapter_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	refuse_message(adapter_of(user), ADAPTER_REFUSED_TOO_LONG, m->channel, (size_t)n);
}

static void
on_adapter_state(void *user, bool ready)
{
	metrics_put(adapter_of(user)->metrics, ADAPTER_METRIC_SUBSCRIBED, ready);
}

/* The subscriber says so in the log. */
static void
on_adapter_subscription(void *user, bool is_pattern, struct eio_bytes name, bool refused)
{
	(void)user;
	(void)is_pattern;
	(void)name;
	(void)refused;
}

/* From the beginning to the end */

static void
take_adapter_start(void *user, struct mail *run)
{
	struct adapter *a = adapter_of(user);
	const char *patterns[PATTERNS] = { a->patterns[0].p, a->patterns[1].p };
	const struct redis_subscriber_options o = {
		.url = a->options.redis,
		.metrics = a->redis_metrics,
		.patterns = patterns,
		.n_patterns = PATTERNS,
		.message_bytes = a->options.message_bytes,
		.message = on_adapter_message,
		.too_long = on_adapter_too_long,
		.state = on_adapter_state,
		.refused = on_adapter_subscription,
		.user = a,
	};

	(void)run;
	a->subscriber = redis_subscriber_open(&a->options.thread->loop, &o);
	if (!a->subscriber) log_error("redis=%s event=not-opened reason=\"out of memory\"", o.url->name);
}

static void
shut_down_adapter(struct adapter *a)
{
	a->closed = true;
	if (a->subscriber) redis_subscriber_close(a->subscriber);
	a->subscriber = NULL;
	uv_sem_post(&a->stopped);
}

static void
take_adapter_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down_adapter(adapter_of(user));
}

static bool
make_patterns(struct adapter *a)
{
	for (size_t i = 0; i < PATTERNS; i++) {
		adapter_classic_pattern(a->options.spec->key, i > 0, &a->patterns[i]);
		eio_buf_addc(&a->patterns[i], '\0');
		if (eio_buf_failed(&a->patterns[i])) return false;
	}
	return true;
}

static void
free_adapter_parts(struct adapter *a)
{
	for (size_t i = 0; i < PATTERNS; i++) eio_buf_deinit(&a->patterns[i]);
	adapter_message_deinit(&a->message);
	metrics_free(a->metrics);
	metrics_free(a->redis_metrics);
	a->magic = 0;
	free(a);
}

struct adapter *
adapter_new(const struct adapter_options *options)
{
	struct adapter *a = calloc(1, sizeof *a);
	struct mailbox *mailbox = &options->thread->mailbox;

	if (!a) return NULL;
	a->magic = ADAPTER_MAGIC;
	a->options = *options;
	a->starts = (struct mail_port){ mailbox, take_adapter_start, a };
	a->stops = (struct mail_port){ mailbox, take_adapter_stop, a };
	adapter_message_init(&a->message);
	a->metrics = metrics_new(options->metrics, &adapter_metrics, NULL);
	a->redis_metrics = metrics_new(options->metrics, &redis_metrics, options->redis->name);
	if (a->metrics && a->redis_metrics && make_patterns(a) && uv_sem_init(&a->stopped, 0) == 0) return a;
	free_adapter_parts(a);
	return NULL;
}

void
adapter_start(struct adapter *a)
{
	mail_post(&a->starts, &a->start);
}

void
adapter_stop(struct adapter *a)
{
	if (!a->options.thread->running) {
		shut_down_adapter(a);
		return;
	}
	mail_post(&a->stops, &a->stop);
	uv_sem_wait(&a->stopped);
}

void
adapter_free(struct adapter *a)
{
	if (!a) return;
	CHECK(!a->options.thread->running && a->closed);
	uv_sem_destroy(&a->stopped);
	free_adapter_parts(a);
}
