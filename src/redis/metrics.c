/* SPDX-License-Identifier: MIT */
/* The table of what connections to Redis count. */
#include "src/redis/metrics.h"

/* Of microseconds. */
const struct metrics_buckets redis_ping_buckets = { 1000000, 9,
	{ 250, 1000, 2500, 10000, 50000, 100000, 500000, 1000000, 5000000 } };

static const struct metrics_row redis_rows[] = { REDIS_METRICS(METRICS_ROW) };

const struct metrics_table redis_metrics = METRICS_TABLE("redis", redis_rows, REDIS_METRIC_COUNT);
