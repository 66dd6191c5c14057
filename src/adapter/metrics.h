/* SPDX-License-Identifier: MIT */
/* What is counted of messages from other servers and emitters. */
#ifndef SRC_ADAPTER_METRICS_H
#define SRC_ADAPTER_METRICS_H

#include "src/adapter/message.h"
#include "src/base/metrics.h"

/* A row for each reason. Whoever uses the table calls his macro X. */
#define ADAPTER_REFUSED_METRIC(name, label) \
	X(ADAPTER_METRIC_REFUSED_##name, COUNTER, "adapter_refused_total", "reason=\"" label "\"", \
		"Messages of Socket.IO's adapters and emitters that were not understood")

#define ADAPTER_METRICS(X) \
	X(ADAPTER_METRIC_CLASSIC, COUNTER, "adapter_messages_total", "dialect=\"classic\"", \
		"Messages of Socket.IO's adapters and emitters") \
	ADAPTER_REFUSALS(ADAPTER_REFUSED_METRIC) \
	X(ADAPTER_METRIC_DROPPED, COUNTER, "adapter_dropped_total", "", \
		"Events and orders in them times the workers that did not get them") \
	X(ADAPTER_METRIC_SUBSCRIBED, GAUGE, "adapter_subscribed", "", "Whether such messages come from Redis: 1 or 0")

#define X METRICS_SLOT
enum adapter_metric { ADAPTER_METRICS(X) ADAPTER_METRIC_COUNT };
#undef X

extern const struct metrics_table adapter_metrics;

#endif
