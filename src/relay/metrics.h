/* SPDX-License-Identifier: MIT */
/* What is counted of the relay: by a hub of its edges, and by an edge of its hub. */
#ifndef SRC_RELAY_METRICS_H
#define SRC_RELAY_METRICS_H

#include "src/base/metrics.h"

#define RELAY_HUB_METRICS(X) \
	X(RELAY_HUB_METRIC_EDGES, GAUGE, "relay_edges", "", "Edges that are connected to this hub") \
	X(RELAY_HUB_METRIC_AWAY, GAUGE, "relay_edges_away", "", \
		"Edges that lost their connection and may go on without a gap") \
	X(RELAY_HUB_METRIC_ROOMS, GAUGE, "relay_hub_rooms", "", "Rooms that edges are in here") \
	X(RELAY_HUB_METRIC_WAITING, GAUGE, "relay_hub_waiting_bytes", "", \
		"Bytes that wait for edges, or that they have not said to have") \
	X(RELAY_HUB_METRIC_BATCHES, COUNTER, "relay_hub_batches_total", "", \
		"Batches and events that were encoded for edges, once for all of them") \
	X(RELAY_HUB_METRIC_SENT, COUNTER, "relay_hub_sent_total", "", "The same times the edges that got them") \
	X(RELAY_HUB_METRIC_SENT_BYTES, COUNTER, "relay_hub_sent_bytes_total", "", "Bytes of those") \
	X(RELAY_HUB_METRIC_DROPPED, COUNTER, "relay_hub_dropped_total", "", \
		"Batches and events that were not encoded because memory was short, of which edges were told") \
	X(RELAY_HUB_METRIC_GREETED, COUNTER, "relay_hub_greeted_total", "how=\"new\"", \
		"Edges that came, and that went on where they were") \
	X(RELAY_HUB_METRIC_RESUMED, COUNTER, "relay_hub_greeted_total", "how=\"resumed\"", "") \
	X(RELAY_HUB_METRIC_KEY, COUNTER, "relay_hub_refused_total", "reason=\"key\"", \
		"Connections of edges that were refused") \
	X(RELAY_HUB_METRIC_VERSION, COUNTER, "relay_hub_refused_total", "reason=\"version\"", "") \
	X(RELAY_HUB_METRIC_GREETING, COUNTER, "relay_hub_refused_total", "reason=\"greeting\"", "") \
	X(RELAY_HUB_METRIC_FULL, COUNTER, "relay_hub_refused_total", "reason=\"full\"", "") \
	X(RELAY_HUB_METRIC_SLOW, COUNTER, "relay_hub_cut_total", "reason=\"slow\"", "Edges that were cut off") \
	X(RELAY_HUB_METRIC_SILENT, COUNTER, "relay_hub_cut_total", "reason=\"silent\"", "") \
	X(RELAY_HUB_METRIC_PROTOCOL, COUNTER, "relay_hub_cut_total", "reason=\"protocol\"", "") \
	X(RELAY_HUB_METRIC_MEMORY, COUNTER, "relay_hub_cut_total", "reason=\"memory\"", "") \
	X(RELAY_HUB_METRIC_LONG, COUNTER, "relay_hub_long_total", "", \
		"What edges said that was longer than limits.messageBytes allows, and not taken") \
	X(RELAY_HUB_METRIC_ASKED, COUNTER, "relay_hub_asked_total", "", "Questions of edges about what is retained") \
	X(RELAY_HUB_METRIC_PUBLISHED, COUNTER, "relay_hub_published_total", "", \
		"Messages that came from edges to be published")

enum relay_hub_metric { RELAY_HUB_METRICS(METRICS_SLOT) RELAY_HUB_METRIC_COUNT };

extern const struct metrics_table relay_hub_metrics;

#define RELAY_EDGE_METRICS(X) \
	X(RELAY_EDGE_METRIC_CONNECTED, GAUGE, "relay_connected", "", \
		"Whether this edge is connected to its hub, is in all rooms there that it wants, and the hub was ready since") \
	X(RELAY_EDGE_METRIC_ROOMS, GAUGE, "relay_rooms", "", "Rooms that this edge is in at its hub") \
	X(RELAY_EDGE_METRIC_UNREAD, GAUGE, "relay_unread_bytes", "", "Bytes from the hub that wait for workers") \
	X(RELAY_EDGE_METRIC_CONNECTS, COUNTER, "relay_connects_total", "how=\"new\"", \
		"Connections to the hub, by whether they went on where the one before ended") \
	X(RELAY_EDGE_METRIC_RESUMES, COUNTER, "relay_connects_total", "how=\"resumed\"", "") \
	X(RELAY_EDGE_METRIC_LOST, COUNTER, "relay_failures_total", "reason=\"lost\"", \
		"Connections to the hub that ended, or were not made") \
	X(RELAY_EDGE_METRIC_UNREACHED, COUNTER, "relay_failures_total", "reason=\"unreached\"", "") \
	X(RELAY_EDGE_METRIC_REFUSED, COUNTER, "relay_failures_total", "reason=\"refused\"", "") \
	X(RELAY_EDGE_METRIC_SILENT, COUNTER, "relay_failures_total", "reason=\"silent\"", "") \
	X(RELAY_EDGE_METRIC_PROTOCOL, COUNTER, "relay_failures_total", "reason=\"protocol\"", "") \
	X(RELAY_EDGE_METRIC_MEMORY, COUNTER, "relay_failures_total", "reason=\"memory\"", "") \
	X(RELAY_EDGE_METRIC_GAPS, COUNTER, "relay_gaps_total", "", \
		"Times in which something may have been missed, because the connection did not go on where it was") \
	X(RELAY_EDGE_METRIC_BATCHES, COUNTER, "relay_batches_total", "", "Batches and events from the hub") \
	X(RELAY_EDGE_METRIC_BYTES, COUNTER, "relay_bytes_total", "", "Bytes from the hub") \
	X(RELAY_EDGE_METRIC_LONG, COUNTER, "relay_dropped_total", "reason=\"long\"", \
		"Batches and events from the hub that were not sent") \
	X(RELAY_EDGE_METRIC_DROPPED, COUNTER, "relay_dropped_total", "reason=\"memory\"", "") \
	X(RELAY_EDGE_METRIC_BEHIND, COUNTER, "relay_dropped_total", "reason=\"worker\"", "") \
	X(RELAY_EDGE_METRIC_ASKING, GAUGE, "relay_asking", "", \
		"Who waits for the hub to say what it retains, as far as it has been looked who of them has gone") \
	X(RELAY_EDGE_METRIC_ASKED, COUNTER, "relay_asked_total", "", \
		"Questions to the hub about what is retained, each for all who want to know the same") \
	X(RELAY_EDGE_METRIC_PUBLISHED, COUNTER, "relay_published_total", "", \
		"Messages that were sent to the hub to be published") \
	X(RELAY_EDGE_METRIC_UNPUBLISHED, COUNTER, "relay_unpublished_total", "", \
		"Messages that were not, because there was no connection or too many waited; and that the hub may not have")

enum relay_edge_metric { RELAY_EDGE_METRICS(METRICS_SLOT) RELAY_EDGE_METRIC_COUNT };

extern const struct metrics_table relay_edge_metrics;

#endif
