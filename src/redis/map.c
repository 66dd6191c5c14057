/* SPDX-License-Identifier: MIT */
/* Reading it again and again. */
#include "src/redis/map.h"

#include "eio/check.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/redis/command.h"
#include "src/redis/fetcher.h"

#include <stdlib.h>

#define REDIS_MAP_MAGIC 0x4ed13a90

enum { MAP_STRING_BYTES = 65536, DOUBT_LASTS_MS = 300 };

struct redis_map {
	unsigned magic;
	struct redis_map_options options;
	struct redis_fetcher *fetcher;
	struct redis_topology known, heard; /* heard: where an answer is read */
	uv_timer_t timer; /* when to ask again, or to ask elsewhere */
	bool asked; /* the answer is to come */
	bool useless; /* who was asked knows nothing: it is in no Cluster any more, or may not say */
	uint64_t asked_ms; /* since 1970; when */
	uint64_t seen_ms, before_ms;
	uint64_t answered_at; /* of the loop */
	uint64_t doubts_from, doubts_until; /* of the loop: it is doubted; 0: it has not been */
	struct log_limit limit;
};

static struct redis_map *
map_of(void *user)
{
	struct redis_map *m = user;

	CHECK_MAGIC(m, REDIS_MAP_MAGIC);
	return m;
}

static bool
is_doubted(const struct redis_map *m)
{
	return uv_now(m->timer.loop) < m->doubts_until;
}

static void on_map_timer(uv_timer_t *t);

/* From now, or from the last answer. */
static void
ask_map_later(struct redis_map *m)
{
	uint64_t now = uv_now(m->timer.loop);
	uint64_t at = m->answered_at + (is_doubted(m) ? REDIS_MAP_DOUBT_MS : REDIS_MAP_MS);

	uv_timer_start(&m->timer, on_map_timer, at > now ? at - now : 0, 0);
}

static void
ask_map(struct redis_map *m)
{
	struct eio_buf b;

	if (m->asked || !redis_fetcher_is_ready(m->fetcher)) return;
	eio_buf_init(&b);
	redis_command(&b, 2);
	redis_argument(&b, EIO_LIT("CLUSTER"));
	redis_argument(&b, EIO_LIT("SLOTS"));
	m->asked = true;
	m->asked_ms = clock_wall_ms();
	redis_fetcher_write(m->fetcher, &b, 1);
	eio_buf_deinit(&b);
}

/* One that is cut off from the others says for ever what was so before; one that was taken out says nothing. */
static void
on_map_timer(uv_timer_t *t)
{
	struct redis_map *m = map_of(t->data);
	uint64_t now = uv_now(t->loop);
	bool doubted = is_doubted(m) && now - m->doubts_from >= REDIS_MAP_PATIENCE_MS;

	if ((doubted || m->useless) && redis_fetcher_is_ready(m->fetcher)) {
		m->doubts_from = now;
		m->asked = m->useless = false;
		redis_fetcher_redial(m->fetcher);
	} else {
		ask_map(m);
	}
}

/* Answers */

static void
take_map(struct redis_map *m, const struct redis_values *values)
{
	const char *why = redis_topology_read(&m->heard, values, redis_fetcher_place(m->fetcher)->host);
	struct redis_topology before = m->known;
	bool same;

	m->useless = why != NULL;
	if (why) {
		log_limited(LOG_LEVEL_WARN, &m->limit, uv_now(m->timer.loop),
			"redis=%s event=slots-unknown reason=\"%s\"", m->options.url->name, why);
		return;
	}
	same = redis_topology_is_same(&m->known, &m->heard);
	m->known = m->heard;
	m->heard = before;
	m->before_ms = m->seen_ms;
	m->seen_ms = m->asked_ms;
	if (!same) m->options.changed(m->options.user);
}

static void
on_map_reply(void *user, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values)
{
	struct redis_map *m = map_of(user);

	m->asked = false;
	m->answered_at = uv_now(m->timer.loop);
	m->useless = reply == REDIS_REPLY_IS_ERROR;
	if (m->useless)
		log_limited(LOG_LEVEL_WARN, &m->limit, m->answered_at, "redis=%s event=slots-unknown reason=\"%s\"",
			m->options.url->name, LOG_ESCAPE(text));
	else
		take_map(m, values);
	ask_map_later(m);
}

static void
on_map_ready(void *user)
{
	ask_map(map_of(user));
}

static void
on_map_lost(void *user)
{
	struct redis_map *m = map_of(user);

	m->asked = false;
	uv_timer_stop(&m->timer);
}

static void
on_map_idle(void *user)
{
	(void)user;
}

/* From the beginning to the end */

static bool
open_fetcher(struct redis_map *m, uv_loop_t *loop)
{
	const struct redis_fetcher_options o = {
		.url = m->options.url,
		.metrics = m->options.metrics,
		.max_string = MAP_STRING_BYTES,
		.max_reply = REDIS_TOPOLOGY_BYTES,
		.ready = on_map_ready,
		.lost = on_map_lost,
		.reply = on_map_reply,
		.idle = on_map_idle,
		.user = m,
	};

	if (redis_topology_init(&m->known) < 0 || redis_topology_init(&m->heard) < 0) return false;
	m->fetcher = redis_fetcher_open(loop, &o);
	return m->fetcher != NULL;
}

struct redis_map *
redis_map_open(uv_loop_t *loop, const struct redis_map_options *options)
{
	struct redis_map *m = calloc(1, sizeof *m);

	if (!m) return NULL;
	m->magic = REDIS_MAP_MAGIC;
	m->options = *options;
	if (!open_fetcher(m, loop)) {
		redis_topology_deinit(&m->known);
		redis_topology_deinit(&m->heard);
		free(m);
		return NULL;
	}
	uv_timer_init(loop, &m->timer); /* cannot fail */
	m->timer.data = m;
	return m;
}

static void
on_map_closed(uv_handle_t *h)
{
	struct redis_map *m = map_of(h->data);

	m->magic = 0;
	free(m);
}

void
redis_map_close(struct redis_map *m)
{
	redis_fetcher_close(m->fetcher);
	redis_topology_deinit(&m->known);
	redis_topology_deinit(&m->heard);
	uv_close((uv_handle_t *)&m->timer, on_map_closed);
}

/* What is known */

const struct redis_node *
redis_map_owner(const struct redis_map *m, unsigned slot)
{
	return redis_topology_owner(&m->known, slot);
}

void
redis_map_doubt(struct redis_map *m)
{
	uint64_t now = uv_now(m->timer.loop);

	if (!is_doubted(m)) m->doubts_from = now;
	m->doubts_until = now + DOUBT_LASTS_MS;
	if (redis_fetcher_is_ready(m->fetcher) && !m->asked) ask_map_later(m);
}

void
redis_map_redirect(struct redis_map *m, const struct redis_redirect *to, const char *said_at)
{
	if (to->port) redis_topology_move(&m->known, to->slot, to->host.n ? to->host : eio_cstr(said_at), to->port);
}

uint64_t
redis_map_seen_ms(const struct redis_map *m)
{
	return m->seen_ms;
}

uint64_t
redis_map_seen_before_ms(const struct redis_map *m)
{
	return m->before_ms ? m->before_ms : m->seen_ms;
}
