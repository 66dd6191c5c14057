/* SPDX-License-Identifier: MIT */
/* The table of what questions to the application count. */
#include "src/hook/metrics.h"

static const struct metrics_row hook_rows[] = { HOOK_METRICS(METRICS_ROW) };

const struct metrics_table hook_metrics = METRICS_TABLE(NULL, hook_rows, HOOK_METRIC_COUNT);
