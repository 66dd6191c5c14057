/* SPDX-License-Identifier: MIT */
/* From a subscriber to the feed: its messages become the feed's, where they lie. */
#include "src/source/pubsub.h"

#include "eio/check.h"
#include "eio/list.h"
#include "src/redis/pacing.h"
#include "src/redis/subscriber.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PUBSUB_MAGIC 0x50bb5b50

struct pubsub {
	struct source source;
	unsigned magic;
	uv_loop_t *loop;
	struct redis_subscriber *subscriber;
	bool goes_on; /* with a connection that it was given, and has not said so yet */
	const struct source_events *events, *next; /* next: what was prepared */
	void *user;
};

static struct pubsub *
pubsub_of(void *user)
{
	struct pubsub *p = user;

	CHECK_MAGIC(p, PUBSUB_MAGIC);
	return p;
}

static enum message_kind
message_kind_of(bool is_pattern)
{
	return is_pattern ? MESSAGE_OF_PATTERN : MESSAGE_OF_CHANNEL;
}

/* Field by field: an initializer clears all of it first, which takes longer than the rest. */
static inline void
fill_message(const struct pubsub *p, const struct redis_message *m, struct message *out)
{
	out->kind = message_kind_of(m->is_pattern);
	out->name = m->name;
	out->channel = m->channel;
	out->payload = m->payload;
	out->id = out->words = eio_bytes("", 0);
	out->now_ms = uv_now(p->loop);
	out->json = out->utf8 = MESSAGE_FACT_UNKNOWN;
}

static void
on_pubsub_message(void *user, const struct redis_message *m)
{
	struct pubsub *p = pubsub_of(user);
	struct message message;

	fill_message(p, m, &message);
	p->events->message(p->user, &message);
}

static void
on_pubsub_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	struct pubsub *p = pubsub_of(user);
	struct message message;

	fill_message(p, m, &message);
	p->events->too_long(p->user, &message, n);
}

static void
on_pubsub_state(void *user, bool ready)
{
	struct pubsub *p = pubsub_of(user);

	p->events->state(p->user, ready);
	if (!ready || !p->goes_on) return;
	p->goes_on = false;
	p->events->settled(p->user);
}

static void
on_pubsub_answered(void *user, bool all)
{
	struct pubsub *p = pubsub_of(user);

	p->events->answered(p->user, all);
}

static void
on_pubsub_refused(void *user, bool is_pattern, struct eio_bytes name, bool refused)
{
	struct pubsub *p = pubsub_of(user);

	p->events->refused(p->user, message_kind_of(is_pattern), name, refused);
}

static void
on_pubsub_gap(void *user, bool is_pattern, struct eio_bytes name, uint64_t from_ms, uint64_t to_ms)
{
	struct pubsub *p = pubsub_of(user);
	char from[24], to[24];
	const struct source_gap gap = {
		.kind = message_kind_of(is_pattern),
		.name = name,
		.from = eio_bytes(from, (size_t)snprintf(from, sizeof from, "%" PRIu64, from_ms)),
		.to = eio_bytes(to, (size_t)snprintf(to, sizeof to, "%" PRIu64, to_ms)),
	};

	p->events->gap(p->user, &gap);
}

static struct redis_subscriber_options
subscriber_options(const struct source_options *options, struct pubsub *p)
{
	return (struct redis_subscriber_options){
		.url = options->url,
		.metrics = options->metrics,
		.channels = options->channels,
		.patterns = options->patterns,
		.n_channels = options->n_channels,
		.n_patterns = options->n_patterns,
		.message_bytes = options->message_bytes,
		.may_pause = options->patience_ms >= REDIS_PAUSE_MS,
		.message = on_pubsub_message,
		.too_long = on_pubsub_too_long,
		.state = on_pubsub_state,
		.answered = on_pubsub_answered,
		.refused = on_pubsub_refused,
		.gap = on_pubsub_gap,
		.user = p,
	};
}

static struct source *
pubsub_open(const struct source_options *options)
{
	struct pubsub *p = calloc(1, sizeof *p);
	struct redis_subscriber_options o = subscriber_options(options, p);

	if (options->n_places && options->places[0].fd >= 0) {
		o.handed = options->places[0].text;
		o.handed_fd = options->places[0].fd;
	}
	if (!p && o.handed) close(o.handed_fd);
	if (!p) return NULL;
	p->goes_on = o.handed != NULL;
	p->source.ops = &source_pubsub;
	p->magic = PUBSUB_MAGIC;
	p->loop = options->loop;
	p->events = options->events;
	p->user = options->user;
	p->subscriber = redis_subscriber_open(options->loop, &o);
	if (p->subscriber) return &p->source;
	free(p);
	return NULL;
}

static void
pubsub_close(struct source *s)
{
	struct pubsub *p = pubsub_of(EIO_CONTAINER(s, struct pubsub, source));

	redis_subscriber_close(p->subscriber);
	p->magic = 0;
	free(p);
}

static int
pubsub_prepare(struct source *s, const struct source_options *options)
{
	struct pubsub *p = pubsub_of(EIO_CONTAINER(s, struct pubsub, source));
	const struct redis_subscriber_options o = subscriber_options(options, p);

	p->next = options->events;
	return redis_subscriber_prepare(p->subscriber, &o);
}

static void
pubsub_commit(struct source *s)
{
	struct pubsub *p = pubsub_of(EIO_CONTAINER(s, struct pubsub, source));

	p->events = p->next;
	redis_subscriber_commit(p->subscriber);
}

static void
pubsub_forget(struct source *s)
{
	redis_subscriber_forget(pubsub_of(EIO_CONTAINER(s, struct pubsub, source))->subscriber);
}

static int
pubsub_hand(const struct source *s, struct eio_buf *text)
{
	const struct pubsub *p = pubsub_of(EIO_CONTAINER((struct source *)(uintptr_t)s, struct pubsub, source));

	return redis_subscriber_hand(p->subscriber, text);
}

const struct source_ops source_pubsub = {
	.open = pubsub_open,
	.close = pubsub_close,
	.prepare = pubsub_prepare,
	.commit = pubsub_commit,
	.forget = pubsub_forget,
	.hand = pubsub_hand,
};
