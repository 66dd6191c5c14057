/* SPDX-License-Identifier: MIT */
/* Broadcasts of handlers. */
#include "src/clients/broadcast.h"

#include "src/clients/fanout.h"
#include "src/feed/feed.h"

/* Of no feed: "latest" is not their rule, so one number does for all. */
enum { BROADCAST_STREAM = 1 };

static uint64_t
other_workers(const struct clients *c, const struct audience *a)
{
	uint64_t workers = 0;

	if (c->options.workers < 2) return 0;
	for (size_t i = 0; i < audience_keys(a); i++) workers |= interest_of(c->options.interest, audience_key(a, i));
	return workers & ~(UINT64_C(1) << c->options.worker);
}

/* Hands it to other workers. Returns for how many it was dropped. */
static unsigned
hand_to_others(struct clients *c, uint64_t workers, const struct audience *a, struct delivery_item item)
{
	unsigned dropped;

	item.audience = audience_new(a);
	if (!item.audience) return (unsigned)__builtin_popcountll(workers);
	dropped = feed_hand(c->options.feed, workers, &item);
	audience_unref(item.audience);
	return dropped;
}

void
broadcast_send(struct sio_socket *s, const struct handlers_broadcast *b)
{
	struct client *client = client_of(s);
	struct clients *c = client->clients;
	const struct audience a = {
		.nsp = s->nsp, .rooms = b->rooms, .n_rooms = b->n_rooms, .except = b->except, .n_except = b->n_except
	};
	struct delivery_item item = { .bundle = b->bundle, .slow = FEED_SLOW_DROP_OLDEST, .stream = BROADCAST_STREAM };
	uint64_t others;
	unsigned dropped;

	if (!c->stopping) {
		client_count(s, NAMESPACE_METRIC_BROADCASTS);
		eio_server_gather(eio_socket_server(client->eio), false);
		fanout_to_audience(c, &a, &item, b->self ? NULL : client->eio);
		eio_server_send_gathered(eio_socket_server(client->eio));
		others = other_workers(c, &a);
		dropped = others ? hand_to_others(c, others, &a, item) : 0;
		metrics_add(client_socket_of(s)->namespace->metrics, NAMESPACE_METRIC_BROADCASTS_DROPPED, dropped);
		if (dropped)
			CLIENTS_DEBUG(client, CLIENTS_LINE_BROADCAST_DROPPED, "broadcast-dropped", s->nsp,
				"why=\"workers are behind\" workers=%u", dropped);
	}
	eio_bundle_unref(b->bundle);
}
