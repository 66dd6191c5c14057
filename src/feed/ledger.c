/* SPDX-License-Identifier: MIT */
/* The order of broadcasts, and what is kept of them. */
#include "src/feed/ledger_int.h"

#include "eio/check.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct metrics_row ledger_rows[] = { LEDGER_METRICS(METRICS_ROW) };

const struct metrics_table ledger_metrics = METRICS_TABLE(NULL, ledger_rows, LEDGER_METRIC_COUNT);

struct history_limits
ledger__limits(const struct feed_recovery *options, const struct feed_history *own)
{
	struct history_limits l = options->history;

	if (own->seconds) l.ms = own->seconds * 1000;
	if (own->messages) l.messages = own->messages;
	if (own->bytes) l.bytes = own->bytes;
	return l;
}

struct history *
ledger__new_history(const struct feed_recovery *options, const struct feed_spec *spec)
{
	struct history_limits l = spec ? ledger__limits(options, &spec->history) : options->history;
	struct history *h = malloc(sizeof *h);

	if (h) history_init(h, &l);
	return h;
}

void
ledger__free_history(struct history *h)
{
	if (h) history_deinit(h);
	free(h);
}

/* False when out of memory. */
static bool
make_histories(struct ledger *k, const struct feed_specs *specs)
{
	k->n_histories = specs->n + 1;
	k->histories = calloc(k->n_histories, sizeof(struct history *));
	for (size_t i = 0; k->histories && i <= specs->n; i++) {
		k->histories[i] = ledger__new_history(k->options, i < specs->n ? &specs->v[i] : NULL);
		if (!k->histories[i]) return false;
	}
	return k->histories != NULL;
}

static void
free_histories(struct history **all, size_t n)
{
	for (size_t i = 0; all && i < n; i++) ledger__free_history(all[i]);
	free(all);
}

struct ledger *
ledger_new(const struct feed_recovery *options, const struct feed_specs *specs, unsigned workers,
	struct metrics_set *metrics)
{
	size_t feeds = specs->n;
	struct ledger *k = calloc(1, sizeof *k);

	if (!k) return NULL;
	k->options = options;
	k->workers = workers;
	k->gaps = calloc(feeds + 1, sizeof *k->gaps);
	k->holds = calloc(workers, sizeof *k->holds);
	k->metrics = metrics_new(metrics, &ledger_metrics, NULL);
	if (!make_histories(k, specs) || !k->gaps || !k->holds || !k->metrics ||
		kept_init(&k->kept, options->ms, options->session_bytes)) {
		metrics_free(k->metrics);
		free(k->holds);
		free(k->gaps);
		free_histories(k->histories, k->n_histories);
		free(k);
		return NULL;
	}
	return k;
}

static void
let_go(struct ledger_hold *h, unsigned worker)
{
	for (size_t i = 0; i < h->n; i++) {
		h->rooms[i]->past.held &= ~(UINT64_C(1) << worker);
		interest_unref(h->rooms[i]);
	}
	free(h->rooms);
	*h = (struct ledger_hold){ 0 };
}

void
ledger_free(struct ledger *k)
{
	if (!k) return;
	for (unsigned w = 0; w < k->workers; w++) let_go(&k->holds[w], w);
	for (size_t i = 0; i < k->n_past; i++) ledger__free_history(k->past[i]);
	kept_deinit(&k->kept);
	metrics_free(k->metrics);
	free(k->holds);
	free(k->gaps);
	free_histories(k->histories, k->n_histories);
	free(k);
}

/* Both sides write, fence and read: at least one of them sees the other. */
uint64_t
ledger_next(struct ledger *k)
{
	uint64_t serial = atomic_load_explicit(&k->serial, memory_order_relaxed) + 1;

	atomic_store_explicit(&k->serial, serial, memory_order_seq_cst);
	atomic_thread_fence(memory_order_seq_cst);
	return serial;
}

uint64_t
ledger_serial(struct ledger *k)
{
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(&k->serial, memory_order_seq_cst);
}

uint32_t
ledger_node(const struct ledger *k)
{
	return (uint32_t)(eio_hash_bytes(k->kept.hash_key, EIO_LIT("node")) >> (64 - 6 * FEED_NODE_DIGITS)) &
	       ~((1U << FEED_EPOCH_BITS) - 1);
}

uint64_t
ledger_workers(struct interest *const *rooms, size_t n)
{
	uint64_t workers = 0;

	for (size_t i = 0; i < n; i++) workers |= interest_workers(rooms[i]) | rooms[i]->past.held;
	return workers;
}

bool
ledger_wanted(struct interest *const *rooms, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (interest_workers(rooms[i]) || interest_is_kept(rooms[i])) return true;
	return false;
}

void
ledger_remember(struct ledger *k, size_t feed, const struct history_broadcast *b)
{
	struct history *h = k->histories[feed < k->n_histories ? feed : k->n_histories - 1];
	size_t before = h->bytes;

	history_add(h, b);
	metrics_add(k->metrics, LEDGER_METRIC_HISTORY_BYTES, h->bytes - before);
}

static void
show_sessions(struct ledger *k)
{
	metrics_put(k->metrics, LEDGER_METRIC_SESSIONS, k->kept.by_pid.count);
	metrics_put(k->metrics, LEDGER_METRIC_SESSION_BYTES, k->kept.bytes);
	metrics_put(k->metrics, LEDGER_METRIC_CROWDED_OUT, k->kept.crowded_out);
}

void
ledger_restore(struct ledger *k, uint64_t serial, const uint64_t hash_key[2])
{
	CHECK(k->kept.by_pid.count == 0 && ledger_serial(k) == 0);
	atomic_store_explicit(&k->serial, serial, memory_order_seq_cst);
	memcpy(k->kept.hash_key, hash_key, sizeof k->kept.hash_key);
}

void
ledger_clear(struct ledger *k)
{
	for (size_t i = 0; i < k->n_histories; i++) {
		history_deinit(k->histories[i]);
		k->gaps[i] = 0;
	}
	while (k->n_past) ledger__free_history(k->past[--k->n_past]);
	kept_clear(&k->kept);
	k->last_gap = 0;
	metrics_put(k->metrics, LEDGER_METRIC_HISTORY_BYTES, 0);
	show_sessions(k);
}

void
ledger_note_gap(struct ledger *k, const unsigned *feeds, size_t n)
{
	k->last_gap = ledger_next(k);
	for (size_t i = 0; i < n; i++) k->gaps[feeds[i]] = k->last_gap;
}

bool
ledger_has_gap(const struct ledger *k, const struct feed_specs *specs, struct sio_room_key room, uint64_t after)
{
	if (k->last_gap <= after) return false;
	if (k->gaps[specs->n] > after) return true;
	for (size_t i = 0; i < specs->n; i++)
		if (k->gaps[i] > after && feed_spec_reaches(&specs->v[i], room)) return true;
	return false;
}

/* Sessions */

void
ledger_add(struct ledger *k, struct feed_session *s, uint64_t now_ms)
{
	s->ended_ms = now_ms;
	ledger_add_again(k, s);
}

void
ledger_add_again(struct ledger *k, struct feed_session *s)
{
	kept_add(&k->kept, s);
	show_sessions(k);
}

/* Holds */

static bool
hold_room(struct ledger_hold *h, unsigned worker, struct interest *room)
{
	uint64_t bit = UINT64_C(1) << worker;

	if (room->past.held & bit) return true;
	if (h->n == h->cap) {
		size_t cap = h->cap ? 2 * h->cap : 16;
		struct interest **rooms = realloc(h->rooms, cap * sizeof(struct interest *));

		if (!rooms) return false;
		h->rooms = rooms;
		h->cap = cap;
	}
	h->rooms[h->n++] = interest_ref(room);
	room->past.held |= bit;
	return true;
}

bool
ledger_hold(struct ledger *k, unsigned worker, const struct feed_session *s)
{
	struct ledger_hold *h = &k->holds[worker];

	h->recalls++;
	for (size_t i = 0; i < s->n_rooms; i++) {
		if (hold_room(h, worker, s->rooms[i].room)) continue;
		ledger_release(k, worker);
		return false;
	}
	return true;
}

void
ledger_release(struct ledger *k, unsigned worker)
{
	struct ledger_hold *h = &k->holds[worker];

	CHECK(h->recalls > 0);
	if (--h->recalls == 0) let_go(h, worker);
}

void
ledger_tell_crowded(struct ledger *k, uint64_t now_ms)
{
	uint64_t n = k->kept.crowded_out - k->told;

	if (n == 0) return;
	k->told = k->kept.crowded_out;
	log_limited(LOG_LEVEL_WARN, &k->crowded, now_ms,
		"event=sessions-crowded-out sessions=%" PRIu64
		" kept=%zu kept_bytes=%zu hint=\"their clients begin anew; "
		"connectionStateRecovery.sessionBytes has room for more\"",
		n, k->kept.by_pid.count, k->kept.bytes);
}

/* Returns how many bytes are remembered of feeds that have gone. */
static size_t
tick_past(struct ledger *k, uint64_t now_ms)
{
	size_t n = 0, bytes = 0;

	for (size_t i = 0; i < k->n_past; i++) {
		history_tick(k->past[i], now_ms);
		bytes += k->past[i]->bytes;
		if (k->past[i]->bytes)
			k->past[n++] = k->past[i];
		else
			ledger__free_history(k->past[i]);
	}
	k->n_past = n;
	return bytes;
}

void
ledger_tick(struct ledger *k, uint64_t now_ms)
{
	size_t bytes = tick_past(k, now_ms);

	kept_tick(&k->kept, now_ms);
	ledger_tell_crowded(k, now_ms);
	for (size_t i = 0; i < k->n_histories; i++) {
		history_tick(k->histories[i], now_ms);
		bytes += k->histories[i]->bytes;
	}
	metrics_put(k->metrics, LEDGER_METRIC_HISTORY_BYTES, bytes);
	show_sessions(k);
}
