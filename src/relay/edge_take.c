/* SPDX-License-Identifier: MIT */
/* What a hub says: batches to the workers, and what is known of rooms and of gaps. */
#include "src/relay/edge_int.h"

#include "sio/json.h"
#include "src/base/clock.h"
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
	edge_say(e, RELAY_ACK, eio_buf_bytes(&body));
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

/* Gaps */

/* The arguments of the event, as feeds have it. */
static void
write_relay_gap(struct eio_buf *out, struct eio_bytes channel, uint64_t from_ms, uint64_t to_ms)
{
	EIO_BUF_ADD_LIT(out, "[{\"channel\":");
	sio_json_escape(out, channel);
	eio_buf_printf(out, ",\"from\":%" PRIu64 ",\"to\":%" PRIu64 "}]", from_ms, to_ms);
}

static void
tell_relay_gap(struct relay_edge *e, struct eio_bytes nsp, struct eio_bytes channel, uint64_t to_ms)
{
	struct eio_buf args = { 0 };

	write_relay_gap(&args, channel, e->gap_from_ms, to_ms);
	if (!eio_buf_failed(&args)) {
		const struct feed_posted event = { .is_event = true,
			.everyone = true,
			.name = EIO_LIT("siocast:gap"),
			.nsp = nsp,
			.payload = eio_buf_bytes(&args) };

		metrics_add(e->metrics, RELAY_EDGE_METRIC_BEHIND, feed_send(e->options.feed, &event));
	}
	eio_buf_deinit(&args);
}

/* Clients are told of each feed for which the hub tells its own. */
static void
end_gap(struct relay_edge *e)
{
	struct eio_bytes s = eio_buf_bytes(&e->feeds), nsp, channel;
	uint64_t n, to_ms = clock_wall_ms();

	if (!e->gap) return;
	e->gap = false;
	metrics_inc(e->metrics, RELAY_EDGE_METRIC_GAPS);
	log_warn("hub=%s event=relay-gap from=%" PRIu64 " to=%" PRIu64, e->options.spec->text, e->gap_from_ms, to_ms);
	feed_pass_gap(e->options.feed);
	if (!relay_take_number(&s, &n)) return;
	for (; n && relay_take_bytes(&s, &nsp) && relay_take_bytes(&s, &channel); n--)
		tell_relay_gap(e, nsp, channel, to_ms);
}

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

/* What is told of feeds is looked at when there is a gap: all of it must be there. */
static bool
take_feeds(struct relay_edge *e, struct eio_bytes s)
{
	struct eio_bytes all = s, rest = s, one;
	unsigned flags;
	uint64_t n;

	if (!relay_take_byte(&rest, &flags) || flags > (RELAY_RETAINS | RELAY_EXCEPTS)) return false;
	e->circle = false;
	if (!take_hubs(e, &rest)) return false;
	s = rest;
	if (!relay_take_number(&rest, &n)) return false;
	for (; n; n--)
		if (!relay_take_bytes(&rest, &one) || !one.n || *one.p != '/' || !relay_take_bytes(&rest, &one))
			return false;
	if (rest.n) return false;
	if (e->options.feeds) e->options.feeds(e->options.user, all);
	feed_set_hub_retains(e->options.feed, flags & RELAY_RETAINS);
	e->excepts = flags & RELAY_EXCEPTS;
	eio_buf_clear(&e->feeds);
	eio_buf_add(&e->feeds, s);
	if (!eio_buf_failed(&e->feeds)) return true;
	eio_buf_deinit(&e->feeds);
	return true;
}

/* Rooms */

static bool
take_room(struct relay_edge *e, struct eio_bytes s)
{
	struct sio_room_key key;
	uint64_t number;

	return relay_take_number(&s, &number) && relay_take_key(&s, &key) && !s.n && edge_rooms_joined(e, number, key);
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
	if (!e->syncing || number != e->syncs) return true; /* of a connection before */
	e->syncing = false;
	metrics_put(e->metrics, RELAY_EDGE_METRIC_CONNECTED, 1);
	feed_set_hub_ready(e->options.feed, true);
	end_gap(e);
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
	case RELAY_ROOM: good = take_room(e, f->body); break;
	case RELAY_LEFT: good = take_left(e, f->body); break;
	case RELAY_ANSWER: good = edge_asks_answer(e, f->body); break;
	case RELAY_SYNCED: good = take_synced(e, f->body); break;
	case RELAY_FEEDS: good = take_feeds(e, f->body); break;
	case RELAY_GAP: feed_pass_gap(e->options.feed); break;
	case RELAY_PING:
		/* It wants to hear something. */
		e->acked = UINT64_MAX;
		edge_say_received(e);
		break;
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
		if (!relay_is_counted(f.type)) continue;
		e->place.received++;
		e->unacked_bytes += f.n + RELAY_ENTRY_BYTES;
	}
	if (e->unacked_bytes >= RELAY_ACK_BYTES) edge_say_received(e);
	return took;
}

bool
edge_take_welcome(struct relay_edge *e, struct eio_bytes s)
{
	struct relay_place here;
	unsigned resumed;

	if (!relay_take_byte(&s, &resumed) || resumed > 1 || !relay_place_take(&s, &here) || !take_feeds(e, s))
		return false;
	if (resumed && here.received != e->place.received) return false;
	if (!resumed && here.received) return false;
	/* One that has not been told yet goes on. */
	if (!resumed && e->was_open && !e->gap) e->gap_from_ms = e->heard_wall_ms;
	e->gap |= !resumed && e->was_open;
	e->place = here;
	e->acked = here.received;
	e->was_open = true;
	metrics_inc(e->metrics, resumed ? RELAY_EDGE_METRIC_RESUMES : RELAY_EDGE_METRIC_CONNECTS);
	return true;
}
