/* SPDX-License-Identifier: MIT */
/* Trying and going over; see the header. */
#include "src/reload_redis.h"

#include "eio/check.h"
#include "src/adapter/adapter.h"
#include "src/base/log.h"
#include "src/config/changes.h"
#include "src/feed/feed.h"
#include "src/presence/presence.h"

#include <stdio.h>

#define RELOAD_REDIS_MAGIC 0x9e104ed1u

/* On the feed's thread */

static void
note_reached(struct reload_server *s, const char *why)
{
	s->reached = !why;
	snprintf(s->why, sizeof s->why, "%s", why ? why : "");
	if (atomic_fetch_sub(&s->all->untold, 1) == 1) uv_async_send(&s->all->told);
}

static void
on_reached(void *user, const char *why)
{
	note_reached(user, why);
}

static void
try_servers(void *user)
{
	struct reload_redis *r = user;

	for (size_t i = 0; i < r->n; i++) {
		struct reload_server *s = &r->v[i];

		s->reach = redis_reach_start(feed_redis_loop(r->workers->feed), &s->url,
			feed_redis_replicates(r->workers->feed, s->server),
			feed_redis_metrics(r->workers->feed, s->server), on_reached, s);
		if (!s->reach) note_reached(s, "out of memory");
	}
}

static void
end_tries(void *user)
{
	struct reload_redis *r = user;

	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].reach) redis_reach_end(r->v[i].reach);
		r->v[i].reach = NULL;
	}
}

/* The main thread waits meanwhile: so nobody reads the addresses but this one. */
static void
go_over_to_servers(void *user)
{
	struct reload_redis *r = user;

	end_tries(r);
	for (size_t i = 0; i < r->n; i++) {
		struct reload_server *s = &r->v[i];

		if (!s->reached) continue;
		config_swap_redis(r->first, s->server, &s->url);
		if (r->workers->presence) presence_move(r->workers->presence, config_redis(r->first, s->server));
		if (r->workers->adapter) adapter_move(r->workers->adapter, config_redis(r->first, s->server), &s->url);
		feed_move_redis(r->workers->feed, s->server, &s->url);
	}
}

/* On the main thread */

static void
on_tries_told(uv_async_t *a)
{
	struct reload_redis *r = a->data;

	CHECK_MAGIC(r, RELOAD_REDIS_MAGIC);
	if (!r->n || atomic_load(&r->untold)) return;
	for (size_t i = 0; i < r->n; i++) {
		const struct reload_server *s = &r->v[i];
		const char *now = config_redis(r->first, s->server)->name;

		if (s->reached)
			log_info("redis=%s event=redis-moves to=%s", now, s->url.name);
		else
			log_error(
				"redis=%s event=redis-not-moved to=%s reason=\"%s\" hint=\"it stays where it is until "
				"the configuration is read again\"",
				now, s->url.name, s->why);
	}
	feed_call(r->workers->feed, go_over_to_servers, r);
	reload_redis_forget(r);
}

void
reload_redis_init(struct reload_redis *r, uv_loop_t *loop, const struct config *first)
{
	r->magic = RELOAD_REDIS_MAGIC;
	r->first = first;
	uv_async_init(loop, &r->told, on_tries_told); /* fails only where no loop could be made */
	r->told.data = r;
}

int
reload_redis_prepare(struct reload_redis *r, const struct workers *workers, const struct config *now)
{
	r->workers = workers;
	CHECK(!r->n);
	for (size_t i = 0; i < r->first->n_redis && i < now->n_redis; i++) {
		struct reload_server *s = &r->v[r->n];

		if (redis_url_is_same_place(config_redis(r->first, i), config_redis(now, i))) continue;
		*s = (struct reload_server){ .all = r, .server = i };
		if (redis_url_copy(config_redis(now, i), &s->url) < 0) {
			reload_redis_forget(r);
			return -1;
		}
		r->n++;
	}
	return 0;
}

/* More servers, or less */

struct number_call {
	const struct reload_redis *r;
	const struct config *now;
	bool failed;
};

static void
add_servers(struct number_call *c)
{
	struct feed *feed = c->r->workers->feed;

	while (c->r->first->n_redis < c->now->n_redis && !c->failed) {
		c->failed = config_add_redis(c->r->first, c->now) < 0;
		if (c->failed || feed_add_redis(feed) == 0) continue;
		config_drop_redis(c->r->first);
		c->failed = true;
	}
}

/* On the feed's thread; the main thread waits, as above. */
static void
change_number(void *user)
{
	struct number_call *c = user;

	for (; c->r->first->n_redis > c->now->n_redis; config_drop_redis(c->r->first))
		feed_drop_redis(c->r->workers->feed);
	add_servers(c);
}

void
reload_redis_number(struct reload_redis *r, const struct config *now)
{
	size_t before = r->first->n_redis;
	struct number_call c = { r, now, false };

	for (size_t i = now->n_redis; i < before; i++)
		log_info("redis=%s event=redis-removed", config_redis(r->first, i)->name);
	feed_call(r->workers->feed, change_number, &c);
	for (size_t i = before; i < r->first->n_redis; i++)
		log_info("redis=%s event=redis-added", config_redis(r->first, i)->name);
	if (c.failed) log_error("event=redis-not-added reason=\"out of memory\"");
}

void
reload_redis_begin(struct reload_redis *r)
{
	if (!r->n) return;
	atomic_store(&r->untold, (unsigned)r->n);
	feed_call(r->workers->feed, try_servers, r);
}

void
reload_redis_forget(struct reload_redis *r)
{
	for (size_t i = 0; i < r->n; i++) redis_url_deinit(&r->v[i].url);
	r->n = 0;
}

bool
reload_redis_is_busy(const struct reload_redis *r)
{
	const struct workers *w = r->workers;

	return r->n > 0 || (w && (feed_is_moving(w->feed) || (w->adapter && adapter_is_moving(w->adapter))));
}

void
reload_redis_close(struct reload_redis *r)
{
	CHECK_MAGIC(r, RELOAD_REDIS_MAGIC);
	if (r->n) feed_call(r->workers->feed, end_tries, r);
	reload_redis_forget(r);
	uv_close((uv_handle_t *)&r->told, NULL);
}
