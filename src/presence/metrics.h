/* SPDX-License-Identifier: MIT */
/* What the thread of presence counts. */
#ifndef SRC_PRESENCE_METRICS_H
#define SRC_PRESENCE_METRICS_H

#include "src/base/metrics.h"

#define PRESENCE_METRICS(X) \
	X(PRESENCE_METRIC_MEMBERS, GAUGE, "presence_members", "", "Members of rooms with presence, on all nodes") \
	X(PRESENCE_METRIC_ROOMS, GAUGE, "presence_rooms", "", "Rooms with presence that somebody is in") \
	X(PRESENCE_METRIC_SEATS, GAUGE, "presence_seats", "", "Connections of this node in such rooms") \
	X(PRESENCE_METRIC_NODES, GAUGE, "presence_nodes", "", "Other nodes that presence is shared with") \
	X(PRESENCE_METRIC_JOINING, COUNTER, "presence_events_total", "kind=\"joining\"", \
		"Events of presence and count, before they are sent to each client") \
	X(PRESENCE_METRIC_LEAVING, COUNTER, "presence_events_total", "kind=\"leaving\"", "") \
	X(PRESENCE_METRIC_HERE, COUNTER, "presence_events_total", "kind=\"here\"", "") \
	X(PRESENCE_METRIC_COUNTED, COUNTER, "presence_events_total", "kind=\"count\"", "") \
	X(PRESENCE_METRIC_FULL, COUNTER, "presence_full_total", "", \
		"Joins that are no part of presence, because the room has maxMembers") \
	X(PRESENCE_METRIC_BEHIND, COUNTER, "presence_behind_total", "", \
		"Events not handed to a worker that is behind, whose clients get the list anew") \
	X(PRESENCE_METRIC_NOMEM, COUNTER, "presence_memory_total", "", "Events lost because memory was short")

enum presence_metric { PRESENCE_METRICS(METRICS_SLOT) PRESENCE_METRIC_COUNT };

extern const struct metrics_table presence_metrics;

#endif
