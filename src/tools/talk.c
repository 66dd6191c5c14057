/* SPDX-License-Identifier: MIT */
/* A role of a link that keeps answers, on a loop that runs as long as one is waited for. */
#include "src/tools/talk.h"

#include "eio/check.h"
#include "src/base/log.h"
#include "src/redis/command.h"
#include "src/redis/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
	TALK_MAGIC = 0x7a1c4ed1,
	TALK_TICK_MS = 5, /* how often it is looked whether the connection failed */
	TALK_REPLY_BYTES = 8 << 20,
	TALK_QUEUE_BYTES = 1 << 20, /* of commands that are written together */
};

struct talk {
	unsigned magic; /* TALK_MAGIC */
	uv_loop_t loop;
	uv_timer_t tick;
	uint64_t give_up_ms;
	struct redis_link *link;
	struct metrics_set metrics;
	struct metrics *counts;
	struct redis_values answer; /* the last one */
	struct eio_buf queue;
	size_t queued;
	uint64_t sent, wanted; /* commands, and how many answers are waited for */
	struct talk_sum sum;
	char error[200], why[300];
	bool lost;
};

static struct talk *
talk_of(void *user)
{
	struct talk *t = user;

	CHECK_MAGIC(t, TALK_MAGIC);
	return t;
}

static size_t
talk_greet(void *user, struct eio_buf *out)
{
	(void)user;
	(void)out;
	return 0;
}

static void
on_talk_message(void *user, const struct redis_message *m)
{
	(void)user;
	(void)m;
}

static void
on_talk_values(void *user, const struct redis_values *values)
{
	struct talk *t = talk_of(user);
	struct redis_item item;
	size_t at = 0;

	redis_values_begin(&t->answer);
	while (redis_values_next(values, &at, &item)) {
		redis_values_add(&t->answer, item.kind, item.n, item.bytes);
		if (item.kind == REDIS_ITEM_INTEGER) t->sum.integers += item.n;
	}
}

static bool
on_talk_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct talk *t = talk_of(user);

	if (t->sum.answers == t->sent) {
		if (reply == REDIS_REPLY_IS_ERROR) redis_link_refuse(t->link, text); /* it is about to hang up */
		return false;
	}
	t->sum.answers++;
	if (reply == REDIS_REPLY_IS_ERROR && t->sum.errors++ == 0) log_escape(text, t->error, sizeof t->error);
	if (t->sum.answers >= t->wanted) uv_stop(&t->loop);
	return true;
}

static void
on_talk_ready(void *user)
{
	uv_stop(&talk_of(user)->loop);
}

static void
on_talk_lost(void *user)
{
	struct talk *t = talk_of(user);

	t->lost = true;
	uv_stop(&t->loop);
}

static const struct redis_role talk_role = {
	.name = "siocast-ask",
	.greet = talk_greet,
	.message = on_talk_message,
	.values = on_talk_values,
	.reply = on_talk_reply,
	.ready = on_talk_ready,
	.lost = on_talk_lost,
};

/* A link tells of its end only when it was ready before. */
static void
on_talk_tick(uv_timer_t *timer)
{
	struct talk *t = talk_of(timer->data);

	if (uv_now(&t->loop) >= t->give_up_ms || *redis_link_failure(t->link)) {
		t->lost = true;
		uv_stop(&t->loop);
	}
}

/* Runs until something stops it. 0, or -1 when the connection failed or time is over. */
static int
run_talk(struct talk *t)
{
	uv_update_time(&t->loop);
	t->give_up_ms = uv_now(&t->loop) + TALK_TIMEOUT_MS;
	uv_timer_start(&t->tick, on_talk_tick, TALK_TICK_MS, TALK_TICK_MS);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	uv_timer_stop(&t->tick);
	if (!t->lost) return 0;
	snprintf(t->why, sizeof t->why, "%s",
		*redis_link_failure(t->link) ? redis_link_failure(t->link) : "no answer in 10 seconds");
	return -1;
}

/* Takes apart what talk_open() has made so far. */
static void
free_talk(struct talk *t)
{
	if (t->link) redis_link_close(t->link);
	uv_close((uv_handle_t *)&t->tick, NULL);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	uv_loop_close(&t->loop);
	metrics_free(t->counts);
	metrics_set_deinit(&t->metrics);
	redis_values_deinit(&t->answer);
	eio_buf_deinit(&t->queue);
	t->magic = 0;
	free(t);
}

static struct talk *
new_talk(const struct redis_url *url)
{
	struct talk *t = calloc(1, sizeof *t);

	if (!t) return NULL;
	t->magic = TALK_MAGIC;
	t->answer.max = TALK_REPLY_BYTES;
	if (metrics_set_init(&t->metrics) || uv_loop_init(&t->loop)) {
		free(t);
		return NULL;
	}
	uv_timer_init(&t->loop, &t->tick);
	t->tick.data = t;
	t->counts = metrics_new(&t->metrics, &redis_metrics, url->name);
	t->link = t->counts ? redis_link_open(&t->loop,
				      &(struct redis_link_options){
					      .url = url,
					      .metrics = t->counts,
					      .max_string = TALK_REPLY_BYTES,
					      .max_reply = TALK_REPLY_BYTES,
					      .role = &talk_role,
					      .user = t,
				      })
			    : NULL;
	if (t->link) return t;
	free_talk(t);
	return NULL;
}

struct talk *
talk_open(const struct redis_url *url, char *why, size_t why_size)
{
	struct talk *t;

	/* What is wrong is told by whoever asks. */
	log_set_level(LOG_LEVEL_ERROR);
	t = new_talk(url);
	if (!t) {
		snprintf(why, why_size, "out of memory");
		return NULL;
	}
	if (run_talk(t) == 0) return t;
	snprintf(why, why_size, "%s", t->why);
	free_talk(t);
	return NULL;
}

void
talk_close(struct talk *t)
{
	if (t) free_talk(t);
}

static int
flush_talk(struct talk *t)
{
	size_t n = t->queued;

	if (t->lost) return -1;
	if (!n) return 0;
	if (eio_buf_failed(&t->queue)) {
		snprintf(t->why, sizeof t->why, "out of memory");
		t->lost = true;
		return -1;
	}
	t->queued = 0;
	t->sent += n;
	redis_link_write(t->link, &t->queue, n);
	return 0;
}

int
talk_send(struct talk *t, const struct eio_bytes *words, size_t n)
{
	redis_command(&t->queue, n);
	for (size_t i = 0; i < n; i++) redis_argument(&t->queue, words[i]);
	t->queued++;
	return t->queue.n < TALK_QUEUE_BYTES ? 0 : talk_wait(t, 0);
}

int
talk_wait(struct talk *t, uint64_t most)
{
	if (flush_talk(t)) return -1;
	t->wanted = t->sent > most ? t->sent - most : 0;
	while (t->sum.answers < t->wanted)
		if (run_talk(t)) return -1;
	return 0;
}

const struct redis_values *
talk_ask(struct talk *t, const struct eio_bytes *words, size_t n)
{
	if (talk_send(t, words, n) || talk_wait(t, 0)) return NULL;
	return &t->answer;
}

struct talk_sum
talk_sum(const struct talk *t)
{
	struct talk_sum sum = t->sum;

	sum.error = t->error;
	return sum;
}

const char *
talk_why(const struct talk *t)
{
	return t->why;
}
