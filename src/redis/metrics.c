/* SPDX-License-Identifier: MIT */
/* The table of what connections to Redis count. */
#include "src/redis/metrics.h"

static const struct metrics_row redis_rows[] = { REDIS_METRICS(METRICS_ROW) };

const struct metrics_table redis_metrics = METRICS_TABLE(NULL, redis_rows, REDIS_METRIC_COUNT);
