/* SPDX-License-Identifier: MIT */
/* What an edge says, once it has been welcomed. */
#include "src/relay/hub_int.h"

#include <inttypes.h>

/* What takes a frame returns 0, or what is counted because it is the edge's end. */

static int
take_join(struct hub_session *s, struct eio_bytes body)
{
	struct sio_room_key key;
	struct hub_room *room;
	struct eio_buf out = { 0 };

	if (!relay_take_key(&body, &key) || body.n) return RELAY_HUB_METRIC_PROTOCOL;
	if (hub_rooms_join(s, key, &room) < 0) return RELAY_HUB_METRIC_MEMORY;
	/* Also when it was there: what the edge has heard of that may have been lost with its last connection. */
	relay_put_number(&out, room->number);
	relay_put_key(&out, key);
	hub_session_say(s, RELAY_ROOM, &out);
	eio_buf_deinit(&out);
	return 0;
}

static int
take_leave(struct hub_session *s, struct eio_bytes body)
{
	struct sio_room_key key;
	struct eio_buf out = { 0 };
	uint64_t number;

	if (!relay_take_key(&body, &key) || body.n) return RELAY_HUB_METRIC_PROTOCOL;
	number = hub_rooms_leave(s, key);
	if (number) {
		relay_put_number(&out, number);
		hub_session_say(s, RELAY_LEFT, &out);
	}
	eio_buf_deinit(&out);
	return 0;
}

static int
take_publish(struct hub_session *s, struct eio_bytes body)
{
	struct relay_hub *h = s->hub;
	struct eio_bytes channel;

	s->published++;
	s->published_bytes += body.n;
	if (!relay_take_bytes(&body, &channel)) return RELAY_HUB_METRIC_PROTOCOL;
	/* What is missing of memory the feed counts. */
	if (feed_publish(h->options.feed, channel, body) == 0) metrics_inc(h->metrics, RELAY_HUB_METRIC_PUBLISHED);
	return 0;
}

static int
take_sync(struct hub_session *s, struct eio_bytes body)
{
	uint64_t number;

	if (!relay_take_number(&body, &number) || body.n) return RELAY_HUB_METRIC_PROTOCOL;
	hub_sync_ask(s, number);
	return 0;
}

static int
take_ask(struct hub_session *s, struct eio_bytes body)
{
	bool nomem;

	if (hub_ask(s, body, &nomem)) return 0;
	return nomem ? RELAY_HUB_METRIC_MEMORY : RELAY_HUB_METRIC_PROTOCOL;
}

static int
take_edge_ack(struct hub_session *s, struct eio_bytes body)
{
	uint64_t received;

	if (!relay_take_number(&body, &received) || body.n || !hub_session_ack(s, received))
		return RELAY_HUB_METRIC_PROTOCOL;
	hub_ask_next(s);
	return 0;
}

static int
take_said_frame(struct hub_session *s, const struct relay_frame *f)
{
	switch (f->type) {
	case RELAY_JOIN: return take_join(s, f->body);
	case RELAY_LEAVE: return take_leave(s, f->body);
	case RELAY_SYNC: return take_sync(s, f->body);
	case RELAY_ACK: return take_edge_ack(s, f->body);
	case RELAY_PUBLISH: return take_publish(s, f->body);
	case RELAY_ASK: return take_ask(s, f->body);
	default: return RELAY_HUB_METRIC_PROTOCOL;
	}
}

bool
hub_said_take(struct hub_session *s, const struct relay_frame *f, enum relay_hub_metric *why)
{
	int end = take_said_frame(s, f);

	if (end) *why = (enum relay_hub_metric)end;
	return !end;
}

void
hub_said_too_long(struct hub_session *s, const struct relay_frame *f)
{
	struct relay_hub *h = s->hub;

	metrics_inc(h->metrics, RELAY_HUB_METRIC_LONG);
	log_limited(LOG_LEVEL_WARN, &h->refused, hub_now(h),
		"event=relay-frame-too-long node=%s type=%u bytes=%" PRIu64 " hint=\"limits.messageBytes\"",
		*s->node ? s->node : "-", f->type, f->n);
	if (f->type == RELAY_ASK) hub_ask_fail(s, f->body);
	if (f->type == RELAY_PUBLISH) s->published++;
}
