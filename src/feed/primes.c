/* SPDX-License-Identifier: MIT */
/* A primer and its connection. */
#include "src/feed/primes.h"

#include "eio/check.h"
#include "src/redis/fetcher.h"

#include <stdlib.h>
#include <string.h>

#define FEED_PRIME_LINE_MAGIC 0xfeed0006

struct feed_prime_line {
	unsigned magic;
	struct feed_primer primer;
	struct metrics *metrics; /* of connections to Redis */
	const char **channels; /* owned */
	size_t n_channels;
	const char **next; /* the same, prepared; or NULL */
	size_t n_next;
	uv_loop_t *loop; /* NULL: it is not open */
	struct redis_fetcher *fetcher;
	uv_timer_t timer; /* for the primer's deadline */
	atomic_bool done;
};

static struct feed_prime_line *
prime_line_of(void *user)
{
	struct feed_prime_line *l = user;

	CHECK_MAGIC(l, FEED_PRIME_LINE_MAGIC);
	return l;
}

static void on_prime_timer(uv_timer_t *t);

/* Does what the primer has to do. */
static void
pump_line(struct feed_prime_line *l)
{
	struct feed_primer *p = &l->primer;
	struct eio_buf out = { 0 };
	uint64_t now = uv_now(l->loop), at;
	size_t n = feed_primer_step(p, &out, feed_out_keeps_up(p->router->out), now);

	if (p->done) atomic_store_explicit(&l->done, true, memory_order_release);
	at = feed_primer_deadline(p);
	if (at == UINT64_MAX)
		uv_timer_stop(&l->timer);
	else
		uv_timer_start(&l->timer, on_prime_timer, at > now ? at - now : 0, 0);
	if (n) redis_fetcher_write(l->fetcher, &out, n);
	eio_buf_deinit(&out);
}

static void
on_prime_timer(uv_timer_t *t)
{
	pump_line(prime_line_of(t->data));
}

/* The connection */

static void
on_fetcher_ready(void *user)
{
	struct feed_prime_line *l = prime_line_of(user);

	feed_primer_connected(&l->primer, true);
	pump_line(l);
}

static void
on_fetcher_lost(void *user)
{
	struct feed_prime_line *l = prime_line_of(user);

	feed_primer_connected(&l->primer, false);
}

static void
on_fetcher_reply(void *user, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values)
{
	struct feed_prime_line *l = prime_line_of(user);

	feed_primer_reply(&l->primer, reply, text, values, uv_now(l->loop));
}

static void
on_fetcher_idle(void *user)
{
	pump_line(prime_line_of(user));
}

/* The longest reply: that of a list, which may be as long as what is retained. */
static size_t
longest_reply(const struct feed_primer *p)
{
	size_t most = 0;

	for (size_t i = 0; i < p->n_feeds; i++) {
		size_t n = p->feeds[i].feed->spec->retain.rules.bytes;

		if (n > most) most = n;
	}
	return most;
}

void
feed_prime_line_open(struct feed_prime_line *l, uv_loop_t *loop)
{
	const struct redis_fetcher_options o = {
		.url = l->primer.url,
		.metrics = l->metrics,
		.max_string = l->primer.router->options->message_bytes,
		.max_reply = longest_reply(&l->primer),
		.ready = on_fetcher_ready,
		.lost = on_fetcher_lost,
		.reply = on_fetcher_reply,
		.idle = on_fetcher_idle,
		.user = l,
	};

	l->loop = loop;
	uv_timer_init(loop, &l->timer); /* cannot fail */
	l->timer.data = l;
	l->fetcher = redis_fetcher_open(loop, &o);
	if (!l->fetcher) log_error("redis=%s event=not-opened reason=\"out of memory\"", o.url->name);
}

void
feed_prime_line_close(struct feed_prime_line *l)
{
	if (!l->loop) return;
	if (l->fetcher) redis_fetcher_close(l->fetcher);
	uv_close((uv_handle_t *)&l->timer, NULL);
	l->loop = NULL;
}

/* What the source tells */

bool
feed_prime_line_is_marker(const struct feed_prime_line *l, struct eio_bytes name)
{
	return feed_primer_is_marker(&l->primer, name);
}

bool
feed_prime_line_message(struct feed_prime_line *l, const struct message *m)
{
	if (m->kind != MESSAGE_OF_CHANNEL || !feed_primer_is_marker(&l->primer, m->channel)) return false;
	feed_primer_marker(&l->primer, m->payload, m->now_ms);
	pump_line(l);
	return true;
}

bool
feed_prime_line_refused(struct feed_prime_line *l, struct eio_bytes name, bool refused)
{
	if (!feed_primer_is_marker(&l->primer, name)) return false;
	feed_primer_refused(&l->primer, refused);
	return true;
}

void
feed_prime_line_gap(struct feed_prime_line *l)
{
	feed_primer_gap(&l->primer, uv_now(l->loop));
	pump_line(l);
}

void
feed_prime_line_again(struct feed_prime_line *l)
{
	feed_primer_again(&l->primer);
	pump_line(l);
}

void
feed_prime_line_state(struct feed_prime_line *l, bool subscribed)
{
	feed_primer_subscribed(&l->primer, subscribed, uv_now(l->loop));
	pump_line(l);
}

/* From new to free */

const char *const *
feed_prime_line_channels(const struct feed_prime_line *l, size_t *n)
{
	*n = l->n_channels;
	return l->channels;
}

const char *const *
feed_prime_line_prepare(struct feed_prime_line *l, const struct feed_table *table, size_t *n)
{
	feed_prime_line_forget(l);
	l->next = calloc(table->n_channels + 1, sizeof *l->next);
	if (!l->next) return NULL;
	if (table->n_channels) memcpy(l->next, table->channels, table->n_channels * sizeof *l->next);
	l->next[table->n_channels] = l->primer.channel;
	*n = l->n_next = table->n_channels + 1;
	return l->next;
}

void
feed_prime_line_forget(struct feed_prime_line *l)
{
	free(l->next);
	l->next = NULL;
}

void
feed_prime_line_commit(struct feed_prime_line *l)
{
	free(l->channels);
	l->channels = l->next;
	l->n_channels = l->n_next;
	l->next = NULL;
	feed_primer_change(&l->primer);
}

struct feed_prime_line *
feed_prime_line_new(struct feed_router *router, const struct redis_url *url, size_t n_servers, struct metrics *metrics)
{
	struct feed_prime_line *l = calloc(1, sizeof *l);

	if (!l) return NULL;
	l->magic = FEED_PRIME_LINE_MAGIC;
	l->metrics = metrics;
	if (!feed_prime_line_prepare(l, &router->table, &l->n_channels) ||
		feed_primer_init(&l->primer, router, url, n_servers == 1) < 0) {
		feed_prime_line_forget(l);
		free(l);
		return NULL;
	}
	l->channels = l->next;
	l->next = NULL;
	return l;
}

void
feed_prime_line_free(struct feed_prime_line *l)
{
	if (!l) return;
	CHECK(!l->loop);
	feed_primer_deinit(&l->primer);
	feed_prime_line_forget(l);
	free(l->channels);
	l->magic = 0;
	free(l);
}

bool
feed_prime_line_is_done(const struct feed_prime_line *l)
{
	return atomic_load_explicit(&l->done, memory_order_acquire);
}
