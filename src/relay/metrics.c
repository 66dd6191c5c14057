/* SPDX-License-Identifier: MIT */
/* The tables of what is counted of the relay. */
#include "src/relay/metrics.h"

static const struct metrics_row relay_hub_rows[] = { RELAY_HUB_METRICS(METRICS_ROW) };
static const struct metrics_row relay_edge_rows[] = { RELAY_EDGE_METRICS(METRICS_ROW) };

const struct metrics_table relay_hub_metrics = METRICS_TABLE(NULL, relay_hub_rows, RELAY_HUB_METRIC_COUNT);
const struct metrics_table relay_edge_metrics = METRICS_TABLE(NULL, relay_edge_rows, RELAY_EDGE_METRIC_COUNT);
