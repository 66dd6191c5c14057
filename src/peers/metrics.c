/* SPDX-License-Identifier: MIT */
/* The table of what is counted of other nodes. */
#include "src/peers/metrics.h"

static const struct metrics_row peers_rows[] = { PEERS_METRICS(METRICS_ROW) };

const struct metrics_table peers_metrics = METRICS_TABLE(NULL, peers_rows, PEERS_METRIC_COUNT);
