/* SPDX-License-Identifier: MIT */
/* What connections to Redis count. */
#ifndef SRC_REDIS_METRICS_H
#define SRC_REDIS_METRICS_H

#include "src/base/metrics.h"

#define REDIS_METRICS(X) \
	X(REDIS_METRIC_CONNECTED, GAUGE, "redis_connections", "", "Redis connections up") \
	X(REDIS_METRIC_CONNECTS, COUNTER, "redis_connects_total", "", "Redis connections made") \
	X(REDIS_METRIC_LOST, COUNTER, "redis_lost_total", "", "Redis connections lost or refused") \
	X(REDIS_METRIC_MOVES, COUNTER, "redis_moves_total", "", "Servers that were gone over to at another address") \
	X(REDIS_METRIC_MOVE_GAPS, COUNTER, "redis_move_gaps_total", "", "Of these, those with a gap that was told") \
	X(REDIS_METRIC_SHARD_MOVES, COUNTER, "redis_shard_moves_total", "", \
		"Shard channels that went to another node of the Cluster") \
	X(REDIS_METRIC_PING, HISTOGRAM(redis_ping_buckets), "redis_ping_seconds", "", \
		"From a PING to its answer, behind all that Redis had sent before it") \
	X(REDIS_METRIC_UNREAD, GAUGE, "redis_unread_bytes", "", \
		"What Redis had sent and siocast had not read, looked at every few seconds") \
	X(REDIS_METRIC_UNWRITTEN, GAUGE, "redis_unwritten_bytes", "", \
		"What siocast had for Redis and could not send, looked at every few seconds") \
	X(REDIS_METRIC_TOO_LONG, COUNTER, "redis_too_long_total", "", "Messages longer than limits.messageBytes") \
	X(REDIS_METRIC_PUBLISH_SENT, COUNTER, "publish_sent_total", "", "Messages published to Redis") \
	X(REDIS_METRIC_PUBLISH_DROPPED, COUNTER, "publish_dropped_total", "", \
		"Messages not published: too many were waiting") \
	X(REDIS_METRIC_PUBLISH_FAILED, COUNTER, "publish_failed_total", "", "Messages Redis refused")

enum redis_metric { REDIS_METRICS(METRICS_SLOT) REDIS_METRIC_COUNT };

extern const struct metrics_buckets redis_ping_buckets;
extern const struct metrics_table redis_metrics;

#endif
