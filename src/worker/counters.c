/* SPDX-License-Identifier: MIT */
/* The servers count for themselves and know nothing of rows. One table says which of their numbers is shown as what. */
#include "src/worker/counters.h"

/* X(metric, what it shows): h is the HTTP server's struct, s the Engine.IO server's, polls and ws what that has
 * sent by the one and the other. */
#define COUNTERS_TABLE(X) \
	X(CONNECTIONS_OPEN, h->open + s->websockets) \
	X(CONNECTIONS_ACCEPTED, h->accepted) \
	X(CONNECTIONS_DISPLACED, h->displaced) \
	X(HTTP_REQUESTS, h->requests) \
	X(HTTP_BAD, h->malformed) \
	X(PROXY_BAD, h->proxy_bad) \
	X(TLS_HANDSHAKES, h->tls_handshakes) \
	X(TLS_RESUMED, h->tls_resumed) \
	X(TLS_FAILED, h->tls_failed) \
	X(SESSIONS_POLLING, s->open - s->open_websocket) \
	X(SESSIONS_WEBSOCKET, s->open_websocket) \
	X(SESSIONS_OPENED, s->opened) \
	X(SESSIONS_OPENED_4, s->opened - s->opened_3) \
	X(SESSIONS_OPENED_3, s->opened_3) \
	X(SESSIONS_OPEN_4, s->open - s->open_3) \
	X(SESSIONS_OPEN_3, s->open_3) \
	X(SESSIONS_REFUSED, s->full) \
	X(SESSIONS_EVICTED, s->evicted) \
	X(SESSIONS_UPGRADED, s->upgraded) \
	X(REFUSED_TRANSPORT, s->refused[EIO_REFUSAL_UNKNOWN_TRANSPORT]) \
	X(REFUSED_SID, s->refused[EIO_REFUSAL_UNKNOWN_SID]) \
	X(REFUSED_METHOD, s->refused[EIO_REFUSAL_BAD_HANDSHAKE_METHOD]) \
	X(REFUSED_BAD, s->refused[EIO_REFUSAL_BAD_REQUEST]) \
	X(REFUSED_FORBIDDEN, s->refused[EIO_REFUSAL_FORBIDDEN]) \
	X(REFUSED_REVISION, s->refused[EIO_REFUSAL_UNSUPPORTED_PROTOCOL]) \
	X(REFUSED_WEBSOCKET, s->refused[EIO_REFUSAL_WEBSOCKET]) \
	X(REFUSED_PATH, s->refused[EIO_REFUSAL_PATH]) \
	X(REFUSED_ROOM, s->refused[EIO_REFUSAL_ROOM]) \
	X(CLOSED_TRANSPORT_CLOSE, s->closed[EIO_REASON_TRANSPORT_CLOSE]) \
	X(CLOSED_TRANSPORT_ERROR, s->closed[EIO_REASON_TRANSPORT_ERROR]) \
	X(CLOSED_PING_TIMEOUT, s->closed[EIO_REASON_PING_TIMEOUT]) \
	X(CLOSED_PARSE_ERROR, s->closed[EIO_REASON_PARSE_ERROR]) \
	X(CLOSED_FORCED, s->closed[EIO_REASON_FORCED_CLOSE]) \
	X(CLOSED_SHUTDOWN, s->closed[EIO_REASON_SHUTDOWN]) \
	X(POLLS, s->polls) \
	X(POLLS_REPEATED, s->repeated) \
	X(POSTS, s->posts) \
	X(MESSAGES_IN, s->messages_in) \
	X(BYTES_IN, s->bytes_in) \
	X(WRITES, ws[0].sends + ws[1].sends) \
	X(SENDS_POLLING_4, polls[0].sends) \
	X(SENDS_POLLING_3, polls[1].sends) \
	X(SENDS_WEBSOCKET_4, ws[0].sends) \
	X(SENDS_WEBSOCKET_3, ws[1].sends) \
	X(BYTES_POLLING_4, polls[0].bytes) \
	X(BYTES_POLLING_3, polls[1].bytes) \
	X(BYTES_WEBSOCKET_4, ws[0].bytes) \
	X(BYTES_WEBSOCKET_3, ws[1].bytes) \
	X(DEFLATE_WEBSOCKETS, s->deflate_websockets) \
	X(BEHIND, h->behind.connections + s->behind.connections) \
	X(BEHIND_BYTES, h->behind.bytes + s->behind.bytes) \
	X(COMPRESSION_BEFORE, s->deflate_plain) \
	X(COMPRESSION_AFTER, s->deflate_sent)

void
counters_show(const struct worker *w)
{
	const struct eio_httpd_stats *h = eio_httpd_stats(w->httpd);
	const struct eio_server_stats *s = eio_server_stats(w->server);
	const struct eio_sent_stats *polls = s->sent[EIO_TRANSPORT_POLLING], *ws = s->sent[EIO_TRANSPORT_WEBSOCKET];

#define X(metric, number) metrics_put(w->metrics, WORKER_METRIC_##metric, number);
	COUNTERS_TABLE(X)
#undef X
	if (w->peers) peers_show(w->peers);
}
