/* SPDX-License-Identifier: MIT */
/* A connection that is only made. */
#include "src/redis/reach.h"

#include "eio/check.h"
#include "src/base/log.h"
#include "src/redis/command.h"
#include "src/redis/fetcher.h"

#include <stdio.h>
#include <stdlib.h>

#define REDIS_REACH_MAGIC 0x4ed14eac

struct redis_reach {
	unsigned magic;
	struct redis_fetcher *fetcher;
	uv_timer_t timer; /* looks how it is going */
	uint64_t until_ms;
	bool ready, replicates, asked, answered;
	char refused[200]; /* by the answer */
	void (*done)(void *user, const char *why);
	void *user;
};

enum { REACH_LOOK_MS = 20, REACH_STRING = 65536 };

static struct redis_reach *
reach_of(void *user)
{
	struct redis_reach *r = user;

	CHECK_MAGIC(r, REDIS_REACH_MAGIC);
	return r;
}

static void
on_reach_ready(void *user)
{
	reach_of(user)->ready = true;
}

static void
on_reach_lost(void *user)
{
	reach_of(user)->ready = false;
}

static void
on_reach_reply(void *user, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values)
{
	struct redis_reach *r = reach_of(user);

	(void)values;
	r->answered = true;
	if (reply == REDIS_REPLY_IS_ERROR)
		snprintf(r->refused, sizeof r->refused, "REPLCONF refused: %s", LOG_ESCAPE(text));
}

/* What a replica says first. */
static void
ask_for_replication(struct redis_reach *r)
{
	struct eio_buf b;

	eio_buf_init(&b);
	redis_command(&b, 3);
	redis_argument(&b, EIO_LIT("REPLCONF"));
	redis_argument(&b, EIO_LIT("capa"));
	redis_argument(&b, EIO_LIT("eof"));
	r->asked = true;
	redis_fetcher_write(r->fetcher, &b, 1);
	eio_buf_deinit(&b);
}

static void
on_reach_idle(void *user)
{
	(void)user;
}

static void
tell_reach(struct redis_reach *r, const char *why)
{
	uv_timer_stop(&r->timer);
	r->done(r->user, why);
}

/* The first failure is the answer: whoever asks wants to know now. */
static void
on_reach_timer(uv_timer_t *t)
{
	struct redis_reach *r = reach_of(t->data);
	const char *failure = redis_fetcher_failure(r->fetcher);

	if (r->ready && r->replicates && !r->asked)
		ask_for_replication(r);
	else if (r->ready && (!r->replicates || r->answered))
		tell_reach(r, *r->refused ? r->refused : NULL);
	else if (*failure)
		tell_reach(r, failure);
	else if (uv_now(t->loop) >= r->until_ms)
		tell_reach(r, "timed out");
}

struct redis_reach *
redis_reach_start(uv_loop_t *loop, const struct redis_url *url, bool replicates, struct metrics *metrics,
	void (*done)(void *user, const char *why), void *user)
{
	struct redis_reach *r = calloc(1, sizeof *r);
	const struct redis_fetcher_options o = {
		.url = url,
		.metrics = metrics,
		.max_string = REACH_STRING,
		.max_reply = REACH_STRING,
		.ready = on_reach_ready,
		.lost = on_reach_lost,
		.reply = on_reach_reply,
		.idle = on_reach_idle,
		.user = r,
	};

	if (!r) return NULL;
	*r = (struct redis_reach){ .magic = REDIS_REACH_MAGIC, .replicates = replicates, .done = done, .user = user };
	r->fetcher = redis_fetcher_open(loop, &o);
	if (!r->fetcher) {
		free(r);
		return NULL;
	}
	uv_timer_init(loop, &r->timer); /* cannot fail */
	r->timer.data = r;
	r->until_ms = uv_now(loop) + REDIS_REACH_MS;
	uv_timer_start(&r->timer, on_reach_timer, REACH_LOOK_MS, REACH_LOOK_MS);
	return r;
}

static void
on_reach_closed(uv_handle_t *h)
{
	struct redis_reach *r = reach_of(h->data);

	r->magic = 0;
	free(r);
}

void
redis_reach_end(struct redis_reach *r)
{
	uv_timer_stop(&r->timer);
	redis_fetcher_close(r->fetcher);
	r->fetcher = NULL;
	uv_close((uv_handle_t *)&r->timer, on_reach_closed);
}
