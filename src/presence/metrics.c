/* SPDX-License-Identifier: MIT */
/* The table of what the thread of presence counts. */
#include "src/presence/metrics.h"

static const struct metrics_row presence_rows[] = { PRESENCE_METRICS(METRICS_ROW) };

const struct metrics_table presence_metrics = METRICS_TABLE(NULL, presence_rows, PRESENCE_METRIC_COUNT);
