/* SPDX-License-Identifier: MIT */
/* What the main thread shows of the whole process. */
#ifndef SRC_ADMIN_METRICS_H
#define SRC_ADMIN_METRICS_H

#include "src/base/metrics.h"

/* X(the form of eio/bundle.h, transport, revision, encoding), for a row of what is plain and of what is compressed. */
#define ADMIN_FORMS(X) \
	X(WS, "websocket", "4", "plain") \
	X(WS_B64, "websocket", "4", "base64") \
	X(POLLING, "polling", "4", "base64") \
	X(WS_3, "websocket", "3", "plain") \
	X(WS_B64_3, "websocket", "3", "base64") \
	X(POLLING_3, "polling", "3", "plain") \
	X(POLLING_B64_3, "polling", "3", "base64") \
	X(POLLING_B64_3_TWICE, "polling", "3", "base64 twice") \
	X(WS_3_TWICE, "websocket", "3", "twice") \
	X(WS_B64_3_TWICE, "websocket", "3", "base64 twice")

#define ADMIN_FORM_LABELS(transport, eio, form, compressed) \
	"transport=\"" transport "\",eio=\"" eio "\",form=\"" form "\",compressed=\"" compressed "\""
#define ADMIN_FORM_PLAIN(wire, transport, eio, form) \
	X(ADMIN_METRIC_PLAIN_##wire, COUNTER, "broadcast_forms_total", ADMIN_FORM_LABELS(transport, eio, form, "no"), \
		"Forms made of what feeds and publishers send")
#define ADMIN_FORM_COMPRESSED(wire, transport, eio, form) \
	X(ADMIN_METRIC_COMPRESSED_##wire, COUNTER, "broadcast_forms_total", \
		ADMIN_FORM_LABELS(transport, eio, form, "yes"), "")

/* Whoever uses the table calls his macro X. */
#define ADMIN_METRICS(X) \
	ADMIN_FORMS(ADMIN_FORM_PLAIN) \
	ADMIN_FORMS(ADMIN_FORM_COMPRESSED) \
	X(ADMIN_METRIC_LOG_DROPPED, COUNTER, "log_lines_dropped_total", "", \
		"Lines of the log that were dropped because nobody took them") \
	X(ADMIN_METRIC_PUBLISHED, COUNTER, "published_total", "", "Messages and events taken from POST /publish") \
	X(ADMIN_METRIC_PUBLISH_ACCEPTED, COUNTER, "publish_requests_total", "result=\"accepted\"", \
		"Requests to /publish") \
	X(ADMIN_METRIC_PUBLISH_AGAIN, COUNTER, "publish_requests_total", "result=\"again\"", "") \
	X(ADMIN_METRIC_PUBLISH_TOKEN, COUNTER, "publish_requests_total", "result=\"token\"", "") \
	X(ADMIN_METRIC_PUBLISH_INVALID, COUNTER, "publish_requests_total", "result=\"invalid\"", "") \
	X(ADMIN_METRIC_PUBLISH_FAILED, COUNTER, "publish_requests_total", "result=\"failed\"", "")

#define X METRICS_SLOT
enum admin_metric { ADMIN_METRICS(X) ADMIN_METRIC_COUNT };
#undef X

extern const struct metrics_table admin_metrics;

#endif
