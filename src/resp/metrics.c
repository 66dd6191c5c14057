/* SPDX-License-Identifier: MIT */
/* The table of what is counted. */
#include "src/resp/metrics.h"

#define X METRICS_ROW
static const struct metrics_row resp_rows[] = { RESP_METRICS(X) };
#undef X

const struct metrics_table resp_metrics = METRICS_TABLE(NULL, resp_rows, RESP_METRIC_COUNT);
