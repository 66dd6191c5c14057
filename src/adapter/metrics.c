/* SPDX-License-Identifier: MIT */
/* The table of what is counted. */
#include "src/adapter/metrics.h"

#define X METRICS_ROW
static const struct metrics_row adapter_rows[] = { ADAPTER_METRICS(X) };
#undef X

const struct metrics_table adapter_metrics = METRICS_TABLE(NULL, adapter_rows, ADAPTER_METRIC_COUNT);
