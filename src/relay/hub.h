/* SPDX-License-Identifier: MIT */
/*
 * The hub: other siocasts are in rooms here as clients are, and pass on to their own clients what goes there. To the
 * feed and the workers they are one worker more, which is given what has members at some edge; from there on each batch
 * is encoded once for all edges.
 *
 *     feed, workers ── deliveries ──▶ encoded once ──▶ queue of each edge ──▶ WebSocket
 *                       interest ◀── rooms ◀── JOIN, LEAVE ◀──────────────────┘
 *
 * A queue keeps what its edge has not said to have. So one that loses its connection, and comes back in time, goes on
 * behind that.
 *
 * Threads: the feed's, but for relay_hub_take().
 */
#ifndef SRC_RELAY_HUB_H
#define SRC_RELAY_HUB_H

#include "eio/net/httpd.h"
#include "src/base/thread.h"
#include "src/feed/feed.h"
#include "src/relay/spec.h"

struct relay_hub;

/* All is borrowed until relay_hub_free(). */
struct relay_hub_options {
	struct thread *thread;
	struct feed *feed;
	struct interest_table *interest;
	struct metrics_set *metrics;
	const struct relay_spec *spec;
	struct feed_specs *feeds; /* of which edges are told, not needed later; NULL: relay_hub_feeds() says it */
	unsigned taker; /* its number among workers: it is not one of theirs */
	size_t message_bytes; /* the longest message that an edge may have published */
};

/* Before the feed is started, whose deliveries it takes from then on. NULL when out of memory or of descriptors. */
struct relay_hub *relay_hub_new(const struct relay_hub_options *options);

/* Before its thread runs. */
void relay_hub_start(struct relay_hub *h);

/* A WebSocket at RELAY_PATH; owns it. Any thread, before relay_hub_stop(). */
void relay_hub_take(struct relay_hub *h, struct eio_upgrade *up);

/* Its feeds are others, which edges are told. Any thread. The set gets a reference. */
void relay_hub_change(struct relay_hub *h, struct feed_specs *specs);

/* What is told edges of feeds, and of the hubs above them, as this one's own hub has said it. On the feed's thread.
 * False when out of memory: then they are told what they were told before. */
bool relay_hub_feeds(struct relay_hub *h, struct eio_bytes feeds);

/* The same of up to when all that is published has come here, in milliseconds since 1970. */
void relay_hub_reached(struct relay_hub *h, uint64_t wall_ms);

/* What this hub is called in that: RELAY_EPOCH bytes. */
const unsigned char *relay_hub_epoch(const struct relay_hub *h);

/* Ends it, by the thread that starts and stops its thread; no upgrade comes any more. */
void relay_hub_stop(struct relay_hub *h);

/* After its thread. NULL is fine. */
void relay_hub_free(struct relay_hub *h);

#endif
