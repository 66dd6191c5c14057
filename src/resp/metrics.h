/* SPDX-License-Identifier: MIT */
/* What the intake counts. */
#ifndef SRC_RESP_METRICS_H
#define SRC_RESP_METRICS_H

#include "src/base/metrics.h"
#include "src/resp/session.h"

/* A row for each command, and for each error. Whoever uses the table calls his macro X. */
#define RESP_COMMAND_METRIC(name, label) \
	X(RESP_METRIC_COMMAND_##name, COUNTER, "intake_commands_total", "command=\"" label "\"", \
		"Commands that clients of the intake have sent")
#define RESP_ERROR_METRIC(name, label) \
	X(RESP_METRIC_ERROR_##name, COUNTER, "intake_errors_total", "reason=\"" label "\"", \
		"Commands of the intake that were answered by an error")

#define RESP_METRICS(X) \
	X(RESP_METRIC_CONNECTIONS, GAUGE, "intake_connections", "", "Connections to the intake") \
	X(RESP_METRIC_ACCEPTED, COUNTER, "intake_accepted_total", "", "Connections to the intake so far") \
	X(RESP_METRIC_REFUSED, COUNTER, "intake_refused_total", "", \
		"Connections to the intake that were too many (intake.maxClients)") \
	X(RESP_METRIC_IDLE, COUNTER, "intake_idle_total", "", \
		"Connections to the intake that were closed because nothing came (intake.timeout)") \
	X(RESP_METRIC_BYTES, COUNTER, "intake_bytes_total", "", "Bytes that came by the intake") \
	X(RESP_METRIC_HELD, GAUGE, "intake_held_bytes", "", \
		"Memory for requests that have come in part, and for answers that have not left") \
	RESP_COMMANDS(RESP_COMMAND_METRIC) \
	RESP_ERRORS(RESP_ERROR_METRIC)

#define X METRICS_SLOT
enum resp_metric { RESP_METRICS(X) RESP_METRIC_COUNT };
#undef X

extern const struct metrics_table resp_metrics;

#endif
