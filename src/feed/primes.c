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
	bool stays; /* at its address, which is not that of new connections any more */
	bool away; /* the same, and its connection there is lost: the next one is not used */
	atomic_bool wanted, done, has_all;
};

static struct feed_prime_line *
prime_line_of(void *user)
{
	struct feed_prime_line *l = user;

	CHECK_MAGIC(l, FEED_PRIME_LINE_MAGIC);
	return l;
}

static void on_prime_timer(uv_timer_t *t);

/* To other threads. */
static void
tell_how_far(struct feed_prime_line *l)
{
	const struct feed_primer *p = &l->primer;

	atomic_store_explicit(&l->wanted, feed_primer_is_wanted(p), memory_order_release);
	atomic_store_explicit(&l->has_all, p->feeds.n_unread == 0, memory_order_release);
	atomic_store_explicit(&l->done, p->done, memory_order_release);
}

/* Does what the primer has to do. */
static void
pump_line(struct feed_prime_line *l)
{
	struct feed_primer *p = &l->primer;
	struct eio_buf out = { 0 };
	uint64_t now = uv_now(l->loop), at;
	size_t n = feed_primer_step(p, &out, feed_out_keeps_up(p->router->out), now);

	tell_how_far(l);
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

	if (l->away) return;
	feed_primer_connected(&l->primer, true);
	pump_line(l);
}

static void
on_fetcher_lost(void *user)
{
	struct feed_prime_line *l = prime_line_of(user);

	l->away = l->stays;
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

	for (size_t i = 0; i < p->feeds.n; i++) {
		size_t n = p->feeds.v[i].feed->spec->retain.rules.bytes;

		if (n > most) most = n;
	}
	return most;
}

static void
connect_line(struct feed_prime_line *l)
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

	l->fetcher = redis_fetcher_open(l->loop, &o);
	if (!l->fetcher) log_error("redis=%s event=not-opened reason=\"out of memory\"", o.url->name);
}

void
feed_prime_line_open(struct feed_prime_line *l, uv_loop_t *loop)
{
	if (!feed_primer_is_wanted(&l->primer)) return;
	l->loop = loop;
	uv_timer_init(loop, &l->timer); /* cannot fail */
	l->timer.data = l;
	connect_line(l);
}

void
feed_prime_line_close(struct feed_prime_line *l)
{
	if (!l->loop) return;
	if (l->fetcher) redis_fetcher_close(l->fetcher);
	uv_close((uv_handle_t *)&l->timer, NULL);
	l->fetcher = NULL;
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
	if (!l->loop) return;
	feed_primer_again(&l->primer);
	pump_line(l);
}

void
feed_prime_line_state(struct feed_prime_line *l, bool subscribed)
{
	feed_primer_subscribed(&l->primer, subscribed, uv_now(l->loop));
	pump_line(l);
}

void
feed_prime_line_answered(struct feed_prime_line *l, bool all)
{
	feed_primer_answered(&l->primer, all);
	pump_line(l);
}

void
feed_prime_line_stay(struct feed_prime_line *l)
{
	l->stays = true;
	l->away = !l->fetcher || !redis_fetcher_is_ready(l->fetcher);
}

void
feed_prime_line_move(struct feed_prime_line *l)
{
	l->stays = l->away = false;
	if (l->fetcher) redis_fetcher_redial(l->fetcher);
}

/* From new to free */

bool
feed_prime_line_is_wanted(const struct feed_prime_line *l)
{
	return atomic_load_explicit(&l->wanted, memory_order_acquire);
}

const char *const *
feed_prime_line_channels(const struct feed_prime_line *l, size_t *n)
{
	*n = l->n_channels;
	return l->channels;
}

bool
feed_prime_line_will_be_wanted(const struct feed_prime_line *l)
{
	return l->primer.feeds.n_next > 0;
}

/* The table's channels, and the marker's. NULL when out of memory. */
static const char **
list_channels(const struct feed_prime_line *l, const struct feed_table *table, bool marks, size_t *n)
{
	const char **all = calloc(table->n_channels + 1, sizeof *all);

	if (!all) return NULL;
	if (table->n_channels) memcpy(all, table->channels, table->n_channels * sizeof *all);
	*n = table->n_channels;
	if (marks) all[(*n)++] = l->primer.channel;
	return all;
}

int
feed_prime_line_prepare(
	struct feed_prime_line *l, const struct feed_table *table, struct feed_at_work *const *feeds, size_t n)
{
	feed_prime_line_forget(l);
	if (feed_primer_prepare(&l->primer, feeds, n) < 0) return -1;
	l->next = list_channels(l, table, feed_prime_line_will_be_wanted(l), &l->n_next);
	if (l->next) return 0;
	feed_prime_line_forget(l);
	return -1;
}

const char *const *
feed_prime_line_next_channels(const struct feed_prime_line *l, size_t *n)
{
	*n = l->n_next;
	return l->next;
}

void
feed_prime_line_forget(struct feed_prime_line *l)
{
	free(l->next);
	l->next = NULL;
	feed_primer_forget(&l->primer);
}

/* What is prepared is there from now on. */
static void
take_prepared_line(struct feed_prime_line *l, uint64_t now_ms)
{
	free(l->channels);
	l->channels = l->next;
	l->n_channels = l->n_next;
	l->next = NULL;
	feed_primer_commit(&l->primer, now_ms);
	tell_how_far(l);
}

static void
hang_up_line(struct feed_prime_line *l)
{
	if (l->fetcher) redis_fetcher_close(l->fetcher);
	l->fetcher = NULL;
	uv_timer_stop(&l->timer);
	feed_primer_connected(&l->primer, false);
}

void
feed_prime_line_commit(struct feed_prime_line *l, uv_loop_t *loop, bool subscribed)
{
	bool was_wanted = feed_prime_line_is_wanted(l);

	take_prepared_line(l, uv_now(loop));
	if (!feed_prime_line_is_wanted(l)) {
		if (l->loop) hang_up_line(l);
		return;
	}
	if (!was_wanted) l->primer.subscribed = subscribed;
	if (!l->loop)
		feed_prime_line_open(l, loop);
	else if (!l->fetcher)
		connect_line(l);
	else
		redis_fetcher_allow(l->fetcher, longest_reply(&l->primer));
}

struct feed_prime_line *
feed_prime_line_new(struct feed_router *router, const struct redis_url *url, size_t n_servers, struct metrics *metrics)
{
	struct feed_prime_line *l = calloc(1, sizeof *l);

	if (!l) return NULL;
	l->magic = FEED_PRIME_LINE_MAGIC;
	l->metrics = metrics;
	if (feed_primer_init(&l->primer, router, url, n_servers == 1) == 0)
		l->channels = list_channels(l, &router->table, feed_primer_is_wanted(&l->primer), &l->n_channels);
	if (!l->channels) {
		feed_primer_deinit(&l->primer);
		free(l);
		return NULL;
	}
	tell_how_far(l);
	return l;
}

void
feed_prime_line_renew(struct feed_prime_line *l, size_t n_servers, struct metrics *metrics)
{
	CHECK(!feed_prime_line_is_wanted(l) && !l->fetcher);
	l->primer.alone = n_servers == 1;
	l->metrics = metrics;
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

bool
feed_prime_line_has_all(const struct feed_prime_line *l)
{
	return atomic_load_explicit(&l->has_all, memory_order_acquire);
}
