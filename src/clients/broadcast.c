/* SPDX-License-Identifier: MIT */
/* Broadcasts of handlers. */
#include "src/clients/broadcast.h"

#include "src/clients/fanout.h"
#include "src/feed/feed.h"
#include "src/feed/returns.h"

#include <stdlib.h>

/* Of no feed: "latest" is not their rule, so one number does for all. */
enum { BROADCAST_STREAM = 1 };

/* The hub's edges are one of them. */
static uint64_t
other_workers(const struct clients *c, const struct audience *a)
{
	uint64_t workers = 0;

	if (c->options.takers < 2) return 0;
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

/* Where clients are recovered a broadcast gets its place in the order of all on the feed's thread, and comes from there
 * to our own members, too. The sender is left out by the id of its socket. */
static void
shout(struct sio_socket *s, const struct handlers_broadcast *b)
{
	struct clients *c = client_of(s)->clients;
	struct eio_bytes *except = calloc(b->n_except + 1, sizeof *except);
	struct audience *all = NULL;

	if (except) {
		if (b->n_except) memcpy(except, b->except, b->n_except * sizeof *except);
		except[b->n_except] = sio_socket_id(s);
		all = audience_new(&(struct audience){ .nsp = sio_socket_nsp(s),
			.rooms = b->rooms,
			.n_rooms = b->n_rooms,
			.except = except,
			.n_except = b->n_except + (b->self ? 0 : 1) });
	}
	if (!all || feed_shout(feed_returning_of(c->options.feed), b->bundle, all)) {
		client_count(s, NAMESPACE_METRIC_BROADCASTS_DROPPED);
		CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_BROADCAST_DROPPED, "broadcast-dropped", sio_socket_nsp(s),
			"why=\"%s\"", "the feed is behind");
	}
	audience_unref(all);
	free(except);
}

/* Tells other servers. Whoever is left out here is so there, by its id. */
static void
tell_servers(struct sio_socket *s, const struct handlers_broadcast *b)
{
	struct clients *c = client_of(s)->clients;
	struct eio_bytes *except;
	int rc = -1;

	if (!c->options.adapter || !adapter_tells(c->options.adapter)) return;
	except = calloc(b->n_except + 1, sizeof *except);
	if (except) {
		if (b->n_except) memcpy(except, b->except, b->n_except * sizeof *except);
		except[b->n_except] = sio_socket_id(s);
		rc = adapter_broadcast(c->options.adapter,
			&(struct audience){ .nsp = sio_socket_nsp(s),
				.rooms = b->rooms,
				.n_rooms = b->n_rooms,
				.except = except,
				.n_except = b->n_except + (b->self ? 0 : 1) },
			b->bundle);
	}
	free(except);
	if (!rc) return;
	client_count(s, NAMESPACE_METRIC_BROADCASTS_DROPPED);
	CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_BROADCAST_DROPPED, "broadcast-dropped", sio_socket_nsp(s),
		"why=\"%s\"", "too much waits for other servers");
}

void
broadcast_send(struct sio_socket *s, const struct handlers_broadcast *b)
{
	struct client *client = client_of(s);
	struct clients *c = client->clients;
	const struct audience a = { .nsp = sio_socket_nsp(s),
		.rooms = b->rooms,
		.n_rooms = b->n_rooms,
		.except = b->except,
		.n_except = b->n_except };
	struct delivery_item item = { .bundle = b->bundle, .slow = FEED_SLOW_DROP_OLDEST, .stream = BROADCAST_STREAM };
	uint64_t others;
	unsigned dropped;

	if (!c->stopping) tell_servers(s, b);
	if (!c->stopping && client_socket_of(s)->namespace->recovers) {
		client_count(s, NAMESPACE_METRIC_BROADCASTS);
		shout(s, b);
	} else if (!c->stopping) {
		client_count(s, NAMESPACE_METRIC_BROADCASTS);
		eio_server_gather(eio_socket_server(client->eio), false);
		fanout_to_audience(c, &a, &item, b->self ? NULL : client->eio);
		eio_server_send_gathered(eio_socket_server(client->eio));
		others = other_workers(c, &a);
		dropped = others ? hand_to_others(c, others, &a, item) : 0;
		metrics_add(client_socket_of(s)->namespace->metrics, NAMESPACE_METRIC_BROADCASTS_DROPPED, dropped);
		if (dropped)
			CLIENTS_DEBUG(client, CLIENTS_LINE_BROADCAST_DROPPED, "broadcast-dropped", sio_socket_nsp(s),
				"why=\"workers are behind\" workers=%u", dropped);
	}
	eio_bundle_unref(b->bundle);
}
