/* SPDX-License-Identifier: MIT */
/* What is said to a server. */
#include "src/source/move_end.h"

#include "eio/check.h"
#include "src/redis/command.h"

#include <string.h>

#define MOVE_END_MAGIC 0x50bbe4d0

enum { REPLY_BYTES = 65536 };

static struct move_end *
move_end_of(void *user)
{
	struct move_end *e = user;

	CHECK_MAGIC(e, MOVE_END_MAGIC);
	return e;
}

/* Says what was said last, unless it is to wait until it is connected again. */
static void
say_again(struct move_end *e)
{
	const struct eio_bytes number = eio_bytes(&e->number, 1);
	struct eio_buf b;

	if (!move_end_is_ready(e)) return;
	eio_buf_init(&b);
	redis_command(&b, e->channel ? 3 : 1);
	redis_argument(&b, e->channel ? EIO_LIT("PUBLISH") : EIO_LIT("INFO"));
	if (e->channel) redis_argument(&b, eio_cstr(e->channel));
	if (e->channel) redis_argument(&b, number);
	e->unanswered++; /* before it is written, which may tell at once that the connection is lost */
	redis_fetcher_write(e->fetcher, &b, 1);
	eio_buf_deinit(&b);
}

static void
on_move_end_ready(void *user)
{
	struct move_end *e = move_end_of(user);

	if (e->waits) say_again(e);
}

static void
on_move_end_lost(void *user)
{
	move_end_of(user)->unanswered = 0;
}

static void
on_move_end_idle(void *user)
{
	(void)move_end_of(user);
}

/* The id is 40 digits behind its name; whatever else a server says there is no id. */
static void
find_replid(struct move_end *e, struct eio_bytes text)
{
	static const char name[] = "master_replid:";
	const char *found = memmem(text.p, text.n, name, sizeof name - 1);
	const char *id;

	if (!found) return;
	id = found + sizeof name - 1;
	if ((size_t)(text.p + text.n - id) < MOVE_END_REPLID - 1 || memchr(id, '\r', MOVE_END_REPLID - 1)) return;
	memcpy(e->replid, id, MOVE_END_REPLID - 1);
}

static void
take_info(struct move_end *e, struct eio_bytes text)
{
	static const char clustered[] = "\ncluster_enabled:1";

	find_replid(e, text);
	e->clustered = memmem(text.p, text.n, clustered, sizeof clustered - 1) != NULL;
}

static void
on_move_end_reply(void *user, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values)
{
	struct move_end *e = move_end_of(user);
	struct redis_item item;
	size_t at = 0;

	(void)reply;
	(void)text;
	if (!e->answered && values && redis_values_next(values, &at, &item) && item.kind == REDIS_ITEM_STRING)
		take_info(e, item.bytes);
	e->answered = true; /* it is the first that is asked */
	if (--e->unanswered == 0) e->waits = false;
}

bool
move_end_open(struct move_end *e, uv_loop_t *loop, const struct redis_url *url, struct metrics *metrics)
{
	const struct redis_fetcher_options o = {
		.url = url,
		.metrics = metrics,
		.max_string = REPLY_BYTES,
		.max_reply = REPLY_BYTES,
		.ready = on_move_end_ready,
		.lost = on_move_end_lost,
		.reply = on_move_end_reply,
		.idle = on_move_end_idle,
		.user = e,
	};

	e->magic = MOVE_END_MAGIC;
	e->fetcher = redis_fetcher_open(loop, &o);
	return e->fetcher != NULL;
}

void
move_end_close(struct move_end *e)
{
	if (e->fetcher) redis_fetcher_close(e->fetcher);
	e->fetcher = NULL;
}

bool
move_end_is_ready(const struct move_end *e)
{
	return redis_fetcher_is_ready(e->fetcher);
}

void
move_end_ask(struct move_end *e)
{
	e->channel = NULL;
	e->waits = true;
	say_again(e);
}

void
move_end_publish(struct move_end *e, const char *channel, char number)
{
	e->channel = channel;
	e->number = number;
	e->waits = true;
	say_again(e);
}
