/* SPDX-License-Identifier: MIT */
/* The table of what the main thread shows. */
#include "src/admin/metrics.h"

#define X METRICS_ROW
static const struct metrics_row admin_rows[] = { ADMIN_METRICS(X) };
#undef X

const struct metrics_table admin_metrics = METRICS_TABLE(NULL, admin_rows, ADMIN_METRIC_COUNT);
