/* SPDX-License-Identifier: MIT */
/* What is counted of other nodes. */
#ifndef SRC_PEERS_METRICS_H
#define SRC_PEERS_METRICS_H

#include "src/base/metrics.h"

#define PEERS_METRICS(X) \
	X(PEERS_METRIC_NODES, GAUGE, "peer_nodes", "", "Other nodes that have said hello to a worker, of all workers") \
	X(PEERS_METRIC_CONNECTIONS, GAUGE, "peer_connections", "", "Open connections to other nodes") \
	X(PEERS_METRIC_WEBSOCKETS, GAUGE, "peer_websockets", "", "WebSockets that are passed on to another node") \
	X(PEERS_METRIC_OUT, COUNTER, "peer_requests_total", "direction=\"out\"", \
		"Requests passed to the node that owns the session, and taken from others") \
	X(PEERS_METRIC_IN, COUNTER, "peer_requests_total", "direction=\"in\"", "") \
	X(PEERS_METRIC_UNKNOWN, COUNTER, "peer_failures_total", "reason=\"unknown\"", \
		"Requests for sessions of other nodes that could not be passed on") \
	X(PEERS_METRIC_DOWN, COUNTER, "peer_failures_total", "reason=\"down\"", "") \
	X(PEERS_METRIC_LOST, COUNTER, "peer_failures_total", "reason=\"lost\"", "") \
	X(PEERS_METRIC_TIMEOUT, COUNTER, "peer_failures_total", "reason=\"timeout\"", "") \
	X(PEERS_METRIC_UNREAD, COUNTER, "peer_failures_total", "reason=\"unread\"", "") \
	X(PEERS_METRIC_MEMORY, COUNTER, "peer_failures_total", "reason=\"memory\"", "") \
	X(PEERS_METRIC_REFUSED, COUNTER, "peer_refused_total", "", \
		"Requests that said to come from another node and could not prove it")

enum peers_metric { PEERS_METRICS(METRICS_SLOT) PEERS_METRIC_COUNT };

extern const struct metrics_table peers_metrics;

#endif
