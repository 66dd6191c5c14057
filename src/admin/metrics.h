/* SPDX-License-Identifier: MIT */
/* What the main thread shows of the whole process. */
#ifndef SRC_ADMIN_METRICS_H
#define SRC_ADMIN_METRICS_H

#include "src/base/metrics.h"

#define ADMIN_METRICS(X) \
	X(ADMIN_METRIC_LOG_DROPPED, COUNTER, "log_lines_dropped_total", "", \
		"Lines of the log that were dropped because nobody took them") \
	X(ADMIN_METRIC_PUBLISHED, COUNTER, "published_total", "", "Messages and events taken from POST /publish") \
	X(ADMIN_METRIC_PUBLISH_ACCEPTED, COUNTER, "publish_requests_total", "result=\"accepted\"", \
		"Requests to /publish") \
	X(ADMIN_METRIC_PUBLISH_AGAIN, COUNTER, "publish_requests_total", "result=\"again\"", "") \
	X(ADMIN_METRIC_PUBLISH_TOKEN, COUNTER, "publish_requests_total", "result=\"token\"", "") \
	X(ADMIN_METRIC_PUBLISH_INVALID, COUNTER, "publish_requests_total", "result=\"invalid\"", "") \
	X(ADMIN_METRIC_PUBLISH_FAILED, COUNTER, "publish_requests_total", "result=\"failed\"", "")

enum admin_metric { ADMIN_METRICS(METRICS_SLOT) ADMIN_METRIC_COUNT };

extern const struct metrics_table admin_metrics;

#endif
