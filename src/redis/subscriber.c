/* SPDX-License-Identifier: MIT */
/* The role of a link that subscribes. */
#include "src/redis/subscriber.h"

#include "eio/check.h"
#include "src/redis/command.h"
#include "src/redis/link.h"
#include "src/redis/pacing.h"

#include <stdlib.h>

#define REDIS_SUBSCRIBER_MAGIC 0x4ed15b5c

struct redis_subscriber {
	unsigned magic;
	struct redis_subscriber_options options;
	struct redis_link *link;
	struct redis_pacing *pacing; /* NULL: every message is taken at once */
};

static struct redis_subscriber *
subscriber_of(void *user)
{
	struct redis_subscriber *s = user;

	CHECK_MAGIC(s, REDIS_SUBSCRIBER_MAGIC);
	return s;
}

static size_t
subscriber_greet(void *user, struct eio_buf *out)
{
	const struct redis_subscriber_options *o = &subscriber_of(user)->options;

	redis_command_subscribe(out, "SUBSCRIBE", o->channels, o->n_channels);
	redis_command_subscribe(out, "PSUBSCRIBE", o->patterns, o->n_patterns);
	return o->n_channels + o->n_patterns;
}

static void
subscriber_message(void *user, const struct redis_message *m)
{
	struct redis_subscriber *s = subscriber_of(user);

	s->options.message(s->options.user, m);
}

static bool
subscriber_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	if (reply == REDIS_REPLY_IS_ERROR) redis_link_refuse(subscriber_of(user)->link, text);
	return reply == REDIS_REPLY_IS_SUBSCRIBED;
}

static void
subscriber_looked(void *user, size_t n)
{
	struct redis_subscriber *s = subscriber_of(user);

	if (s->pacing) redis_pacing_note(s->pacing, n);
}

static void
subscriber_ready(void *user)
{
	struct redis_subscriber *s = subscriber_of(user);

	s->options.state(s->options.user, true);
}

static void
subscriber_lost(void *user)
{
	struct redis_subscriber *s = subscriber_of(user);

	if (s->pacing) redis_pacing_reset(s->pacing);
	s->options.state(s->options.user, false);
}

static const struct redis_role subscriber_role = {
	.name = "subscribe",
	.greet = subscriber_greet,
	.message = subscriber_message,
	.reply = subscriber_reply,
	.looked = subscriber_looked,
	.ready = subscriber_ready,
	.lost = subscriber_lost,
};

struct redis_subscriber *
redis_subscriber_open(uv_loop_t *loop, const struct redis_subscriber_options *options)
{
	struct redis_subscriber *s = calloc(1, sizeof *s);
	const struct redis_link_options link_options = {
		.url = options->url,
		.metrics = options->metrics,
		.silent_ms = options->silent_ms,
		.dead_ms = options->dead_ms,
		.role = &subscriber_role,
		.user = s,
	};

	if (!s) return NULL;
	s->magic = REDIS_SUBSCRIBER_MAGIC;
	s->options = *options;
	s->link = redis_link_open(loop, &link_options);
	if (!s->link) goto fail_subscriber;
	if (options->may_pause && !(s->pacing = redis_pacing_new(loop, s->link))) goto fail_link;
	return s;
fail_link:
	redis_link_close(s->link);
fail_subscriber:
	free(s);
	return NULL;
}

void
redis_subscriber_close(struct redis_subscriber *s)
{
	redis_link_close(s->link);
	if (s->pacing) redis_pacing_free(s->pacing);
	s->magic = 0;
	free(s);
}
