/* SPDX-License-Identifier: MIT */
/*
 * Counters. Each thread has a row of its own that only it writes, so counting
 * costs a plain add; readers sum the rows with relaxed loads. One table below
 * names everything: field, Prometheus name, labels, type, help.
 */
#ifndef SRC_BASE_METRICS_H
#define SRC_BASE_METRICS_H

#include "eio/buf.h"
#include "sio/error.h"

#include <stdatomic.h>
#include <stdint.h>

/* A row for each fault of a client. Whoever uses the table calls his macro X. */
#define METRICS_FAULT(fault, label, text) \
	X(PACKETS_INVALID_##fault, COUNTER, "packets_invalid_total", "reason=\"" label "\"", \
		"Packets that closed their session")

/* X(field, type, Prometheus name, labels, help). Rows of one name stand together; the help of the first is used. */
#define METRICS_TABLE(X) \
	X(CONNECTIONS_OPEN, GAUGE, "connections", "", "Open TCP connections") \
	X(CONNECTIONS_ACCEPTED, COUNTER, "connections_accepted_total", "", "TCP connections accepted") \
	X(CONNECTIONS_REFUSED, COUNTER, "connections_refused_total", "", \
		"TCP connections closed at once because of limits") \
	X(ACCEPT_PAUSED, COUNTER, "accept_paused_total", "", "Times accepting paused because no file could be opened") \
	X(HTTP_REQUESTS, COUNTER, "http_requests_total", "", "HTTP requests") \
	X(HTTP_BAD, COUNTER, "http_bad_requests_total", "", "Requests that were not HTTP") \
	X(SESSIONS_POLLING, GAUGE, "sessions", "transport=\"polling\"", "Open Engine.IO sessions") \
	X(SESSIONS_WEBSOCKET, GAUGE, "sessions", "transport=\"websocket\"", "") \
	X(SESSIONS_OPENED, COUNTER, "sessions_opened_total", "", "Engine.IO sessions opened") \
	X(SESSIONS_OPENED_4, COUNTER, "sessions_opened_by_revision_total", "eio=\"4\"", \
		"Engine.IO sessions opened, by revision") \
	X(SESSIONS_OPENED_3, COUNTER, "sessions_opened_by_revision_total", "eio=\"3\"", "") \
	X(SESSIONS_OPEN_4, GAUGE, "sessions_by_revision", "eio=\"4\"", "Open Engine.IO sessions, by revision") \
	X(SESSIONS_OPEN_3, GAUGE, "sessions_by_revision", "eio=\"3\"", "") \
	X(SESSIONS_UPGRADED, COUNTER, "sessions_upgraded_total", "", "Sessions that went from polling to WebSocket") \
	X(REQUESTS_REFUSED, COUNTER, "requests_refused_total", "", "Requests answered with an Engine.IO error") \
	X(CLOSED_TRANSPORT_CLOSE, COUNTER, "sessions_closed_total", "reason=\"transport close\"", \
		"Engine.IO sessions closed") \
	X(CLOSED_TRANSPORT_ERROR, COUNTER, "sessions_closed_total", "reason=\"transport error\"", "") \
	X(CLOSED_PING_TIMEOUT, COUNTER, "sessions_closed_total", "reason=\"ping timeout\"", "") \
	X(CLOSED_PARSE_ERROR, COUNTER, "sessions_closed_total", "reason=\"parse error\"", "") \
	X(CLOSED_FORCED, COUNTER, "sessions_closed_total", "reason=\"forced close\"", "") \
	X(CLOSED_SHUTDOWN, COUNTER, "sessions_closed_total", "reason=\"server shutting down\"", "") \
	X(CLOSED_SLOW, COUNTER, "slow_disconnected_total", "", "Clients disconnected for being over their limit") \
	X(POLLS, COUNTER, "polls_total", "", "Polls answered") \
	X(POSTS, COUNTER, "posts_total", "", "POST bodies taken") \
	X(FORWARDED_REQUESTS, COUNTER, "forwarded_requests_total", "", \
		"Requests passed to the worker that owns the session") \
	X(MOVED_UPGRADES, COUNTER, "moved_upgrades_total", "", "Upgrades moved to the worker that owns the session") \
	X(MESSAGES_IN, COUNTER, "messages_received_total", "", "Engine.IO messages from clients") \
	X(MESSAGES_OUT, COUNTER, "messages_sent_total", "", "Engine.IO messages to clients") \
	X(BYTES_IN, COUNTER, "bytes_received_total", "", "Bytes read from clients") \
	X(WRITES, COUNTER, "websocket_writes_total", "", "Writes to WebSockets") \
	X(BYTES_OUT, COUNTER, "bytes_sent_total", "", "Bytes written to clients") \
	X(DEFLATE_WEBSOCKETS, COUNTER, "deflate_websockets_total", "", "WebSockets opened with permessage-deflate") \
	X(COMPRESSION_BEFORE, COUNTER, "compression_bytes_total", "side=\"before\"", \
		"Bytes to clients that take them compressed, before compression and as sent") \
	X(COMPRESSION_AFTER, COUNTER, "compression_bytes_total", "side=\"after\"", "") \
	X(SOCKETS_OPEN, GAUGE, "sockets", "", "Socket.IO sockets: clients times namespaces") \
	X(CONNECT_REFUSED, COUNTER, "connect_refused_total", "", "Socket.IO CONNECTs refused") \
	X(EVENTS_IN, COUNTER, "events_received_total", "", "Socket.IO events from clients") \
	X(EVENTS_UNHANDLED, COUNTER, "events_unhandled_total", "", "Events no handler is configured for") \
	X(HANDLERS_SKIPPED, COUNTER, "handlers_skipped_total", "", \
		"Handler runs in which an action could not be made of the arguments") \
	SIO_FAULT_TABLE(METRICS_FAULT) \
	X(ENDED_CONNECT_TIMEOUT, COUNTER, "clients_ended_total", "reason=\"connect timeout\"", \
		"Clients ended for what is counted nowhere else") \
	X(ENDED_DISCONNECT, COUNTER, "clients_ended_total", "reason=\"disconnect\"", "") \
	X(ENDED_NOMEM, COUNTER, "clients_ended_total", "reason=\"memory\"", "") \
	X(JOINS_REFUSED, COUNTER, "joins_refused_total", "", "Joins refused because of limits") \
	X(BROADCASTS, COUNTER, "broadcasts_total", "", "Broadcasts taken by workers") \
	X(DELIVERED, COUNTER, "broadcasts_delivered_total", "", "Broadcasts times the clients they went to") \
	X(SLOW_DROPPED, COUNTER, "slow_dropped_total", "", "Broadcasts dropped for clients over their limit") \
	X(FEED_MESSAGES, COUNTER, "feed_messages_total", "", "Messages from Redis") \
	X(FEED_BYTES, COUNTER, "feed_bytes_total", "", "Payload bytes from Redis") \
	X(FEED_UNHEARD, COUNTER, "feed_unheard_total", "", "Messages for rooms without members, not encoded") \
	X(FEED_FILTERED, COUNTER, "feed_filtered_total", "", "Messages left out by where") \
	X(FEED_DROPPED_ROUTE, COUNTER, "feed_dropped_total", "reason=\"route\"", "Messages from Redis dropped alone") \
	X(FEED_DROPPED_JSON, COUNTER, "feed_dropped_total", "reason=\"json\"", "") \
	X(FEED_DROPPED_UTF8, COUNTER, "feed_dropped_total", "reason=\"utf8\"", "") \
	X(FEED_DROPPED_LINE, COUNTER, "feed_dropped_total", "reason=\"line\"", "") \
	X(FEED_DROPPED_SIZE, COUNTER, "feed_dropped_total", "reason=\"size\"", "") \
	X(FEED_DROPPED_MEMORY, COUNTER, "feed_dropped_total", "reason=\"memory\"", "") \
	X(FEED_BATCHES, COUNTER, "feed_batches_total", "", "Batches flushed and encoded") \
	X(FEED_BATCHES_UNHEARD, COUNTER, "feed_batches_unheard_total", "", \
		"Batches whose members had gone before the flush") \
	X(FEED_STREAMS, GAUGE, "feed_streams", "", "Pairs of feed, event and room with a batch") \
	X(FEED_DELIVERIES, COUNTER, "feed_deliveries_total", "", "Broadcasts handed to workers") \
	X(FEED_DELIVERIES_DROPPED, COUNTER, "feed_deliveries_dropped_total", "", \
		"Broadcasts not handed to a worker that is behind") \
	X(REDIS_CONNECTED, GAUGE, "redis_connections", "", "Redis connections up") \
	X(REDIS_CONNECTS, COUNTER, "redis_connects_total", "", "Redis connections made") \
	X(REDIS_LOST, COUNTER, "redis_lost_total", "", "Redis connections lost or refused") \
	X(PUBLISH_SENT, COUNTER, "publish_sent_total", "", "Messages published to Redis") \
	X(PUBLISH_DROPPED, COUNTER, "publish_dropped_total", "", "Messages not published: too many were waiting") \
	X(PUBLISH_FAILED, COUNTER, "publish_failed_total", "", "Messages Redis refused")

enum metric {
#define X(field, type, name, labels, help) METRIC_##field,
	METRICS_TABLE(X)
#undef X
		METRIC_COUNT
};

/* One thread's row; on cache lines of its own. */
struct metrics {
	_Alignas(64) _Atomic uint64_t v[METRIC_COUNT];
};

/* All rows: the daemon makes one for each worker and one for the feed thread. */
struct metrics_set {
	size_t n;
	struct metrics *rows; /* owned */
};

/* 0, or -1 when out of memory. */
int metrics_set_init(struct metrics_set *s, size_t n);
void metrics_set_deinit(struct metrics_set *s);

/* Adds n to a counter; only the row's own thread. A gauge goes down by metrics_sub. */
static inline void
metrics_add(struct metrics *m, enum metric i, uint64_t n)
{
	atomic_store_explicit(&m->v[i], atomic_load_explicit(&m->v[i], memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void
metrics_inc(struct metrics *m, enum metric i)
{
	metrics_add(m, i, 1);
}

static inline void
metrics_sub(struct metrics *m, enum metric i, uint64_t n)
{
	metrics_add(m, i, -n);
}

/* Shows a number that is counted elsewhere; only the row's own thread. */
static inline void
metrics_put(struct metrics *m, enum metric i, uint64_t v)
{
	atomic_store_explicit(&m->v[i], v, memory_order_relaxed);
}

/* The sum over all rows; any thread. */
uint64_t metrics_sum(const struct metrics_set *s, enum metric i);

/* Appends everything in the Prometheus text format (version 0.0.4), names with the prefix "siocast_". */
void metrics_write_prometheus(const struct metrics_set *s, struct eio_buf *out);

/* Appends one JSON object: {"connections":3,"sessions":{"polling":1,"websocket":2},…}. */
void metrics_write_json(const struct metrics_set *s, struct eio_buf *out);

#endif
