/* SPDX-License-Identifier: MIT */
/* An adapter from its beginning to its end. */
#include "src/adapter/adapter_int.h"

#include <stdlib.h>

static bool
speaks(const struct adapter *a)
{
	return a->options.spec->mode == ADAPTER_MEMBER || a->options.spec->dialects.heard[ADAPTER_SHARDED];
}

static bool
open_publishers(struct adapter *a, const struct redis_publisher_options *o)
{
	const struct redis_spublisher_options shards = { o->url, o->metrics, o->queue_bytes };

	a->publisher = redis_publisher_open(&a->options.thread->loop, o);
	if (!a->publisher || !o->url->is_cluster || !a->options.spec->dialects.heard[ADAPTER_SHARDED])
		return a->publisher != NULL;
	a->spublisher = redis_spublisher_open(&a->options.thread->loop, &shards);
	return a->spublisher != NULL;
}

static void
take_adapter_start(void *user, struct mail *run)
{
	struct adapter *a = adapter__of(user);
	const struct redis_publisher_options o = {
		.url = a->options.redis,
		.metrics = a->redis_metrics,
		.queue_bytes = a->options.publish_queue_bytes,
	};
	bool ok = true;

	(void)run;
	if (speaks(a)) ok = open_publishers(a, &o);
	if (!ok || !adapter__hear(a)) log_error("redis=%s event=not-opened reason=\"out of memory\"", o.url->name);
	adapter__show_state(a);
}

static void
shut_down_adapter(struct adapter *a)
{
	a->closed = true;
	adapter__forget_surveys(a);
	adapter__forget_heard(a);
	if (a->channels) movable_close(a->channels);
	if (a->streamer) redis_streamer_close(a->streamer);
	if (a->publisher) redis_publisher_close(a->publisher);
	if (a->spublisher) redis_spublisher_close(a->spublisher);
	a->channels = NULL;
	a->streamer = NULL;
	a->publisher = NULL;
	a->spublisher = NULL;
	uv_sem_post(&a->stopped);
}

static void
take_adapter_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down_adapter(adapter__of(user));
}

static void
free_adapter_parts(struct adapter *a)
{
	adapter__names_free(a->names);
	eio_hash_deinit(&a->surveys);
	eio_hash_deinit(&a->heard);
	eio_buf_deinit(&a->scratch);
	eio_buf_deinit(&a->stream_names);
	free(a->streams);
	free(a->places);
	adapter_outgoing_deinit(&a->outgoing);
	adapter_message_deinit(&a->message);
	metrics_free(a->metrics);
	metrics_free(a->redis_metrics);
	a->magic = 0;
	free(a);
}

/* As the libraries make theirs: six characters, or sixteen digits. */
static bool
choose_uids(struct adapter *a)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
	enum { CLASSIC_UID = 6 };
	unsigned char random[ADAPTER_UID_MAX];

	for (unsigned d = 0; d < ADAPTER_DIALECTS; d++) {
		unsigned n = d == ADAPTER_CLASSIC ? CLASSIC_UID : ADAPTER_UID_MAX,
			 mask = d == ADAPTER_CLASSIC ? 63 : 15;

		if (uv_random(NULL, NULL, random, sizeof random, 0, NULL)) return false;
		for (unsigned i = 0; i < n; i++) a->uids[d][i] = letters[random[i] & mask];
	}
	return true;
}

static void
open_adapter_ports(struct adapter *a)
{
	struct mailbox *mailbox = &a->options.thread->mailbox;

	a->starts = (struct mail_port){ mailbox, take_adapter_start, a };
	a->stops = (struct mail_port){ mailbox, take_adapter_stop, a };
	a->answers = (struct mail_port){ mailbox, adapter__take_answers, a };
	a->told = (struct mail_port){ mailbox, adapter__take_told, a };
	a->watched = (struct mail_port){ mailbox, adapter__take_watched, a };
	a->named = (struct mail_port){ mailbox, adapter__take_named, a };
}

struct adapter *
adapter_new(const struct adapter_options *options)
{
	struct adapter *a = calloc(1, sizeof *a);

	if (!a) return NULL;
	a->magic = ADAPTER_MAGIC;
	a->options = *options;
	open_adapter_ports(a);
	adapter_message_init(&a->message);
	a->metrics = metrics_new(options->metrics, &adapter_metrics, NULL);
	a->redis_metrics = metrics_new(options->metrics, &redis_metrics, options->redis->name);
	if (a->metrics && a->redis_metrics && choose_uids(a) && eio_hash_init(&a->surveys) == 0 &&
		eio_hash_init(&a->heard) == 0 && uv_sem_init(&a->stopped, 0) == 0) {
		adapter__watch(a);
		return a;
	}
	free_adapter_parts(a);
	return NULL;
}

int
adapter_set_namespaces(struct adapter *a, const char *const *names, size_t n)
{
	struct adapter_names *copy = adapter__names_new(names, n);

	if (!copy) return -1;
	mail_post(&a->named, &copy->mail);
	return 0;
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
