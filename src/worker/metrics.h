/* SPDX-License-Identifier: MIT */
/* What a worker counts: its servers, and the turns of its loop. */
#ifndef SRC_WORKER_METRICS_H
#define SRC_WORKER_METRICS_H

#include "src/base/metrics.h"

#define WORKER_METRICS(X) \
	X(WORKER_METRIC_CONNECTIONS_OPEN, GAUGE, "connections", "", "Open TCP connections") \
	X(WORKER_METRIC_CONNECTIONS_ACCEPTED, COUNTER, "connections_accepted_total", "", "TCP connections accepted") \
	X(WORKER_METRIC_CONNECTIONS_REFUSED, COUNTER, "connections_refused_total", "", \
		"TCP connections closed at once because of limits") \
	X(WORKER_METRIC_CONNECTIONS_DISPLACED, COUNTER, "connections_displaced_total", "", \
		"TCP connections without a request closed because of limits, for others to come in") \
	X(WORKER_METRIC_ACCEPT_PAUSED, COUNTER, "accept_paused_total", "", \
		"Times accepting paused because no file could be opened") \
	X(WORKER_METRIC_HTTP_REQUESTS, COUNTER, "http_requests_total", "", "HTTP requests") \
	X(WORKER_METRIC_HTTP_BAD, COUNTER, "http_bad_requests_total", "", "Requests that were not HTTP") \
	X(WORKER_METRIC_PROXY_BAD, COUNTER, "proxy_refused_total", "", \
		"Connections without the PROXY header of a trusted proxy, where that is asked for") \
	X(WORKER_METRIC_TLS_HANDSHAKES, COUNTER, "tls_handshakes_total", "", "TLS handshakes done") \
	X(WORKER_METRIC_TLS_RESUMED, COUNTER, "tls_resumed_total", "", "Those that took a session up again") \
	X(WORKER_METRIC_TLS_FAILED, COUNTER, "tls_failed_total", "", "TLS handshakes that failed") \
	X(WORKER_METRIC_SESSIONS_POLLING, GAUGE, "sessions", "transport=\"polling\"", "Open Engine.IO sessions") \
	X(WORKER_METRIC_SESSIONS_WEBSOCKET, GAUGE, "sessions", "transport=\"websocket\"", "") \
	X(WORKER_METRIC_SESSIONS_OPENED, COUNTER, "sessions_opened_total", "", "Engine.IO sessions opened") \
	X(WORKER_METRIC_SESSIONS_OPENED_4, COUNTER, "sessions_opened_by_revision_total", "eio=\"4\"", \
		"Engine.IO sessions opened, by revision") \
	X(WORKER_METRIC_SESSIONS_OPENED_3, COUNTER, "sessions_opened_by_revision_total", "eio=\"3\"", "") \
	X(WORKER_METRIC_SESSIONS_OPEN_4, GAUGE, "sessions_by_revision", "eio=\"4\"", \
		"Open Engine.IO sessions, by revision") \
	X(WORKER_METRIC_SESSIONS_OPEN_3, GAUGE, "sessions_by_revision", "eio=\"3\"", "") \
	X(WORKER_METRIC_SESSIONS_REFUSED, COUNTER, "sessions_refused_total", "", "Sessions refused because of limits") \
	X(WORKER_METRIC_SESSIONS_EVICTED, COUNTER, "sessions_evicted_total", "", \
		"Sessions without namespace and poll that ended for others, because of limits") \
	X(WORKER_METRIC_SESSIONS_UPGRADED, COUNTER, "sessions_upgraded_total", "", \
		"Sessions that went from polling to WebSocket") \
	X(WORKER_METRIC_REFUSED_TRANSPORT, COUNTER, "requests_refused_total", "reason=\"transport\"", \
		"Requests and WebSocket handshakes that were refused") \
	X(WORKER_METRIC_REFUSED_SID, COUNTER, "requests_refused_total", "reason=\"sid\"", "") \
	X(WORKER_METRIC_REFUSED_METHOD, COUNTER, "requests_refused_total", "reason=\"method\"", "") \
	X(WORKER_METRIC_REFUSED_BAD, COUNTER, "requests_refused_total", "reason=\"bad request\"", "") \
	X(WORKER_METRIC_REFUSED_FORBIDDEN, COUNTER, "requests_refused_total", "reason=\"forbidden\"", "") \
	X(WORKER_METRIC_REFUSED_REVISION, COUNTER, "requests_refused_total", "reason=\"revision\"", "") \
	X(WORKER_METRIC_REFUSED_WEBSOCKET, COUNTER, "requests_refused_total", "reason=\"websocket\"", "") \
	X(WORKER_METRIC_REFUSED_PATH, COUNTER, "requests_refused_total", "reason=\"path\"", "") \
	X(WORKER_METRIC_REFUSED_ROOM, COUNTER, "requests_refused_total", "reason=\"full\"", "") \
	X(WORKER_METRIC_CLOSED_TRANSPORT_CLOSE, COUNTER, "sessions_closed_total", "reason=\"transport close\"", \
		"Engine.IO sessions closed") \
	X(WORKER_METRIC_CLOSED_TRANSPORT_ERROR, COUNTER, "sessions_closed_total", "reason=\"transport error\"", "") \
	X(WORKER_METRIC_CLOSED_PING_TIMEOUT, COUNTER, "sessions_closed_total", "reason=\"ping timeout\"", "") \
	X(WORKER_METRIC_CLOSED_PARSE_ERROR, COUNTER, "sessions_closed_total", "reason=\"parse error\"", "") \
	X(WORKER_METRIC_CLOSED_FORCED, COUNTER, "sessions_closed_total", "reason=\"forced close\"", "") \
	X(WORKER_METRIC_CLOSED_SHUTDOWN, COUNTER, "sessions_closed_total", "reason=\"server shutting down\"", "") \
	X(WORKER_METRIC_POLLS, COUNTER, "polls_total", "", "Polls answered") \
	X(WORKER_METRIC_POLLS_REPEATED, COUNTER, "polls_repeated_total", "", \
		"Polls that came again because their answer got lost, which ended their session") \
	X(WORKER_METRIC_POSTS, COUNTER, "posts_total", "", "POST bodies taken") \
	X(WORKER_METRIC_FORWARDED_REQUESTS, COUNTER, "forwarded_requests_total", "", \
		"Requests passed to the worker that owns the session") \
	X(WORKER_METRIC_MOVED_UPGRADES, COUNTER, "moved_upgrades_total", "", \
		"Upgrades moved to the worker that owns the session") \
	X(WORKER_METRIC_MESSAGES_IN, COUNTER, "messages_received_total", "", "Engine.IO messages from clients") \
	X(WORKER_METRIC_BYTES_IN, COUNTER, "bytes_received_total", "", "Bytes read from clients") \
	X(WORKER_METRIC_WRITES, COUNTER, "websocket_writes_total", "", "Writes to WebSockets") \
	X(WORKER_METRIC_SENDS_POLLING_4, COUNTER, "sends_total", "transport=\"polling\",eio=\"4\"", \
		"Writes to WebSockets, and answers to polls") \
	X(WORKER_METRIC_SENDS_POLLING_3, COUNTER, "sends_total", "transport=\"polling\",eio=\"3\"", "") \
	X(WORKER_METRIC_SENDS_WEBSOCKET_4, COUNTER, "sends_total", "transport=\"websocket\",eio=\"4\"", "") \
	X(WORKER_METRIC_SENDS_WEBSOCKET_3, COUNTER, "sends_total", "transport=\"websocket\",eio=\"3\"", "") \
	X(WORKER_METRIC_BYTES_POLLING_4, COUNTER, "bytes_sent_total", "transport=\"polling\",eio=\"4\"", \
		"Bytes of them") \
	X(WORKER_METRIC_BYTES_POLLING_3, COUNTER, "bytes_sent_total", "transport=\"polling\",eio=\"3\"", "") \
	X(WORKER_METRIC_BYTES_WEBSOCKET_4, COUNTER, "bytes_sent_total", "transport=\"websocket\",eio=\"4\"", "") \
	X(WORKER_METRIC_BYTES_WEBSOCKET_3, COUNTER, "bytes_sent_total", "transport=\"websocket\",eio=\"3\"", "") \
	X(WORKER_METRIC_DEFLATE_WEBSOCKETS, COUNTER, "deflate_websockets_total", "", \
		"WebSockets opened with permessage-deflate") \
	X(WORKER_METRIC_BEHIND, GAUGE, "connections_behind", "", \
		"TCP connections whose client has to read before they take more") \
	X(WORKER_METRIC_BEHIND_BYTES, GAUGE, "connections_behind_kernel_bytes", "", \
		"What the kernel holds for them, each looked at not long ago") \
	X(WORKER_METRIC_COMPRESSION_BEFORE, COUNTER, "compression_bytes_total", "side=\"before\"", \
		"Bytes to clients that take them compressed, before compression and as sent") \
	X(WORKER_METRIC_COMPRESSION_AFTER, COUNTER, "compression_bytes_total", "side=\"after\"", "")

enum worker_metric { WORKER_METRICS(METRICS_SLOT) WORKER_METRIC_COUNT };

extern const struct metrics_table worker_metrics;

#endif
