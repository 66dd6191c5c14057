/* SPDX-License-Identifier: MIT */
/* The tables of what clients count. */
#include "src/clients/metrics.h"

/* Of microseconds. A pass over 1,000 clients takes some milliseconds. */
const struct metrics_buckets clients_send_buckets = { 1000000, 12,
	{ 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 1000000 } };

#define X METRICS_ROW
static const struct metrics_row clients_rows[] = { CLIENTS_METRICS(X) };
#undef X
static const struct metrics_row namespace_rows[] = { NAMESPACE_METRICS(METRICS_ROW) };

const struct metrics_table clients_metrics = METRICS_TABLE("worker", clients_rows, CLIENTS_METRIC_COUNT);
const struct metrics_table namespace_metrics = METRICS_TABLE("namespace", namespace_rows, NAMESPACE_METRIC_COUNT);
