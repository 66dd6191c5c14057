/* SPDX-License-Identifier: MIT */
/* From workers to a publisher. All that one turn takes is written at once. */
#include "src/feed/uplink.h"

#include "eio/check.h"
#include "eio/list.h"
#include "src/redis/publisher.h"
#include "src/redis/spublisher.h"

#include <stdlib.h>

/* A message for Redis on its way to the thread. */
struct uplink_mail {
	struct mail mail;
	size_t channel_n, payload_n;
	char data[]; /* channel, payload */
};

/* What it counts in queue_bytes: empty ones are bounded, too. */
static size_t
uplink_cost(size_t channel_n, size_t payload_n)
{
	return sizeof(struct uplink_mail) + channel_n + payload_n;
}

/* At the node that has its slot. */
static void
publish_in_cluster(struct feed_uplink *u, struct eio_bytes channel, struct eio_bytes payload)
{
	const struct redis_spublisher_options o = {
		.url = u->options.url,
		.metrics = u->options.metrics,
		.queue_bytes = u->options.queue_bytes,
	};

	if (!u->spublisher) u->spublisher = redis_spublisher_open(&u->options.thread->loop, &o);
	if (u->spublisher)
		redis_spublisher_publish(u->spublisher, channel, payload);
	else
		metrics_inc(u->options.metrics, REDIS_METRIC_PUBLISH_DROPPED);
}

/* Any server will do. */
static void
publish_anywhere(struct feed_uplink *u, bool shard, struct eio_bytes channel, struct eio_bytes payload)
{
	const struct eio_bytes words[] = { shard ? EIO_LIT("SPUBLISH") : EIO_LIT("PUBLISH"), channel, payload };
	const struct redis_publisher_options o = {
		.url = u->options.url,
		.metrics = u->options.metrics,
		.queue_bytes = u->options.queue_bytes,
	};

	if (!u->publisher) {
		u->publisher = redis_publisher_open(&u->options.thread->loop, &o);
		if (u->publisher && u->stays) redis_publisher_stay(u->publisher);
	}
	if (u->publisher)
		redis_publisher_command(u->publisher, words, sizeof words / sizeof words[0]);
	else
		metrics_inc(u->options.metrics, REDIS_METRIC_PUBLISH_DROPPED);
}

static void
publish_mail(struct feed_uplink *u, const struct uplink_mail *p)
{
	struct eio_bytes channel = eio_bytes(p->data, p->channel_n);
	struct eio_bytes payload = eio_bytes(p->data + p->channel_n, p->payload_n);
	bool shard;

	if (!u->options.url) {
		u->options.take(u->options.user, channel, payload);
		metrics_inc(u->options.metrics, REDIS_METRIC_PUBLISH_SENT);
		return;
	}
	shard = u->options.is_shard(u->options.user, channel);
	if (shard && u->options.url->is_cluster)
		publish_in_cluster(u, channel, payload);
	else
		publish_anywhere(u, shard, channel, payload);
}

bool
feed_uplink_moves(const struct feed_uplink *u)
{
	return u->publisher && redis_publisher_moves(u->publisher);
}

void
feed_uplink_flush(struct feed_uplink *u)
{
	if (u->publisher) redis_publisher_flush(u->publisher);
}

static void
take_publishes(void *user, struct mail *run)
{
	struct feed_uplink *u = user;
	struct mail *next;

	CHECK_MAGIC(u, FEED_UPLINK_MAGIC);
	for (struct mail *m = run; m; m = next) {
		struct uplink_mail *p = EIO_CONTAINER(m, struct uplink_mail, mail);

		next = m->next;
		if (!u->closed) publish_mail(u, p);
		atomic_fetch_sub_explicit(&u->posted, uplink_cost(p->channel_n, p->payload_n), memory_order_relaxed);
		free(p);
	}
	metrics_add(u->options.metrics, REDIS_METRIC_PUBLISH_DROPPED,
		atomic_exchange_explicit(&u->overflows, 0, memory_order_relaxed));
	feed_uplink_flush(u);
}

void
feed_uplink_init(struct feed_uplink *u, const struct feed_uplink_options *options)
{
	*u = (struct feed_uplink){
		.magic = FEED_UPLINK_MAGIC,
		.options = *options,
		.publishes = { &options->thread->mailbox, take_publishes, u },
	};
}

int
feed_uplink_post(struct feed_uplink *u, struct eio_bytes channel, struct eio_bytes payload)
{
	size_t n = uplink_cost(channel.n, payload.n);
	struct uplink_mail *p;

	if (atomic_fetch_add_explicit(&u->posted, n, memory_order_relaxed) + n > u->options.queue_bytes) {
		atomic_fetch_sub_explicit(&u->posted, n, memory_order_relaxed);
		atomic_fetch_add_explicit(&u->overflows, 1, memory_order_relaxed);
		return 0;
	}
	p = malloc(n);
	if (!p) {
		atomic_fetch_sub_explicit(&u->posted, n, memory_order_relaxed);
		atomic_fetch_add_explicit(&u->overflows, 1, memory_order_relaxed);
		return -1;
	}
	p->channel_n = channel.n;
	p->payload_n = payload.n;
	if (channel.n) memcpy(p->data, channel.p, channel.n);
	if (payload.n) memcpy(p->data + channel.n, payload.p, payload.n);
	mail_post(&u->publishes, &p->mail);
	return 0;
}

void
feed_uplink_stay(struct feed_uplink *u)
{
	u->stays = true;
	if (u->publisher) redis_publisher_stay(u->publisher);
}

void
feed_uplink_rest(struct feed_uplink *u)
{
	if (u->publisher) redis_publisher_rest(u->publisher);
}

bool
feed_uplink_is_answered(const struct feed_uplink *u)
{
	return !u->publisher || redis_publisher_is_answered(u->publisher);
}

void
feed_uplink_move(struct feed_uplink *u, bool lost)
{
	u->stays = false;
	if (u->publisher) redis_publisher_move(u->publisher, lost);
}

void
feed_uplink_close(struct feed_uplink *u)
{
	CHECK(!u->closed);
	u->closed = true;
	if (u->publisher) redis_publisher_close(u->publisher);
	if (u->spublisher) redis_spublisher_close(u->spublisher);
	u->publisher = NULL;
	u->spublisher = NULL;
}
