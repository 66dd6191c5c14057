/* SPDX-License-Identifier: MIT */
/* A loop with the daemon's subscribers, one for each server. */
#include "src/tools/hear.h"

#include "eio/check.h"
#include "src/base/log.h"
#include "src/redis/subscriber.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { HEARING_MAGIC = 0x4ea41417, HEARING_SECOND_MS = 1000 };

struct hearing {
	unsigned magic; /* HEARING_MAGIC */
	const struct hear *options;
	uv_loop_t loop;
	uv_timer_t second;
	uv_signal_t sigint, sigterm;
	unsigned passed; /* seconds */
	struct metrics_set metrics;
	struct metrics *counts[CONFIG_MAX_REDIS]; /* for each server */
	const char **channels, **patterns;
	size_t n_channels, n_patterns;
	struct redis_subscriber *subscribers[CONFIG_MAX_REDIS];
	size_t ready; /* of them */
	bool stopped;
};

static struct hearing *
hearing_of(void *user)
{
	struct hearing *h = user;

	CHECK_MAGIC(h, HEARING_MAGIC);
	return h;
}

static void
stop_hearing(struct hearing *h)
{
	h->stopped = true;
	uv_stop(&h->loop);
}

static void
on_heard_message(void *user, const struct redis_message *m)
{
	struct hearing *h = hearing_of(user);

	/* More may be told of what was read together. */
	if (!h->stopped && !h->options->message(h->options->user, m, uv_hrtime())) stop_hearing(h);
}

static void
on_heard_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	(void)user;
	log_warn("channel=\"%s\" event=message-too-long bytes=%llu", LOG_ESCAPE(m->channel), (unsigned long long)n);
}

/* Whoever waits for it to listen is told when all servers are subscribed. */
static void
on_hearing_state(void *user, bool ready)
{
	struct hearing *h = hearing_of(user);

	h->ready += ready ? 1 : (size_t)-1;
	if (ready && h->ready == h->options->config->n_redis)
		fprintf(stderr, "siocast %s: subscribed\n", h->options->call->tool->name);
}

/* The log has told of it. */
static void
on_hearing_refused(void *user, bool is_pattern, struct eio_bytes name, bool refused)
{
	(void)user;
	(void)is_pattern;
	(void)name;
	(void)refused;
}

static void
on_hearing_second(uv_timer_t *t)
{
	struct hearing *h = hearing_of(t->data);

	if (h->options->second) h->options->second(h->options->user);
	if (h->options->seconds && ++h->passed >= h->options->seconds) stop_hearing(h);
}

static void
on_hearing_signal(uv_signal_t *s, int signum)
{
	(void)signum;
	stop_hearing(hearing_of(s->data));
}

static bool
sort_heard_names(struct hearing *h)
{
	const struct hear *o = h->options;

	h->channels = calloc(o->n + 1, sizeof(char *));
	h->patterns = calloc(o->n + 1, sizeof(char *));
	for (size_t i = 0; h->channels && h->patterns && i < o->n; i++) {
		if (strpbrk(o->names[i], "*?["))
			h->patterns[h->n_patterns++] = o->names[i];
		else
			h->channels[h->n_channels++] = o->names[i];
	}
	return h->channels && h->patterns;
}

static bool
open_subscribers(struct hearing *h)
{
	struct feed_options feed = { .thread = NULL };

	config_fill_feed(h->options->config, &feed);
	for (size_t i = 0; i < h->options->config->n_redis; i++) {
		h->counts[i] = metrics_new(&h->metrics, &redis_metrics, config_redis(h->options->config, i)->name);
		if (!h->counts[i]) return false;
		h->subscribers[i] = redis_subscriber_open(&h->loop, &(struct redis_subscriber_options){
									    .url = config_redis(h->options->config, i),
									    .metrics = h->counts[i],
									    .channels = h->channels,
									    .patterns = h->patterns,
									    .n_channels = h->n_channels,
									    .n_patterns = h->n_patterns,
									    .message_bytes = feed.message_bytes,
									    .message = on_heard_message,
									    .too_long = on_heard_too_long,
									    .state = on_hearing_state,
									    .refused = on_hearing_refused,
									    .user = h,
								    });
		if (!h->subscribers[i]) return false;
	}
	return true;
}

static void
watch_hearing(struct hearing *h)
{
	uv_timer_init(&h->loop, &h->second);
	uv_signal_init(&h->loop, &h->sigint);
	uv_signal_init(&h->loop, &h->sigterm);
	h->second.data = h->sigint.data = h->sigterm.data = h;
	uv_timer_start(&h->second, on_hearing_second, HEARING_SECOND_MS, HEARING_SECOND_MS);
	uv_signal_start(&h->sigint, on_hearing_signal, SIGINT);
	uv_signal_start(&h->sigterm, on_hearing_signal, SIGTERM);
}

static void
close_hearing(struct hearing *h)
{
	for (size_t i = 0; i < CONFIG_MAX_REDIS; i++)
		if (h->subscribers[i]) redis_subscriber_close(h->subscribers[i]);
	uv_close((uv_handle_t *)&h->second, NULL);
	uv_close((uv_handle_t *)&h->sigint, NULL);
	uv_close((uv_handle_t *)&h->sigterm, NULL);
	uv_run(&h->loop, UV_RUN_DEFAULT);
}

int
hear(const struct hear *options)
{
	struct hearing h = { .magic = HEARING_MAGIC, .options = options };
	bool good = false;

	log_set_level(LOG_LEVEL_WARN);
	if (options->config->hub) return tool_fail(options->call, TOOL_NO_EDGE, options->config->hub), -1;
	if (!options->config->n_redis)
		return tool_fail(options->call, "there is no Redis to hear: what is published by the intake is not "
						"told to others"),
		       -1;
	if (metrics_set_init(&h.metrics)) return tool_fail(options->call, "out of memory"), -1;
	if (sort_heard_names(&h) && uv_loop_init(&h.loop) == 0) {
		watch_hearing(&h);
		good = open_subscribers(&h);
		if (good) uv_run(&h.loop, UV_RUN_DEFAULT);
		close_hearing(&h);
		uv_loop_close(&h.loop);
	}
	if (!good) tool_fail(options->call, "out of memory");
	free(h.channels);
	free(h.patterns);
	for (size_t i = 0; i < CONFIG_MAX_REDIS; i++) metrics_free(h.counts[i]);
	metrics_set_deinit(&h.metrics);
	return good ? 0 : -1;
}
