/* SPDX-License-Identifier: MIT */
/* What the feed's thread counts: what comes in, and for each feed what becomes of it. */
#ifndef SRC_FEED_METRICS_H
#define SRC_FEED_METRICS_H

#include "src/base/metrics.h"

/* A message counts here once, however many feeds want it. */
#define FEED_ROUTER_METRICS(X) \
	X(FEED_ROUTER_METRIC_MESSAGES, COUNTER, "feed_messages_total", "", "Messages from Redis, or by the intake") \
	X(FEED_ROUTER_METRIC_BYTES, COUNTER, "feed_bytes_total", "", "Payload bytes from Redis, or by the intake") \
	X(FEED_ROUTER_METRIC_EVENTS, COUNTER, "posted_events_total", "", "Events published without a feed") \
	X(FEED_ROUTER_METRIC_EVENTS_DROPPED, COUNTER, "posted_events_dropped_total", "", \
		"Events published without a feed times the workers that did not get them")

/* Of one feed. */
#define FEED_METRICS(X) \
	X(FEED_METRIC_UNHEARD, COUNTER, "feed_unheard_total", "", "Messages for rooms without members, not encoded") \
	X(FEED_METRIC_FILTERED, COUNTER, "feed_filtered_total", "", "Messages left out by where") \
	X(FEED_METRIC_DROPPED_ROUTE, COUNTER, "feed_dropped_total", "reason=\"route\"", \
		"Messages from Redis dropped alone") \
	X(FEED_METRIC_DROPPED_JSON, COUNTER, "feed_dropped_total", "reason=\"json\"", "") \
	X(FEED_METRIC_DROPPED_UTF8, COUNTER, "feed_dropped_total", "reason=\"utf8\"", "") \
	X(FEED_METRIC_DROPPED_PAYLOAD, COUNTER, "feed_dropped_total", "reason=\"payload\"", "") \
	X(FEED_METRIC_DROPPED_LINE, COUNTER, "feed_dropped_total", "reason=\"line\"", "") \
	X(FEED_METRIC_DROPPED_SIZE, COUNTER, "feed_dropped_total", "reason=\"size\"", "") \
	X(FEED_METRIC_DROPPED_LONG, COUNTER, "feed_dropped_total", "reason=\"messageBytes\"", "") \
	X(FEED_METRIC_DROPPED_MEMORY, COUNTER, "feed_dropped_total", "reason=\"memory\"", "") \
	X(FEED_METRIC_REFUSED, GAUGE, "feed_refused", "", \
		"Channels, patterns and streams that Redis refuses to the feed") \
	X(FEED_METRIC_CHANNELS, GAUGE, "feed_channels", "", \
		"Channels that a feed on demand wants, those that linger among them") \
	X(FEED_METRIC_GAPS, COUNTER, "feed_gaps_total", "", "Times that messages were missing, or may have been") \
	X(FEED_METRIC_MISSED, COUNTER, "feed_missed_total", "", \
		"Messages that were missing, where it is known how many") \
	X(FEED_METRIC_RETAINED_BYTES, GAUGE, "retained_bytes", "", "Memory of what is retained for those who join") \
	X(FEED_METRIC_RETAINED_MESSAGES, GAUGE, "retained_messages", "", "Messages that are retained") \
	X(FEED_METRIC_RETAINED_DROPPED, COUNTER, "retained_dropped_total", "", \
		"Retained messages that had to go before their time") \
	X(FEED_METRIC_RETAINED_NO_KEY, COUNTER, "retained_no_key_total", "", "Messages sent but not retained: no key") \
	X(FEED_METRIC_PRIMED, COUNTER, "primed_total", "", "Values read from Redis for what is retained") \
	X(FEED_METRIC_PRIMINGS, COUNTER, "primings_total", "result=\"done\"", "Times that what is retained was read") \
	X(FEED_METRIC_PRIMINGS_FAILED, COUNTER, "primings_total", "result=\"failed\"", "") \
	X(FEED_METRIC_PRIMING, GAUGE, "priming", "", "Servers from which it is being read, or is to be") \
	X(FEED_METRIC_PRIMING_MS, MILLISECONDS, "priming_seconds", "", "How long that took last") \
	X(FEED_METRIC_SNAPSHOTS, COUNTER, "snapshots_total", "", \
		"Snapshots handed to workers, one for each who joins") \
	X(FEED_METRIC_BATCHES, COUNTER, "feed_batches_total", "", "Batches flushed and encoded") \
	X(FEED_METRIC_BATCH_MESSAGES, HISTOGRAM(feed_batch_buckets), "feed_batch_messages", "", \
		"Messages in the batches that were encoded") \
	X(FEED_METRIC_BATCH_BYTES, COUNTER, "feed_batch_bytes_total", "", "Bytes of the batches that were encoded") \
	X(FEED_METRIC_BATCHES_UNHEARD, COUNTER, "feed_batches_unheard_total", "", \
		"Batches whose members had gone before the flush") \
	X(FEED_METRIC_STREAMS, GAUGE, "feed_streams", "", "Pairs of event and room with a batch") \
	X(FEED_METRIC_DELIVERIES, COUNTER, "feed_deliveries_total", "", "Broadcasts handed to workers") \
	X(FEED_METRIC_DELIVERIES_DROPPED, COUNTER, "feed_deliveries_dropped_total", "", \
		"Broadcasts not handed to a worker that is behind")

enum feed_router_metric { FEED_ROUTER_METRICS(METRICS_SLOT) FEED_ROUTER_METRIC_COUNT };
enum feed_metric { FEED_METRICS(METRICS_SLOT) FEED_METRIC_COUNT };

extern const struct metrics_buckets feed_batch_buckets;
extern const struct metrics_table feed_router_metrics, feed_metrics;

#endif
