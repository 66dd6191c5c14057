/* SPDX-License-Identifier: MIT */
/* A hub from its beginning to its end, and what it takes from other threads. */
#include "src/relay/hub_int.h"

#include "src/feed/passing.h"
#include "src/feed/spec.h"

#include <stdlib.h>

enum { HUB_TICK_MS = 1000 };

struct hub_upgrade {
	struct mail mail;
	struct eio_upgrade *up; /* owned */
};

struct hub_change {
	struct mail mail;
	struct feed_specs *specs; /* a reference */
};

static struct relay_hub *
hub_of(void *user)
{
	struct relay_hub *h = user;

	CHECK_MAGIC(h, RELAY_HUB_MAGIC);
	return h;
}

/* Whether a feed retains, and whether what it retains may not be for some sockets. */
static unsigned
retaining(const struct feed_specs *specs)
{
	unsigned flags = 0;

	for (size_t i = 0; i < specs->n; i++) {
		const struct feed_spec *f = &specs->v[i];

		if (f->retain.rules.kind == RETAIN_NOTHING) continue;
		flags |= RELAY_RETAINS | (f->n_except ? RELAY_EXCEPTS : 0);
	}
	return flags;
}

/* So long, at most, a message waits for others. */
static uint64_t
longest_interval(const struct feed_specs *specs)
{
	uint64_t most = 0;

	for (size_t i = 0; i < specs->n; i++)
		if (specs->v[i].interval_ms > most) most = specs->v[i].interval_ms;
	return most;
}

/* What stands before feeds: flags, and this hub before those above it. */
static void
write_feeds_head(const struct relay_hub *h, struct eio_buf *out, unsigned flags, struct eio_bytes above)
{
	eio_buf_addc(out, (char)flags);
	relay_put_number(out, 1 + above.n / RELAY_EPOCH);
	eio_buf_append(out, h->epoch, RELAY_EPOCH);
	eio_buf_add(out, above);
}

/* What edges are told of feeds: whether they retain something, and of which gaps clients are told, where. */
static void
write_told_feeds(const struct relay_hub *h, struct eio_buf *out, const struct feed_specs *specs)
{
	struct feed_told *told;
	ssize_t n = feed_specs_told(specs, NULL, &told);

	if (n < 0) {
		out->failed = true;
		return;
	}
	write_feeds_head(h, out, retaining(specs), eio_bytes("", 0));
	relay_put_number(out, (uint64_t)n);
	for (ssize_t i = 0; i < n; i++) {
		relay_put_bytes(out, eio_cstr(told[i].nsp));
		relay_put_bytes(out, eio_cstr(told[i].channel));
	}
	free(told);
}

/* Until it is known: somebody may retain something. */
static void
write_unknown_feeds(const struct relay_hub *h, struct eio_buf *out)
{
	write_feeds_head(h, out, RELAY_RETAINS | RELAY_EXCEPTS, eio_bytes("", 0));
	relay_put_number(out, 0);
}

/* Puts something in the place of what edges are told. Without memory they are told what they were told before, and not
 * half of it: false. */
static bool
replace_feeds(struct relay_hub *h, struct eio_buf *feeds)
{
	bool good = !eio_buf_failed(feeds);

	if (good) {
		eio_buf_deinit(&h->feeds);
		h->feeds = *feeds;
	} else {
		eio_buf_deinit(feeds);
	}
	return good;
}

bool
relay_hub_feeds(struct relay_hub *h, struct eio_bytes feeds)
{
	struct eio_buf out = { 0 };
	unsigned flags;
	uint64_t above;

	CHECK_MAGIC(h, RELAY_HUB_MAGIC);
	/* It was looked at by the edge. */
	if (h->closed || !relay_take_byte(&feeds, &flags) || !relay_take_number(&feeds, &above)) return true;
	write_feeds_head(h, &out, flags, eio_bytes(feeds.p, above * RELAY_EPOCH));
	eio_buf_append(&out, feeds.p + above * RELAY_EPOCH, feeds.n - above * RELAY_EPOCH);
	if (!replace_feeds(h, &out)) return false;
	hub_link_tell_feeds(h);
	return true;
}

/* Without memory it is tried again in a second. */
static void
change_told_feeds(struct relay_hub *h)
{
	struct eio_buf out = { 0 };

	if (h->closed || !h->changed) return;
	write_told_feeds(h, &out, h->changed);
	if (!replace_feeds(h, &out)) {
		log_limited(LOG_LEVEL_ERROR, &h->slow, hub_now(h), "event=relay-not-changed error=\"out of memory\"");
		return;
	}
	h->batch_ms = longest_interval(h->changed);
	feed_specs_unref(h->changed);
	h->changed = NULL;
	hub_link_tell_feeds(h);
}

const unsigned char *
relay_hub_epoch(const struct relay_hub *h)
{
	return h->epoch;
}

void
relay_hub_reached(struct relay_hub *h, uint64_t wall_ms)
{
	CHECK_MAGIC(h, RELAY_HUB_MAGIC);
	h->above_ms = wall_ms;
}

/* Time */

static void
end_sessions(struct relay_hub *h, uint64_t now_ms)
{
	struct eio_list *l, *next;
	uint64_t most = (uint64_t)h->options.spec->resume_seconds * 1000;

	EIO_LIST_FOREACH_SAFE(l, next, &h->sessions)
	{
		struct hub_session *s = EIO_CONTAINER(l, struct hub_session, link);

		/* Of some it is found out where its connection must not end yet. */
		if (s->cut) {
			hub_link_cut_session(s, RELAY_HUB_METRIC_SLOW);
			continue;
		}
		if (s->ws || now_ms - s->away_ms < most) continue;
		log_info("event=relay-edge-forgotten node=%s", *s->node ? s->node : "-");
		hub_link_forget_session(s);
	}
}

static void
on_hub_second(struct eio_timer *t)
{
	struct relay_hub *h = EIO_CONTAINER(t, struct relay_hub, second);
	uint64_t now = hub_now(h);
	struct eio_list *l, *next;

	CHECK_MAGIC(h, RELAY_HUB_MAGIC);
	hub_ping_tick(h);
	EIO_LIST_FOREACH_SAFE(l, next, &h->links) hub_link_tick(EIO_CONTAINER(l, struct hub_link, link), now);
	end_sessions(h, now);
	change_told_feeds(h);
	eio_clock_set(&h->options.thread->clock, t, now + HUB_TICK_MS);
}

/* Mail */

static void
take_hub_upgrades(void *user, struct mail *run)
{
	struct relay_hub *h = hub_of(user);

	while (run) {
		struct hub_upgrade *m = EIO_CONTAINER(run, struct hub_upgrade, mail);

		run = run->next;
		if (h->closed)
			eio_upgrade_free(m->up);
		else
			hub_link_begin(h, m->up);
		free(m);
	}
}

void
relay_hub_take(struct relay_hub *h, struct eio_upgrade *up)
{
	struct hub_upgrade *m = malloc(sizeof *m);

	if (!m) {
		eio_upgrade_free(up);
		return;
	}
	m->up = up;
	mail_post(&h->upgrades, &m->mail);
}

static void
take_hub_changes(void *user, struct mail *run)
{
	struct relay_hub *h = hub_of(user);

	while (run) {
		struct hub_change *m = EIO_CONTAINER(run, struct hub_change, mail);

		run = run->next;
		feed_specs_unref(h->changed);
		h->changed = m->specs;
		free(m);
		change_told_feeds(h);
	}
}

void
relay_hub_change(struct relay_hub *h, struct feed_specs *specs)
{
	struct hub_change *m;

	if (!h->options.feeds) return;
	m = malloc(sizeof *m);
	if (!m) {
		log_error("event=relay-not-changed error=\"out of memory\"");
		return;
	}
	m->specs = feed_specs_ref(specs);
	mail_post(&h->changes, &m->mail);
}

/* Edges learn of it in the order of what they get: so it goes the way of deliveries. Of many in a row they learn once,
 * behind the last of them. Any thread. */
static void
on_hub_gap(void *user)
{
	struct relay_hub *h = hub_of(user);

	if (atomic_fetch_add(&h->gaps_untold, 1) == 0) mail_post(&h->gaps, &h->gap);
}

static void
take_hub_gaps(void *user, struct mail *run)
{
	struct relay_hub *h = hub_of(user);
	unsigned n = atomic_load(&h->gaps_untold);

	(void)run;
	if (!h->closed) hub_link_tell_gap(h);
	if (atomic_fetch_sub(&h->gaps_untold, n) != n) mail_post(&h->gaps, &h->gap);
}

static void
take_hub_start(void *user, struct mail *run)
{
	struct relay_hub *h = hub_of(user);

	(void)run;
	if (!h->closed) eio_clock_set(&h->options.thread->clock, &h->second, hub_now(h) + HUB_TICK_MS);
}

/* The end */

static void
shut_down_hub(struct relay_hub *h)
{
	struct eio_list *l, *next;

	h->closed = true;
	eio_clock_set(&h->options.thread->clock, &h->second, UINT64_MAX);
	eio_clock_set(&h->options.thread->clock, &h->settle, UINT64_MAX);
	eio_ws_server_close(h->server);
	EIO_LIST_FOREACH_SAFE(l, next, &h->sessions)
	hub_link_forget_session(EIO_CONTAINER(l, struct hub_session, link));
	uv_sem_post(&h->stopped);
}

static void
take_hub_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down_hub(hub_of(user));
}

static void
open_hub_ports(struct relay_hub *h)
{
	struct mailbox *mailbox = &h->options.thread->mailbox;

	h->starts = (struct mail_port){ mailbox, take_hub_start, h };
	h->stops = (struct mail_port){ mailbox, take_hub_stop, h };
	h->upgrades = (struct mail_port){ mailbox, take_hub_upgrades, h };
	h->gaps = (struct mail_port){ mailbox, take_hub_gaps, h };
	h->changes = (struct mail_port){ mailbox, take_hub_changes, h };
	h->syncs = (struct mail_port){ mailbox, hub_sync_take, h };
	h->deliveries = (struct mail_port){ mailbox, hub_take_deliveries, h };
	feed_set_worker(h->options.feed, h->options.taker, &h->deliveries);
	feed_set_gap(h->options.feed, on_hub_gap, h);
}

/* Nothing of it is on a loop any more. */
static void
free_hub_parts(struct relay_hub *h)
{
	if (h->server) eio_ws_server_free(h->server);
	eio_hash_deinit(&h->rooms);
	eio_hash_deinit(&h->joins);
	eio_buf_deinit(&h->scratch);
	eio_buf_deinit(&h->feeds);
	feed_specs_unref(h->changed);
	metrics_free(h->metrics);
	h->magic = 0;
	free(h);
}

struct relay_hub *
relay_hub_new(const struct relay_hub_options *options)
{
	struct relay_hub *h = calloc(1, sizeof *h);

	if (!h) return NULL;
	h->magic = RELAY_HUB_MAGIC;
	h->options = *options;
	eio_list_init(&h->links);
	eio_list_init(&h->sessions);
	eio_timer_init(&h->second, on_hub_second);
	eio_timer_init(&h->settle, hub_sync_on_settle);
	atomic_init(&h->gaps_untold, 0);
	h->metrics = metrics_new(options->metrics, &relay_hub_metrics, NULL);
	memcpy(h->epoch, eio_random_take(&options->thread->random, RELAY_EPOCH), RELAY_EPOCH);
	h->batch_ms = options->feeds ? longest_interval(options->feeds) : 0;
	if (options->feeds)
		write_told_feeds(h, &h->feeds, options->feeds);
	else
		write_unknown_feeds(h, &h->feeds);
	if (eio_buf_failed(&h->feeds)) goto fail;
	if (!h->metrics || eio_hash_init(&h->rooms) < 0 || eio_hash_init(&h->joins) < 0) goto fail;
	if (uv_sem_init(&h->stopped, 0)) goto fail;
	h->server = eio_ws_server_new(&options->thread->loop, RELAY_WS_PAYLOAD, &hub_link_handler);
	if (!h->server) goto fail_sem;
	open_hub_ports(h);
	return h;
fail_sem:
	uv_sem_destroy(&h->stopped);
fail:
	free_hub_parts(h);
	return NULL;
}

void
relay_hub_start(struct relay_hub *h)
{
	mail_post(&h->starts, &h->start);
}

void
relay_hub_stop(struct relay_hub *h)
{
	if (!h->options.thread->running) {
		shut_down_hub(h);
		return;
	}
	mail_post(&h->stops, &h->stop);
	uv_sem_wait(&h->stopped);
}

void
relay_hub_free(struct relay_hub *h)
{
	if (!h) return;
	CHECK_MAGIC(h, RELAY_HUB_MAGIC);
	CHECK(!h->options.thread->running && h->closed);
	uv_sem_destroy(&h->stopped);
	free_hub_parts(h);
}
