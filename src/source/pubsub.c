/* SPDX-License-Identifier: MIT */
/* From a subscriber to the feed: its messages become the feed's, where they lie. */
#include "src/source/pubsub.h"

#include "eio/check.h"
#include "eio/list.h"
#include "src/redis/pacing.h"
#include "src/redis/subscriber.h"

#include <stdlib.h>

#define PUBSUB_MAGIC 0x50bb5b50

struct pubsub {
	struct source source;
	unsigned magic;
	uv_loop_t *loop;
	struct redis_subscriber *subscriber;
	const struct source_events *events;
	void *user;
};

static struct pubsub *
pubsub_of(void *user)
{
	struct pubsub *p = user;

	CHECK_MAGIC(p, PUBSUB_MAGIC);
	return p;
}

static void
on_pubsub_message(void *user, const struct redis_message *m)
{
	struct pubsub *p = pubsub_of(user);
	struct message message = {
		.kind = m->is_pattern ? MESSAGE_OF_PATTERN : MESSAGE_OF_CHANNEL,
		.name = m->name,
		.channel = m->channel,
		.payload = m->payload,
		.now_ms = uv_now(p->loop),
	};

	p->events->message(p->user, &message);
}

static void
on_pubsub_state(void *user, bool ready)
{
	struct pubsub *p = pubsub_of(user);

	p->events->state(p->user, ready);
}

static struct source *
pubsub_open(const struct source_options *options)
{
	struct pubsub *p = calloc(1, sizeof *p);
	const struct redis_subscriber_options o = {
		.url = options->url,
		.metrics = options->metrics,
		.channels = options->channels,
		.patterns = options->patterns,
		.n_channels = options->n_channels,
		.n_patterns = options->n_patterns,
		.may_pause = options->patience_ms >= REDIS_PAUSE_MS,
		.message = on_pubsub_message,
		.state = on_pubsub_state,
		.user = p,
	};

	if (!p) return NULL;
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

const struct source_ops source_pubsub = { pubsub_open, pubsub_close };
