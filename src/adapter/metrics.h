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
	X(ADAPTER_METRIC_SHARDED, COUNTER, "adapter_messages_total", "dialect=\"sharded\"", "") \
	X(ADAPTER_METRIC_STREAMS, COUNTER, "adapter_messages_total", "dialect=\"streams\"", "") \
	ADAPTER_REFUSALS(ADAPTER_REFUSED_METRIC) \
	X(ADAPTER_METRIC_DROPPED, COUNTER, "adapter_dropped_total", "", \
		"Events and orders in them times the workers that did not get them") \
	X(ADAPTER_METRIC_MISSED, COUNTER, "adapter_missed_total", "", \
		"Entries of streams that were gone before they were read, or times when nobody knows how many") \
	X(ADAPTER_METRIC_ANSWERS, COUNTER, "adapter_answers_total", "", \
		"Answers to what other servers asked, and acks") \
	X(ADAPTER_METRIC_TOLD, COUNTER, "adapter_broadcasts_total", "", \
		"Broadcasts of handlers told to other servers") \
	X(ADAPTER_METRIC_UNTOLD, COUNTER, "adapter_broadcasts_dropped_total", "", \
		"Broadcasts of handlers not told to other servers, because too many were waiting") \
	X(ADAPTER_METRIC_SUBSCRIBED, GAUGE, "adapter_subscribed", "", "Whether such messages come from Redis: 1 or 0")

#define X METRICS_SLOT
enum adapter_metric { ADAPTER_METRICS(X) ADAPTER_METRIC_COUNT };
#undef X

extern const struct metrics_table adapter_metrics;

#endif
