/* SPDX-License-Identifier: MIT */
/* The table of what a worker counts. */
#include "src/worker/metrics.h"

static const struct metrics_row worker_rows[] = { WORKER_METRICS(METRICS_ROW) };

const struct metrics_table worker_metrics = METRICS_TABLE("worker", worker_rows, WORKER_METRIC_COUNT);
