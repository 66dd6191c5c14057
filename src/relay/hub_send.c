/* SPDX-License-Identifier: MIT */
/* From deliveries to the queues of edges: each broadcast is encoded when the first of them wants it. */
#include "src/relay/hub_int.h"

#include "src/feed/delivery.h"
#include "src/relay/batch.h"

enum { SCRATCH_KEPT = 1 << 20 }; /* so much of the memory of the largest frame is kept */

/* A broadcast on its way to edges. */
struct hub_broadcast {
	struct relay_hub *hub;
	const struct delivery_item *item;
	uint64_t number; /* of its room, or 0 */
	struct eio_block *block; /* NULL: nobody has wanted it yet */
	bool failed;
};

static void
encode_hub_broadcast(struct hub_broadcast *b)
{
	struct eio_buf *body = &b->hub->scratch;

	eio_buf_clear(body);
	if (relay_batch_write(body, b->item, b->number))
		b->block = relay_frame_block(b->item->audience ? RELAY_AUDIENCE : RELAY_BATCH, eio_buf_bytes(body));
	if (body->cap > SCRATCH_KEPT) eio_buf_deinit(body);
	b->failed = !b->block;
	metrics_inc(b->hub->metrics, b->failed ? RELAY_HUB_METRIC_DROPPED : RELAY_HUB_METRIC_BATCHES);
}

/* Those in a room who have not got it by another one. Without memory they are told that something is missing. */
static void
queue_for_room(struct hub_broadcast *b, const struct hub_room *r)
{
	for (const struct eio_list *l = r->joins.next; l != &r->joins; l = l->next) {
		struct hub_session *s = EIO_CONTAINER(l, struct hub_join, in_room)->session;

		if (s->seen == b->hub->broadcasts) continue;
		s->seen = b->hub->broadcasts;
		if (!b->block && !b->failed) encode_hub_broadcast(b);
		if (b->failed) {
			hub_session_lose(s);
			continue;
		}
		hub_session_queue(s, b->block);
		metrics_inc(b->hub->metrics, RELAY_HUB_METRIC_SENT);
	}
}

static void
queue_item(struct relay_hub *h, const struct delivery_item *item)
{
	struct hub_broadcast b = { .hub = h, .item = item };
	const struct hub_room *r;

	h->broadcasts++;
	if (item->audience) {
		for (size_t i = 0; i < audience_keys(item->audience); i++) {
			r = hub_rooms_find(h, audience_key(item->audience, i));
			if (r) queue_for_room(&b, r);
		}
	} else if ((r = hub_rooms_of(h, item->target))) {
		b.number = r->number;
		queue_for_room(&b, r);
	}
	eio_block_unref(b.block);
}

/* Connections that end let go of their sessions later, so the list stays as it is. */
static void
pump_sessions(struct relay_hub *h)
{
	struct eio_list *l, *next;

	eio_ws_server_gather(h->server, true);
	EIO_LIST_FOREACH_SAFE(l, next, &h->sessions)
	{
		struct hub_session *s = EIO_CONTAINER(l, struct hub_session, link);

		hub_session_pump(s);
	}
	eio_ws_server_send_gathered(h->server);
	EIO_LIST_FOREACH_SAFE(l, next, &h->sessions)
	{
		struct hub_session *s = EIO_CONTAINER(l, struct hub_session, link);

		if (s->cut) hub_link_cut_session(s, RELAY_HUB_METRIC_SLOW);
	}
}

void
hub_take_deliveries(void *user, struct mail *run)
{
	struct relay_hub *h = user;

	CHECK_MAGIC(h, RELAY_HUB_MAGIC);
	while (run) {
		struct delivery *d = EIO_CONTAINER(run, struct delivery, mail);

		run = run->next;
		for (size_t i = 0; i < d->n; i++)
			if (d->items[i].ask)
				d->items[i].ask->told(d->items[i].ask);
			else if (!h->closed)
				queue_item(h, &d->items[i]);
		delivery_free(d);
	}
	if (!h->closed) pump_sessions(h);
}
