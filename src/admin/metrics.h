/* SPDX-License-Identifier: MIT */
/* What the main thread shows of the whole process. */
#ifndef SRC_ADMIN_METRICS_H
#define SRC_ADMIN_METRICS_H

#include "src/base/metrics.h"

#define ADMIN_METRICS(X) \
	X(ADMIN_METRIC_LOG_DROPPED, COUNTER, "log_lines_dropped_total", "", \
		"Lines of the log that were dropped because nobody took them")

enum admin_metric { ADMIN_METRICS(METRICS_SLOT) ADMIN_METRIC_COUNT };

extern const struct metrics_table admin_metrics;

#endif
