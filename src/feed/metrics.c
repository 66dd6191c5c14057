/* SPDX-License-Identifier: MIT */
/* The tables of what the feed's thread counts. */
#include "src/feed/metrics.h"

/* 1000 is the default of batch.maxMessages: such batches are full. */
const struct metrics_buckets feed_batch_buckets = { 1, 10, { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 } };

static const struct metrics_row feed_router_rows[] = { FEED_ROUTER_METRICS(METRICS_ROW) };
static const struct metrics_row feed_rows[] = { FEED_METRICS(METRICS_ROW) };

const struct metrics_table feed_router_metrics = METRICS_TABLE(NULL, feed_router_rows, FEED_ROUTER_METRIC_COUNT);
const struct metrics_table feed_metrics = METRICS_TABLE("feed", feed_rows, FEED_METRIC_COUNT);
