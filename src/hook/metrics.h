/* SPDX-License-Identifier: MIT */
/* What questions to the application count. */
#ifndef SRC_HOOK_METRICS_H
#define SRC_HOOK_METRICS_H

#include "src/base/metrics.h"

#define HOOK_METRICS(X) \
	X(HOOK_METRIC_WAITING, GAUGE, "hook_questions", "", "Questions to the application without an answer yet") \
	X(HOOK_METRIC_OK, COUNTER, "hook_questions_total", "result=\"2xx\"", "Questions to the application") \
	X(HOOK_METRIC_REFUSED, COUNTER, "hook_questions_total", "result=\"4xx\"", "") \
	X(HOOK_METRIC_ODD, COUNTER, "hook_questions_total", "result=\"other status\"", "") \
	X(HOOK_METRIC_FAILED, COUNTER, "hook_questions_total", "result=\"failed\"", "") \
	X(HOOK_METRIC_TIMEOUT, COUNTER, "hook_questions_total", "result=\"timeout\"", "") \
	X(HOOK_METRIC_TOO_LARGE, COUNTER, "hook_questions_total", "result=\"too large\"", "") \
	X(HOOK_METRIC_FULL, COUNTER, "hook_questions_total", "result=\"queue full\"", "") \
	X(HOOK_METRIC_CANCELLED, COUNTER, "hook_questions_total", "result=\"cancelled\"", "") \
	X(HOOK_METRIC_TOOK, HISTOGRAM(hook_buckets), "hook_seconds", "", \
		"How long they took, with the time they waited for their turn")

enum hook_metric { HOOK_METRICS(METRICS_SLOT) HOOK_METRIC_COUNT };

extern const struct metrics_buckets hook_buckets;
extern const struct metrics_table hook_metrics;

#endif
