/* SPDX-License-Identifier: MIT */
/* The table of what questions to the application count. */
#include "src/hook/metrics.h"

/* Of milliseconds. 5 s is the default of timeout. */
const struct metrics_buckets hook_buckets = { 1000, 10, { 1, 5, 10, 25, 50, 100, 250, 1000, 5000, 30000 } };

static const struct metrics_row hook_rows[] = { HOOK_METRICS(METRICS_ROW) };

const struct metrics_table hook_metrics = METRICS_TABLE(NULL, hook_rows, HOOK_METRIC_COUNT);
