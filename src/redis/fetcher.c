/* SPDX-License-Identifier: MIT */
/* The role of a link that reads keys. */
#include "src/redis/fetcher.h"

#include "eio/check.h"
#include "src/redis/link.h"

#include <stdlib.h>

#define REDIS_FETCHER_MAGIC 0x4ed1fe7c

struct redis_fetcher {
	unsigned magic;
	struct redis_fetcher_options options;
	struct redis_link *link;
	size_t unanswered;
	const struct redis_values *values; /* of the reply that is told next */
};

static struct redis_fetcher *
fetcher_of(void *user)
{
	struct redis_fetcher *f = user;

	CHECK_MAGIC(f, REDIS_FETCHER_MAGIC);
	return f;
}

static size_t
fetcher_greet(void *user, struct eio_buf *out)
{
	(void)user;
	(void)out;
	return 0;
}

/* Nobody asked for it. */
static void
fetcher_message(void *user, const struct redis_message *m)
{
	(void)user;
	(void)m;
}

static void
fetcher_values(void *user, const struct redis_values *values)
{
	fetcher_of(user)->values = values;
}

/* An error to nothing that was asked is said before hanging up; without AUTH, nothing will be allowed later. */
static bool
fetcher_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_fetcher *f = fetcher_of(user);
	bool is_error = reply == REDIS_REPLY_IS_ERROR;

	if (!f->unanswered || (is_error && eio_bytes_starts(text, EIO_LIT("NOAUTH")))) {
		if (is_error) redis_link_refuse(f->link, text);
		return false;
	}
	f->unanswered--;
	f->options.reply(f->options.user, reply, text, f->values);
	return true;
}

static void
fetcher_looked(void *user, size_t n)
{
	struct redis_fetcher *f = fetcher_of(user);

	(void)n;
	f->options.idle(f->options.user);
}

static void
fetcher_ready(void *user)
{
	struct redis_fetcher *f = fetcher_of(user);

	f->options.ready(f->options.user);
}

static void
fetcher_lost(void *user)
{
	struct redis_fetcher *f = fetcher_of(user);

	f->unanswered = 0;
	f->options.lost(f->options.user);
}

static const struct redis_role fetcher_role = {
	.name = "read",
	.greet = fetcher_greet,
	.message = fetcher_message,
	.values = fetcher_values,
	.reply = fetcher_reply,
	.looked = fetcher_looked,
	.ready = fetcher_ready,
	.lost = fetcher_lost,
};

struct redis_fetcher *
redis_fetcher_open(uv_loop_t *loop, const struct redis_fetcher_options *options)
{
	struct redis_fetcher *f = calloc(1, sizeof *f);
	const struct redis_link_options link_options = {
		.url = options->url,
		.metrics = options->metrics,
		.max_string = options->max_string,
		.max_reply = options->max_reply,
		.silent_ms = options->silent_ms,
		.dead_ms = options->dead_ms,
		.role = &fetcher_role,
		.user = f,
	};

	if (!f) return NULL;
	f->magic = REDIS_FETCHER_MAGIC;
	f->options = *options;
	f->link = redis_link_open(loop, &link_options);
	if (f->link) return f;
	free(f);
	return NULL;
}

void
redis_fetcher_close(struct redis_fetcher *f)
{
	redis_link_close(f->link);
	f->magic = 0;
	free(f);
}

void
redis_fetcher_allow(struct redis_fetcher *f, size_t max_reply)
{
	redis_link_allow(f->link, max_reply);
}

void
redis_fetcher_redial(struct redis_fetcher *f)
{
	redis_link_redial(f->link);
}

const char *
redis_fetcher_failure(const struct redis_fetcher *f)
{
	return redis_link_failure(f->link);
}

const struct redis_url *
redis_fetcher_place(const struct redis_fetcher *f)
{
	return redis_link_place(f->link);
}

bool
redis_fetcher_is_ready(const struct redis_fetcher *f)
{
	return redis_link_is_ready(f->link);
}

void
redis_fetcher_write(struct redis_fetcher *f, struct eio_buf *buf, size_t n)
{
	f->unanswered += n;
	redis_link_write(f->link, buf, n);
}
