/* SPDX-License-Identifier: MIT */
/* From a complete batch to the workers: encoded once, one reference for each worker that has members. */
#include "src/feed/feed_int.h"

#include "eio/check.h"
#include "sio/event.h"

#include <stdlib.h>

enum {
	FIRST_ITEMS = 4,
	ITEM_OVERHEAD = 256, /* what a broadcast costs beside its bytes, so that empty ones are bounded too */
};

int
feed_out_init(struct feed_out *o, const struct feed_options *options)
{
	size_t n = feed_takers(options);

	*o = (struct feed_out){ .options = options };
	o->workers = calloc(n, sizeof(const struct mail_port *));
	o->budgets = calloc(n, sizeof *o->budgets);
	o->pending = calloc(n, sizeof(struct delivery *));
	o->caps = calloc(n, sizeof *o->caps);
	o->recalls = calloc(n, sizeof(const struct mail_port *));
	o->stows = calloc(n, sizeof(const struct mail_port *));
	o->moves = calloc(n, sizeof(const struct mail_port *));
	o->told = calloc(n, sizeof *o->told);
	if (o->workers && o->budgets && o->pending && o->caps && o->recalls && o->stows && o->moves && o->told)
		return 0;
	feed_out_deinit(o);
	return -1;
}

void
feed_out_deinit(struct feed_out *o)
{
	for (size_t w = 0; o->pending && w < feed_takers(o->options); w++)
		if (o->pending[w]) delivery_free(o->pending[w]);
	free(o->workers);
	free(o->budgets);
	free(o->pending);
	free(o->caps);
	free(o->recalls);
	free(o->stows);
	free(o->moves);
	free(o->told);
	*o = (struct feed_out){ 0 };
}

/* Room for one more item for worker w; NULL when out of memory. */
static struct delivery_item *
reserve_item(struct feed_out *o, unsigned w)
{
	struct delivery *d = o->pending[w];
	size_t cap = o->caps[w];

	if (d && d->n < cap) return &d->items[d->n];
	cap = d ? cap * 2 : FIRST_ITEMS;
	d = realloc(d, sizeof *d + cap * sizeof d->items[0]);
	if (!d) return NULL;
	if (!o->pending[w]) {
		d->budget = &o->budgets[w];
		d->bytes = d->n = 0;
		d->serial = 0;
		d->begun_ns = uv_hrtime();
		d->reached.n = 0;
		o->waiting |= UINT64_C(1) << w;
	}
	o->pending[w] = d;
	o->caps[w] = cap;
	return &d->items[d->n];
}

/* Whether a worker may get that many bytes more. One that has nothing gets anything, however large. */
static bool
has_budget(const struct feed_out *o, unsigned w, size_t bytes)
{
	size_t used = atomic_load_explicit(&o->budgets[w].outstanding, memory_order_relaxed);

	if (o->pending[w]) used += o->pending[w]->bytes;
	return used == 0 || used + bytes <= o->options->worker_queue_bytes;
}

/* Whether that is the hub, and no worker: it takes all of a turn on this thread before more is read, and bounds what
 * waits for each edge. */
static bool
is_hub(const struct feed_out *o, unsigned w)
{
	return w >= o->options->workers;
}

static uint64_t
hub_bit(const struct feed_out *o)
{
	return o->options->hub ? UINT64_C(1) << o->options->workers : 0;
}

/* A worker does not get a broadcast. Edges have no other way to know. */
static void
note_lost(struct feed_out *o, unsigned w, uint64_t serial)
{
	if (is_hub(o, w) && o->gap) o->gap(o->gap_user);
	if (!serial || is_hub(o, w)) return;
	atomic_store_explicit(&o->budgets[w].lost, serial, memory_order_release);
	if (o->journal) journal_begin_epoch(o->journal);
}

static size_t
item_bytes(const struct delivery_item *item)
{
	return eio_bundle_size(item->bundle) + ITEM_OVERHEAD + feed_keys_size(item->keys);
}

/* Adds a broadcast to what the turn has for a worker, whatever that is behind by. False when out of memory. */
static bool
put_item(struct feed_out *o, unsigned w, const struct delivery_item *item)
{
	struct delivery_item *to = reserve_item(o, w);

	if (!to) return false;
	eio_bundle_ref(item->bundle);
	if (item->target) interest_ref(item->target);
	if (item->audience) audience_ref(item->audience);
	feed_keys_ref(item->keys);
	*to = *item;
	o->pending[w]->n++;
	o->pending[w]->bytes += item_bytes(item);
	return true;
}

static void
add_for_worker(
	struct feed_out *o, unsigned w, const struct feed_batch *b, const struct delivery_item *item, uint64_t serial)
{
	const struct sio_room_key *target = &b->stream->target;

	if ((!is_hub(o, w) && !has_budget(o, w, item_bytes(item))) || !put_item(o, w, item)) {
		note_lost(o, w, serial);
		metrics_inc(b->metrics, FEED_METRIC_DELIVERIES_DROPPED);
		LOG_DEBUG_LIMITED(&o->behind, b->now_ms,
			"event=batch-not-sent part=worker reason=\"it is behind\" worker=%u room=\"%s\" bytes=%zu", w,
			target->everyone ? "" : LOG_ESCAPE(target->name), eio_bundle_size(item->bundle));
		return;
	}
	metrics_inc(b->metrics, FEED_METRIC_DELIVERIES);
}

static struct delivery *
delivery_of_one(struct feed_out *o, unsigned w, const struct delivery_item *item, size_t bytes, uint64_t serial)
{
	struct delivery *d = malloc(sizeof *d + sizeof d->items[0]);

	if (!d) return NULL;
	d->budget = &o->budgets[w];
	d->bytes = bytes;
	d->serial = serial;
	d->begun_ns = 0;
	d->reached.n = 0;
	d->n = 1;
	d->items[0] = *item;
	eio_bundle_ref(item->bundle);
	if (item->target) interest_ref(item->target);
	if (item->audience) audience_ref(item->audience);
	feed_keys_ref(item->keys);
	return d;
}

unsigned
feed_out_pass(struct feed_out *o, uint64_t workers, const struct delivery_item *item)
{
	unsigned dropped = 0;

	for (; workers; workers &= workers - 1) {
		unsigned w = (unsigned)__builtin_ctzll(workers);

		if (put_item(o, w, item)) continue;
		note_lost(o, w, 0);
		dropped++;
	}
	return dropped;
}

bool
feed_out_keeps_up(const struct feed_out *o)
{
	for (unsigned w = 0; w < o->options->workers; w++) {
		size_t used = atomic_load_explicit(&o->budgets[w].outstanding, memory_order_relaxed);

		if (o->pending[w]) used += o->pending[w]->bytes;
		if (used > o->options->worker_queue_bytes / 2) return false;
	}
	return true;
}

uint64_t
feed_out_moving(const struct feed_out *o)
{
	uint64_t workers = 0;

	for (unsigned w = 0; w < o->options->workers; w++)
		if (atomic_load_explicit(&o->budgets[w].moves, memory_order_acquire)) workers |= UINT64_C(1) << w;
	return workers;
}

/* surely: who of them, one bit each, whatever they are behind by. */
static unsigned
hand(struct feed_out *o, uint64_t workers, const struct delivery_item *item, uint64_t serial, uint64_t surely)
{
	size_t bytes = eio_bundle_size(item->bundle) + ITEM_OVERHEAD;
	unsigned dropped = 0;

	if (item->audience) bytes += audience_size(item->audience);
	for (; workers; workers &= workers - 1) {
		unsigned w = (unsigned)__builtin_ctzll(workers);
		size_t used = atomic_fetch_add_explicit(&o->budgets[w].outstanding, bytes, memory_order_relaxed);
		bool fits = (surely >> w & 1) || used == 0 || used + bytes <= o->options->worker_queue_bytes;
		struct delivery *d = fits ? delivery_of_one(o, w, item, bytes, serial) : NULL;

		if (d) {
			mail_post(o->workers[w], &d->mail);
		} else {
			atomic_fetch_sub_explicit(&o->budgets[w].outstanding, bytes, memory_order_relaxed);
			note_lost(o, w, serial);
			dropped++;
		}
	}
	return dropped;
}

unsigned
feed_out_hand(struct feed_out *o, uint64_t workers, const struct delivery_item *item, bool here)
{
	return hand(o, workers, item, 0, here ? hub_bit(o) : 0);
}

enum sio_encode
feed_out_encode(const struct feed_spec *feed)
{
	if (feed->spread) return SIO_ENCODE_ARGUMENTS;
	switch (feed->encode) {
	case FEED_ENCODE_BINARY: return SIO_ENCODE_BINARY;
	case FEED_ENCODE_JSON: return SIO_ENCODE_JSON;
	case FEED_ENCODE_TEXT: return SIO_ENCODE_TEXT;
	}
	abort();
}

static void
note_unheard(struct feed_out *o, const struct feed_batch *b)
{
	const struct sio_room_key *target = &b->stream->target;

	metrics_inc(b->metrics, FEED_METRIC_BATCHES_UNHEARD);
	LOG_DEBUG_LIMITED(&o->unheard, b->now_ms,
		"feed=%u event=batch-not-sent part=members reason=\"they have gone\" room=\"%s\" messages=%u",
		b->feed->index, target->everyone ? "" : LOG_ESCAPE(target->name), b->count);
}

/* What is to be remembered of a batch, before anybody is asked whether he listens. serial 0: nothing. */
static struct history_broadcast
begin_past(const struct feed_out *o, const struct feed_batch *b)
{
	struct history_broadcast past = { .messages = b->count, .now_ms = b->now_ms };

	if (!o->ledger || !b->stream->recovers) return past;
	past.n_rooms = feed_stream_rooms(b->stream, &past.rooms);
	past.serial = ledger_next(o->ledger);
	past.audience = b->stream->crowd ? b->stream->crowd->audience : NULL;
	return past;
}

/* The name was checked when the stream was made, so only memory can be missing. */
static bool
make_bundle(struct feed_out *o, const struct feed_batch *b, const struct sio_broadcast *broadcast,
	struct delivery_item *item)
{
	if (sio_broadcast_bundle(broadcast, &item->bundle) < 0) return false;
	eio_bundle_count_in(item->bundle, &o->forms);
	if (!b->feed->latest_per) return true;
	item->keys = feed_keys_new(b->feed, &b->content, item->bundle, sio_offset_size(broadcast->offset));
	if (!item->keys) eio_bundle_unref(item->bundle);
	return item->keys != NULL;
}

/* An offset says to others how far that is, where it is of something that they know. */
static struct feed_offset_text
offset_for(const struct feed_out *o, const struct feed_stream *stream, uint64_t serial)
{
	struct feed_offset_text offset = feed_offset_write((struct feed_offset){ serial, 0 });
	struct standing_text standing = { .n = 0 };

	if (!o->journal) return offset;
	if (stream && !feed_local_has(&o->journal->local, stream->target.nsp)) standing = journal_standing(o->journal);
	feed_offset_add(&offset, o->journal->node, &standing);
	return offset;
}

void
feed_out_add(struct feed_out *o, const struct feed_batch *b)
{
	struct history_broadcast past = begin_past(o, b);
	uint64_t workers = past.serial ? ledger_workers(past.rooms, past.n_rooms) : feed_stream_workers(b->stream);
	struct feed_offset_text offset = { .n = 0 };
	struct sio_broadcast broadcast = {
		.nsp = b->stream->target.nsp,
		.event = b->stream->event,
		.encode = feed_out_encode(b->feed),
		.payload = b->content.body,
		.before = b->content.before,
		.after = b->content.after,
	};
	struct delivery_item item = {
		.target = b->stream->interest,
		.audience = b->stream->crowd ? b->stream->crowd->audience : NULL,
		.slow = b->feed->slow,
		.lag_event = b->feed->lag_event,
		.retained = b->feed->retain.rules.kind != RETAIN_NOTHING,
		.stream = b->stream->hash,
	};

	if (!workers && !(past.serial && ledger_wanted(past.rooms, past.n_rooms))) {
		note_unheard(o, b);
		return;
	}
	if (past.serial) offset = offset_for(o, b->stream, past.serial);
	broadcast.offset = feed_offset_bytes(&offset);
	if (!make_bundle(o, b, &broadcast, &item)) {
		metrics_add(b->metrics, FEED_METRIC_DROPPED_MEMORY, b->count);
		history_lose(past.rooms, past.n_rooms, past.serial);
		if (workers & hub_bit(o)) note_lost(o, o->options->workers, 0);
		return;
	}
	metrics_inc(b->metrics, FEED_METRIC_BATCHES);
	metrics_observe(b->metrics, FEED_METRIC_BATCH_MESSAGES, &feed_batch_buckets, b->count);
	metrics_add(b->metrics, FEED_METRIC_BATCH_BYTES, eio_bundle_size(item.bundle));
	for (unsigned w = 0; w < feed_takers(o->options); w++)
		if (workers >> w & 1) add_for_worker(o, w, b, &item, past.serial);
	past.bundle = item.bundle;
	past.workers = workers;
	if (past.serial) ledger_remember(o->ledger, b->feed->index, &past);
	eio_bundle_unref(item.bundle);
	feed_keys_unref(item.keys);
}

struct feed_offset_text
feed_out_reached(const struct feed_out *o)
{
	struct feed_offset_text t = feed_offset_write((struct feed_offset){ ledger_serial(o->ledger), 0 });
	struct standing_text standing = journal_standing(o->journal);

	feed_offset_add(&t, o->journal->node, &standing);
	return t;
}

bool
feed_out_stands_up(const struct feed_out *o)
{
	return !o->stands && journal_standing(o->journal).n > 0;
}

/* Hands a delivery over, which says up to which number it is complete. */
static void
carry_delivery(struct feed_out *o, unsigned w, struct delivery *d)
{
	CHECK(o->workers[w]);
	d->serial = o->ledger ? ledger_serial(o->ledger) : 0;
	d->reached.n = 0;
	if (o->journal) d->reached = feed_out_reached(o);
	o->told[w] = d->serial;
	if (d->begun_ns) d->posted_ns = uv_hrtime();
	atomic_fetch_add_explicit(&d->budget->outstanding, d->bytes, memory_order_relaxed);
	mail_post(o->workers[w], &d->mail);
}

static void
post_pending(struct feed_out *o, unsigned w)
{
	struct delivery *d = o->pending[w];

	if (!d) return;
	o->waiting &= ~(UINT64_C(1) << w);
	o->pending[w] = NULL;
	carry_delivery(o, w, d);
}

/* Hands out an event whose offset it knows. */
static unsigned
send_event(struct feed_out *o, const struct feed_event *e, struct history_broadcast *past)
{
	struct feed_offset_text offset = offset_for(o, NULL, past->serial);
	uint64_t surely = e->surely ? UINT64_MAX : hub_bit(o);
	struct delivery_item item = { .target = e->audience ? NULL : e->rooms[0],
		.audience = e->audience,
		.slow = e->slow,
		.lag_event = e->lag_event,
		.keys = e->keys,
		.retained = e->retained,
		.fleeting = e->fleeting,
		.stream = e->stream };
	unsigned dropped;

	if (sio_event_add_offset(e->bundle, feed_offset_bytes(&offset), &item.bundle) < 0) {
		history_lose(past->rooms, past->n_rooms, past->serial);
		for (uint64_t w = past->workers; w; w &= w - 1)
			note_lost(o, (unsigned)__builtin_ctzll(w), past->serial);
		return (unsigned)__builtin_popcountll(past->workers);
	}
	eio_bundle_count_in(item.bundle, &o->forms);
	past->bundle = item.bundle;
	ledger_remember(o->ledger, SIZE_MAX, past);
	dropped = hand(o, past->workers, &item, past->serial, surely);
	eio_bundle_unref(item.bundle);
	return dropped;
}

unsigned
feed_out_event(struct feed_out *o, const struct feed_event *e)
{
	struct history_broadcast past = {
		.rooms = e->rooms, .n_rooms = e->n_rooms, .audience = e->audience, .messages = 1, .now_ms = e->now_ms
	};

	feed_out_post(o);
	past.serial = ledger_next(o->ledger);
	past.workers = ledger_workers(e->rooms, e->n_rooms) | feed_out_moving(o);
	if (!past.workers && !ledger_wanted(e->rooms, e->n_rooms)) return 0;
	return send_event(o, e, &past);
}

void
feed_out_post(struct feed_out *o)
{
	while (o->waiting) post_pending(o, (unsigned)__builtin_ctzll(o->waiting));
}

void
feed_out_tell(struct feed_out *o)
{
	uint64_t serial = ledger_serial(o->ledger);

	o->tells = false;
	o->stands = o->journal && journal_standing(o->journal).n > 0;
	feed_out_post(o);
	for (unsigned w = 0; w < o->options->workers; w++) {
		struct delivery *d = o->told[w] < serial || o->journal ? calloc(1, sizeof *d) : NULL;

		if (!d) continue;
		d->budget = &o->budgets[w];
		carry_delivery(o, w, d);
	}
}

void
feed_out_answer(struct feed_out *o, struct feed_ask *a)
{
	struct delivery *d = a->way;
	unsigned w = a->worker;

	CHECK(w < feed_takers(o->options));
	post_pending(o, w);
	a->way = NULL;
	a->serial = o->ledger ? ledger_serial(o->ledger) : 0;
	/* What is in it all newcomers share. Thousands of them must not make the worker one that is behind. */
	d->budget = &o->budgets[w];
	d->bytes = ITEM_OVERHEAD;
	d->n = 1;
	d->items[0] = (struct delivery_item){ .ask = a };
	carry_delivery(o, w, d);
}
