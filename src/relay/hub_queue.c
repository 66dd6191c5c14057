/* SPDX-License-Identifier: MIT */
/* What waits for one edge: references to blocks that all edges share, from the first that it has not said to have. */
#include "src/relay/hub_int.h"

#include <stdlib.h>

static size_t
slot_of(const struct hub_session *s, uint64_t number)
{
	return (size_t)(number % s->cap);
}

static size_t
entry_cost(const struct eio_block *b)
{
	return b->n + RELAY_ENTRY_BYTES;
}

struct hub_session *
hub_session_new(struct relay_hub *h, const char *node)
{
	struct hub_session *s = h->n_sessions < RELAY_EDGES ? calloc(1, sizeof *s) : NULL;

	if (!s) return NULL;
	s->magic = RELAY_SESSION_MAGIC;
	s->hub = h;
	s->number = ++h->sessions_born;
	memcpy(s->node, node, sizeof s->node);
	eio_list_init(&s->joins);
	eio_list_init(&s->asked);
	eio_list_init(&s->unasked);
	eio_list_add_tail(&h->sessions, &s->link);
	h->n_sessions++;
	return s;
}

static void
drop_entry(struct hub_session *s, uint64_t number)
{
	const struct hub_entry *e = &s->ring[slot_of(s, number)];
	size_t cost = entry_cost(e->block);

	s->bytes -= cost;
	if (e->reply) s->reply_bytes -= cost;
	s->n_replies -= e->reply;
	metrics_sub(s->hub->metrics, RELAY_HUB_METRIC_WAITING, cost);
	eio_block_unref(e->block);
}

void
hub_session_free(struct hub_session *s)
{
	CHECK_MAGIC(s, RELAY_SESSION_MAGIC);
	CHECK(eio_list_empty(&s->joins) && eio_list_empty(&s->asked) && eio_list_empty(&s->unasked));
	for (uint64_t i = s->acked + 1; i <= s->last; i++) drop_entry(s, i);
	eio_list_remove(&s->link);
	s->hub->n_sessions--;
	free(s->ring);
	s->magic = 0;
	free(s);
}

struct hub_session *
hub_session_find(struct relay_hub *h, const struct relay_place *place)
{
	if (memcmp(place->epoch, h->epoch, sizeof h->epoch) != 0) return NULL;
	for (struct eio_list *l = h->sessions.next; l != &h->sessions; l = l->next) {
		struct hub_session *s = EIO_CONTAINER(l, struct hub_session, link);

		if (s->number == place->session)
			return !s->cut && place->received >= s->acked && place->received <= s->sent ? s : NULL;
	}
	return NULL;
}

/* Room for one more. False when out of memory. */
static bool
grow_session_ring(struct hub_session *s)
{
	size_t cap = s->cap ? s->cap * 2 : 64;
	struct hub_entry *ring;

	if (s->last - s->acked < s->cap) return true;
	ring = malloc(cap * sizeof *ring);
	if (!ring) return false;
	for (uint64_t i = s->acked + 1; i <= s->last; i++) ring[i % cap] = s->ring[slot_of(s, i)];
	free(s->ring);
	s->ring = ring;
	s->cap = cap;
	return true;
}

/* Whether too much waits for one more. It may be of any length: an edge would be cut off for a long batch, whatever it
 * does. Replies count where there are more of them than there can be of an edge that reads. */
static bool
is_full(const struct hub_session *s, bool reply)
{
	size_t waiting = reply ? s->bytes : s->bytes - s->reply_bytes;

	if (reply && s->n_replies < RELAY_REPLIES_LEAST + 2 * s->n_rooms) return false;
	return waiting > s->hub->options.spec->queue_bytes;
}

static void
queue_entry(struct hub_session *s, struct hub_entry e)
{
	size_t cost = entry_cost(e.block);

	if (s->cut) return;
	if (!s->n_replies || s->n_rooms < s->n_joins) s->n_rooms = s->n_joins;
	if (is_full(s, e.reply) || !grow_session_ring(s)) {
		s->cut = true;
		return;
	}
	eio_block_ref(e.block);
	s->ring[slot_of(s, ++s->last)] = e;
	s->bytes += cost;
	if (e.reply) s->reply_bytes += cost;
	s->n_replies += e.reply;
	metrics_add(s->hub->metrics, RELAY_HUB_METRIC_WAITING, cost);
}

void
hub_session_queue(struct hub_session *s, struct eio_block *b)
{
	queue_entry(s, (struct hub_entry){ b, false });
}

void
hub_session_say(struct hub_session *s, unsigned type, const struct eio_buf *body)
{
	struct eio_block *b = eio_buf_failed(body) ? NULL : relay_frame_block(type, eio_buf_bytes(body));

	if (b)
		queue_entry(s, (struct hub_entry){ b, type != RELAY_GAP });
	else
		s->cut = true;
	eio_block_unref(b);
}

void
hub_session_pump(struct hub_session *s)
{
	while (s->ws && !s->cut && s->sent < s->last && eio_ws_writable(s->ws)) {
		struct eio_block *b = s->ring[slot_of(s, s->sent + 1)].block;

		if (eio_ws_write(s->ws, b) < 0) return; /* it will be told to be gone */
		s->sent++;
		metrics_add(s->hub->metrics, RELAY_HUB_METRIC_SENT_BYTES, b->n);
	}
}

bool
hub_session_ack(struct hub_session *s, uint64_t received)
{
	if (received > s->sent || received < s->acked) return false;
	while (s->acked < received) drop_entry(s, ++s->acked);
	return true;
}

void
hub_session_attach(struct hub_session *s, struct eio_ws *ws)
{
	s->ws = ws;
	s->sent = s->acked;
	/* What it has not said to have is sent again: only behind all of that it is complete. */
	if (s->sent < s->last) s->complete_ms = 0;
	if (s->mark > s->sent) return;
	s->mark = s->last;
	s->mark_ms = 0;
}

void
hub_session_lose(struct hub_session *s)
{
	const struct eio_buf nothing = { 0 };

	hub_session_say(s, RELAY_GAP, &nothing);
}

bool
hub_write(struct eio_ws *ws, unsigned type, struct eio_bytes body)
{
	struct eio_block *b = relay_frame_block(type, body);

	if (b) eio_ws_write(ws, b);
	eio_block_unref(b);
	return b != NULL;
}
