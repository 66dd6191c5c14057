/* SPDX-License-Identifier: MIT */
/* What a hub says: batches to the workers, and what is known of rooms and of gaps. */
#include "src/relay/edge_int.h"

#include "src/feed/passing.h"
#include "src/feed/sending.h"
#include "src/relay/batch.h"

#include <inttypes.h>

void
edge_say_received(struct relay_edge *e)
{
	struct eio_buf body = { 0 };

	if (e->acked == e->place.received) return;
	e->acked = e->place.received;
	e->unacked_bytes = 0;
	relay_put_number(&body, e->acked);
	edge_say_surely(e, RELAY_ACK, &body);
	eio_buf_deinit(&body);
}

/* Batches */

/* Messages of one stream are put together when a client is behind, and columns only of such as were looked at for that:
 * so columns and others are two streams, whatever the hub says, here and below. */
static uint64_t
stream_of_batch(const struct relay_batch *b)
{
	if (!b->keys) return b->stream;
	return b->keys->columns ? b->stream | 1 : b->stream & ~UINT64_C(1);
}

static enum edge_took
take_batch(struct relay_edge *e, const struct relay_frame *f)
{
	struct relay_batch b;
	struct edge_room *r = NULL;
	struct feed_passed passed;
	bool nomem, known;

	if (!relay_batch_read(f->type, f->body, &b, &nomem)) {
		if (!nomem) return EDGE_BAD;
		metrics_inc(e->metrics, RELAY_EDGE_METRIC_DROPPED);
		feed_pass_gap(e->options.feed);
		return EDGE_TOOK;
	}
	if (b.number) r = edge_rooms_numbered(e, b.number);
	passed = (struct feed_passed){
		.bundle = b.bundle,
		.target = r ? r->pair : NULL,
		.audience = b.audience,
		.slow = b.slow,
		.lag_event = b.lag_event,
		.retained = b.retained,
		.fleeting = b.fleeting,
		.keys = b.keys,
		.stream = stream_of_batch(&b),
	};
	metrics_inc(e->metrics, RELAY_EDGE_METRIC_BATCHES);
	known = r || b.audience;
	if (known) metrics_add(e->metrics, RELAY_EDGE_METRIC_BEHIND, feed_pass(e->options.feed, &passed));
	relay_batch_deinit(&b);
	return known ? EDGE_TOOK : EDGE_BAD;
}

/* Feeds */

/* Takes the hubs above off: this one may not be among them, or everything would go round. */
static bool
take_hubs(struct relay_edge *e, struct eio_bytes *s)
{
	unsigned char epoch[RELAY_EPOCH];
	uint64_t n;

	if (!relay_take_number(s, &n) || n < 1 || n > RELAY_DEPTH) return false;
	for (; n; n--) {
		if (!relay_take_fixed(s, epoch, sizeof epoch)) return false;
		e->circle |= e->options.epoch && memcmp(epoch, e->options.epoch, sizeof epoch) == 0;
	}
	return !e->circle;
}

/* All of what is told of feeds must be there: it is looked at when there is a gap. *told: of which gaps. */
static bool
check_feeds(struct relay_edge *e, struct eio_bytes s, unsigned *flags, struct eio_bytes *told)
{
	struct eio_bytes one;
	uint64_t n;

	if (!relay_take_byte(&s, flags) || *flags > (RELAY_RETAINS | RELAY_EXCEPTS)) return false;
	e->circle = false;
	if (!take_hubs(e, &s)) return false;
	*told = s;
	if (!relay_take_number(&s, &n)) return false;
	for (; n; n--)
		if (!relay_take_bytes(&s, &one) || !one.n || *one.p != '/' || !relay_take_bytes(&s, &one)) return false;
	return !s.n;
}

static enum edge_took
take_feeds(struct relay_edge *e, struct eio_bytes s)
{
	struct eio_buf feeds = { 0 };
	struct eio_bytes told;
	unsigned flags;

	if (!check_feeds(e, s, &flags, &told)) return EDGE_BAD;
	eio_buf_add(&feeds, told);
	if (eio_buf_failed(&feeds) || (e->options.feeds && !e->options.feeds(e->options.user, s))) {
		eio_buf_deinit(&feeds);
		return EDGE_NO_MEMORY;
	}
	feed_set_hub_retains(e->options.feed, flags & RELAY_RETAINS);
	e->excepts = flags & RELAY_EXCEPTS;
	eio_buf_deinit(&e->feeds);
	e->feeds = feeds;
	return EDGE_TOOK;
}

/* Rooms */

static enum edge_took
take_room(struct relay_edge *e, struct eio_bytes s)
{
	struct sio_room_key key;
	uint64_t number;

	if (!relay_take_number(&s, &number) || !relay_take_key(&s, &key) || s.n) return EDGE_BAD;
	return edge_rooms_joined(e, number, key);
}

static bool
take_left(struct relay_edge *e, struct eio_bytes s)
{
	uint64_t number;

	return relay_take_number(&s, &number) && !s.n && edge_rooms_left(e, number);
}

static bool
take_synced(struct relay_edge *e, struct eio_bytes s)
{
	uint64_t number;

	if (!relay_take_number(&s, &number) || s.n) return false;
	if (number > e->synced && number <= e->syncs) e->synced = number;
	if (!e->syncing || number != e->syncs) return true; /* of a connection before, or the next comes, too */
	e->syncing = false;
	metrics_put(e->metrics, RELAY_EDGE_METRIC_CONNECTED, 1);
	feed_set_hub_ready(e->options.feed, true);
	edge_gap_end(e);
	return true;
}

/* It wants to hear something. One of before has nothing to say with that. */
static bool
take_ping(struct relay_edge *e, struct eio_bytes s)
{
	uint64_t complete, published;

	if (!s.n) {
		e->plain = true;
		edge_publish_unknown(e);
	} else {
		if (!relay_take_number(&s, &complete) || !relay_take_number(&s, &published)) return false;
		if (complete) e->complete_ms = complete;
		if (!edge_publish_taken(e, published)) return false;
	}
	if (e->options.reached) e->options.reached(e->options.user, e->gap ? e->gap_from_ms : edge_gap_from(e));
	e->acked = UINT64_MAX;
	edge_say_received(e);
	return true;
}

/* Frames */

static enum edge_took
take_hub_frame(struct relay_edge *e, const struct relay_frame *f)
{
	bool good = true;

	switch (f->type) {
	case RELAY_BATCH:
	case RELAY_AUDIENCE: return take_batch(e, f);
	case RELAY_ROOM: return take_room(e, f->body);
	case RELAY_LEFT: good = take_left(e, f->body); break;
	case RELAY_ANSWER: good = edge_asks_answer(e, f->body); break;
	case RELAY_SYNCED: good = take_synced(e, f->body); break;
	case RELAY_FEEDS: return take_feeds(e, f->body);
	case RELAY_GAP: feed_pass_gap(e->options.feed); break;
	case RELAY_PING: good = take_ping(e, f->body); break;
	default: good = false;
	}
	return good ? EDGE_TOOK : EDGE_BAD;
}

static void
note_long(struct relay_edge *e, const struct relay_frame *f)
{
	metrics_inc(e->metrics, RELAY_EDGE_METRIC_LONG);
	if (f->type == RELAY_ANSWER) edge_asks_fail(e, f->body);
	log_limited(LOG_LEVEL_WARN, &e->limit, edge_now(e),
		"hub=%s event=relay-batch-too-long bytes=%" PRIu64 " hint=\"limits.messageBytes\"",
		e->options.spec->text, f->n);
}

enum edge_took
edge_take_frames(struct relay_edge *e)
{
	enum edge_took took = EDGE_TOOK;
	struct relay_frame f;

	while (took == EDGE_TOOK) {
		enum relay_read what;

		if (!feed_keeps_up(e->options.feed)) return EDGE_WAITS_FOR_WORKERS;
		what = relay_reader_next(&e->reader, &f);
		if (what == RELAY_READ_MORE) break;
		if (what == RELAY_READ_BAD) return EDGE_BAD;
		if (what == RELAY_READ_LONG)
			note_long(e, &f);
		else
			took = take_hub_frame(e, &f);
		if (took == EDGE_NO_MEMORY) return took; /* it is not counted: it comes again */
		if (!relay_is_counted(f.type)) continue;
		e->place.received++;
		e->unacked_bytes += f.n + RELAY_ENTRY_BYTES;
	}
	if (e->unacked_bytes >= RELAY_ACK_BYTES) edge_say_received(e);
	return took;
}

enum edge_took
edge_take_welcome(struct relay_edge *e, struct eio_bytes s, bool *resumed)
{
	struct relay_place here;
	enum edge_took took;
	unsigned same;

	if (!relay_take_byte(&s, &same) || same > 1 || !relay_place_take(&s, &here)) return EDGE_BAD;
	if (here.received != (same ? e->place.received : 0)) return EDGE_BAD;
	took = take_feeds(e, s);
	if (took != EDGE_TOOK) return took;
	if (!same) edge_gap_begin(e);
	e->place = here;
	e->acked = here.received;
	*resumed = same;
	metrics_inc(e->metrics, same ? RELAY_EDGE_METRIC_RESUMES : RELAY_EDGE_METRIC_CONNECTS);
	return EDGE_TOOK;
}
