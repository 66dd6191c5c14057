/* SPDX-License-Identifier: MIT */
/* The role of a link that publishes. */
#include "src/redis/publisher.h"

#include "eio/check.h"
#include "src/base/log.h"
#include "src/redis/command.h"
#include "src/redis/link.h"

#include <stdlib.h>

enum { MAX_STRING = 65536 }; /* nobody sends a publisher strings */

#define REDIS_PUBLISHER_MAGIC 0x4ed19b15

struct redis_publisher {
	unsigned magic;
	uv_loop_t *loop;
	struct redis_publisher_options options;
	struct redis_link *link;
	struct eio_buf queue; /* PUBLISH commands not written yet */
	size_t queued, unanswered; /* messages in queue; and written */
	struct log_limit limit;
	bool stays; /* at its address, which is not that of new connections any more */
	bool away; /* the same, and its connection there is lost, or rests: it writes nothing */
	bool moves; /* to another address, when all is answered, or that has taken too long: */
	uv_timer_t timer;
};

static struct redis_publisher *
publisher_of(void *user)
{
	struct redis_publisher *p = user;

	CHECK_MAGIC(p, REDIS_PUBLISHER_MAGIC);
	return p;
}

static int
drop_command(struct redis_publisher *p)
{
	metrics_inc(p->options.metrics, REDIS_METRIC_PUBLISH_DROPPED);
	return -1;
}

int
redis_publisher_command(struct redis_publisher *p, const struct eio_bytes *words, size_t n)
{
	struct eio_buf *q = &p->queue;
	size_t before = q->n, bytes = 0;

	for (size_t i = 0; i < n; i++) bytes += words[i].n;
	if (bytes + q->n + redis_link_unwritten(p->link) > p->options.queue_bytes) return drop_command(p);
	redis_command(q, n);
	for (size_t i = 0; i < n; i++) redis_argument(q, words[i]);
	if (eio_buf_failed(q)) { /* forget the half of it that fitted */
		q->n = before;
		q->failed = false;
		return drop_command(p);
	}
	p->queued++;
	return 0;
}

int
redis_publisher_publish(struct redis_publisher *p, struct eio_bytes channel, struct eio_bytes payload)
{
	const struct eio_bytes words[] = { EIO_LIT("PUBLISH"), channel, payload };

	return redis_publisher_command(p, words, sizeof words / sizeof words[0]);
}

void
redis_publisher_flush(struct redis_publisher *p)
{
	size_t n = p->queued;

	if (!redis_link_is_ready(p->link) || !n || p->moves || p->away) return;
	p->unanswered += n;
	p->queued = 0;
	redis_link_write(p->link, &p->queue, n);
}

static size_t
publisher_greet(void *user, struct eio_buf *out)
{
	(void)user;
	(void)out;
	return 0;
}

static void
publish_refused(struct redis_publisher *p, struct eio_bytes text)
{
	uint64_t suppressed;

	metrics_inc(p->options.metrics, REDIS_METRIC_PUBLISH_FAILED);
	if (log_limit_pass(&p->limit, uv_now(p->loop), &suppressed))
		log_warn("redis=%s event=publish-refused reason=\"%s\" suppressed=%llu", p->options.url->name,
			LOG_ESCAPE(text), (unsigned long long)suppressed);
}

/* Nobody asked for it. */
static void
publisher_message(void *user, const struct redis_message *m)
{
	(void)user;
	(void)m;
}

static bool
publisher_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_publisher *p = publisher_of(user);

	bool is_error = reply == REDIS_REPLY_IS_ERROR;

	/* How many subscribers there were, or the id of an entry. */
	if (!is_error && reply != REDIS_REPLY_IS_INTEGER && reply != REDIS_REPLY_IS_OTHER) return false;
	if (!p->unanswered) {
		if (is_error) redis_link_refuse(p->link, text); /* to nothing: it is about to hang up */
		return false;
	}
	p->unanswered--;
	if (is_error)
		publish_refused(p, text);
	else
		metrics_inc(p->options.metrics, REDIS_METRIC_PUBLISH_SENT);
	return true;
}

static void
publisher_ready(void *user)
{
	redis_publisher_flush(publisher_of(user));
}

/* Nobody knows whether what was written arrived. */
static void
publisher_lost(void *user)
{
	struct redis_publisher *p = publisher_of(user);

	metrics_add(p->options.metrics, REDIS_METRIC_PUBLISH_FAILED, p->unanswered);
	p->unanswered = 0;
	p->moves = false; /* it does */
	uv_timer_stop(&p->timer);
	p->away = p->stays;
}

static void
publisher_looked(void *user, size_t n)
{
	struct redis_publisher *p = publisher_of(user);

	(void)n;
	if (p->moves && !p->unanswered) redis_link_redial(p->link);
}

void
redis_publisher_stay(struct redis_publisher *p)
{
	p->stays = true;
	p->away = !redis_link_is_ready(p->link);
}

void
redis_publisher_rest(struct redis_publisher *p)
{
	p->away = p->stays;
}

bool
redis_publisher_is_answered(const struct redis_publisher *p)
{
	return p->unanswered == 0;
}

static void
on_publisher_timer(uv_timer_t *t)
{
	struct redis_publisher *p = publisher_of(t->data);

	if (p->moves) redis_link_redial(p->link);
}

void
redis_publisher_move(struct redis_publisher *p, bool at_once)
{
	p->stays = p->away = false;
	p->moves = p->unanswered > 0 && !at_once;
	if (p->moves)
		uv_timer_start(&p->timer, on_publisher_timer, REDIS_PUBLISHER_MOVE_MS, 0);
	else
		redis_link_redial(p->link);
}

bool
redis_publisher_moves(const struct redis_publisher *p)
{
	return p->moves;
}

static const struct redis_role publisher_role = {
	.name = "publish",
	.greet = publisher_greet,
	.message = publisher_message,
	.reply = publisher_reply,
	.looked = publisher_looked,
	.ready = publisher_ready,
	.lost = publisher_lost,
};

struct redis_publisher *
redis_publisher_open(uv_loop_t *loop, const struct redis_publisher_options *options)
{
	struct redis_publisher *p = calloc(1, sizeof *p);
	const struct redis_link_options link_options = {
		.url = options->url,
		.metrics = options->metrics,
		.max_string = MAX_STRING,
		.silent_ms = options->silent_ms,
		.dead_ms = options->dead_ms,
		.role = &publisher_role,
		.user = p,
	};

	if (!p) return NULL;
	p->magic = REDIS_PUBLISHER_MAGIC;
	p->loop = loop;
	p->options = *options;
	p->link = redis_link_open(loop, &link_options);
	if (!p->link) {
		free(p);
		return NULL;
	}
	uv_timer_init(loop, &p->timer); /* cannot fail */
	p->timer.data = p;
	return p;
}

static void
on_publisher_timer_closed(uv_handle_t *h)
{
	struct redis_publisher *p = publisher_of(h->data);

	p->magic = 0;
	free(p);
}

void
redis_publisher_close(struct redis_publisher *p)
{
	p->moves = p->away = false; /* better there than nowhere */
	redis_publisher_flush(p);
	metrics_add(p->options.metrics, REDIS_METRIC_PUBLISH_DROPPED, p->queued);
	redis_link_close(p->link);
	eio_buf_deinit(&p->queue);
	uv_close((uv_handle_t *)&p->timer, on_publisher_timer_closed);
}
