/* SPDX-License-Identifier: MIT */
/* What the Socket.IO clients of a worker count: all of them, and those of each namespace. */
#ifndef SRC_CLIENTS_METRICS_H
#define SRC_CLIENTS_METRICS_H

#include "sio/error.h"
#include "src/base/metrics.h"
#include "src/hook/metrics.h"

/* A row for each fault of a client. Whoever uses the table calls his macro X. */
#define CLIENTS_FAULT_METRIC(fault, label, text) \
	X(CLIENTS_METRIC_PACKETS_INVALID_##fault, COUNTER, "packets_invalid_total", "reason=\"" label "\"", \
		"Packets that closed their session")

/* Refused are those who ask for a namespace that there is not: its name, which is theirs, is no label. */
#define CLIENTS_METRICS(X) \
	X(CLIENTS_METRIC_CONNECT_NAMESPACE, COUNTER, "connect_refused_total", "reason=\"namespace\"", \
		"Socket.IO CONNECTs refused") \
	X(CLIENTS_METRIC_CONNECT_NAMESPACES, COUNTER, "connect_refused_total", "reason=\"namespaces\"", "") \
	X(CLIENTS_METRIC_CONNECT_AUTH_BYTES, COUNTER, "connect_refused_total", "reason=\"auth bytes\"", "") \
	X(CLIENTS_METRIC_CONNECT_TOKEN, COUNTER, "connect_refused_total", "reason=\"token\"", "") \
	X(CLIENTS_METRIC_CONNECT_APPLICATION, COUNTER, "connect_refused_total", "reason=\"application\"", "") \
	X(CLIENTS_METRIC_CONNECT_CREDENTIALS, COUNTER, "connect_refused_total", "reason=\"credentials\"", "") \
	X(CLIENTS_METRIC_CONNECT_UNAVAILABLE, COUNTER, "connect_refused_total", "reason=\"unavailable\"", "") \
	SIO_FAULT_TABLE(CLIENTS_FAULT_METRIC) \
	X(CLIENTS_METRIC_ENDED_CONNECT_TIMEOUT, COUNTER, "clients_ended_total", "reason=\"connect timeout\"", \
		"Clients ended for what is counted nowhere else") \
	X(CLIENTS_METRIC_ENDED_DISCONNECT, COUNTER, "clients_ended_total", "reason=\"disconnect\"", "") \
	X(CLIENTS_METRIC_ENDED_MOVED, COUNTER, "clients_ended_total", "reason=\"moved\"", "") \
	X(CLIENTS_METRIC_ENDED_NOMEM, COUNTER, "clients_ended_total", "reason=\"memory\"", "") \
	X(CLIENTS_METRIC_ENDED_SLOW, COUNTER, "slow_disconnected_total", "", \
		"Clients disconnected for being over their limit") \
	X(CLIENTS_METRIC_MESSAGES_OUT, COUNTER, "messages_sent_total", "", "Engine.IO messages to clients") \
	X(CLIENTS_METRIC_BROADCASTS, COUNTER, "broadcasts_total", "", "Broadcasts taken by workers") \
	X(CLIENTS_METRIC_DELIVERED, COUNTER, "broadcasts_delivered_total", "", \
		"Broadcasts times the clients they went to") \
	X(CLIENTS_METRIC_QUEUED, HISTOGRAM(clients_send_buckets), "delivery_queue_seconds", "", \
		"How long deliveries waited for their worker") \
	X(CLIENTS_METRIC_FIRST_SEND, HISTOGRAM(clients_send_buckets), "delivery_seconds", "send=\"first\"", \
		"From when the first message of a delivery was read from Redis, or was due, to its sends on WebSockets") \
	X(CLIENTS_METRIC_LAST_SEND, HISTOGRAM(clients_send_buckets), "delivery_seconds", "send=\"last\"", "") \
	X(CLIENTS_METRIC_SLOW_DROPPED, COUNTER, "slow_dropped_total", "", \
		"Broadcasts dropped for clients over their limit") \
	X(CLIENTS_METRIC_REPLACED, COUNTER, "slow_replaced_total", "", \
		"Messages that clients did not get because a newer one of their key came while they were behind or paced") \
	X(CLIENTS_METRIC_KEYS_DROPPED, COUNTER, "slow_keys_dropped_total", "", \
		"Newest messages of their key that were too many to be kept for clients that are behind") \
	X(CLIENTS_METRIC_MOVED, COUNTER, "sockets_ordered_total", "", \
		"Sockets that joined or left rooms, or were put out, as another server said") \
	X(CLIENTS_METRIC_MOVES_FAILED, COUNTER, "orders_dropped_total", "", \
		"Such orders lost because memory was short") \
	X(CLIENTS_METRIC_ACKS, COUNTER, "acks_total", "", "Acks of clients to events of other servers") \
	X(CLIENTS_METRIC_ACKS_DROPPED, COUNTER, "acks_dropped_total", "", \
		"Acks to events of other servers that were not awaited, or lost, because too many were or memory was short") \
	X(CLIENTS_METRIC_UI_DROPPED, COUNTER, "admin_ui_dropped_total", "", \
		"What the Admin UI was not told because too much was on its way, or memory was short") \
	X(CLIENTS_METRIC_LAG_EVENTS, COUNTER, "lag_events_total", "", "Events that tell clients what they missed")

/* Of one namespace. */
#define NAMESPACE_METRICS(X) \
	X(NAMESPACE_METRIC_SOCKETS, GAUGE, "sockets", "", "Socket.IO sockets: clients times namespaces") \
	X(NAMESPACE_METRIC_EVENTS_IN, COUNTER, "events_received_total", "", "Socket.IO events from clients") \
	X(NAMESPACE_METRIC_EVENTS_UNHANDLED, COUNTER, "events_unhandled_total", "", \
		"Events no handler is configured for") \
	X(NAMESPACE_METRIC_HANDLERS_SKIPPED, COUNTER, "handlers_skipped_total", "", \
		"Handler runs in which an action could not be made of the arguments") \
	X(NAMESPACE_METRIC_EXPIRED, COUNTER, "identities_expired_total", "", \
		"Sockets put out because their token expired") \
	X(NAMESPACE_METRIC_WAITING, GAUGE, "connects_waiting", "", \
		"CONNECTs that wait for an answer of the application") \
	X(NAMESPACE_METRIC_BROADCASTS, COUNTER, "handlers_broadcasts_total", "", "Broadcasts by handlers") \
	X(NAMESPACE_METRIC_BROADCASTS_DROPPED, COUNTER, "handlers_broadcasts_dropped_total", "", \
		"Broadcasts by handlers times the workers that did not get them") \
	X(NAMESPACE_METRIC_OVER_RATE_DROP, COUNTER, "events_over_rate_total", "then=\"drop\"", \
		"Events of clients beyond a rate") \
	X(NAMESPACE_METRIC_OVER_RATE_COUNT, COUNTER, "events_over_rate_total", "then=\"count\"", "") \
	X(NAMESPACE_METRIC_OVER_RATE_DISCONNECT, COUNTER, "events_over_rate_total", "then=\"disconnect\"", "") \
	X(NAMESPACE_METRIC_JOINS_MANY, COUNTER, "joins_refused_total", "reason=\"roomsPerSocket\"", \
		"Joins refused because of limits and rules") \
	X(NAMESPACE_METRIC_JOINS_LONG, COUNTER, "joins_refused_total", "reason=\"roomNameLength\"", "") \
	X(NAMESPACE_METRIC_JOINS_FORBIDDEN, COUNTER, "joins_refused_total", "reason=\"forbidden\"", "") \
	X(NAMESPACE_METRIC_CALLS_OK, COUNTER, "handlers_calls_total", "result=\"ok\"", \
		"Calls of the application by handlers") \
	X(NAMESPACE_METRIC_CALLS_REFUSED, COUNTER, "handlers_calls_total", "result=\"refused\"", "") \
	X(NAMESPACE_METRIC_CALLS_FAILED, COUNTER, "handlers_calls_total", "result=\"failed\"", "") \
	X(NAMESPACE_METRIC_CALL, HISTOGRAM(hook_buckets), "handlers_call_seconds", "", \
		"How long they took, with the time they waited for their turn") \
	X(NAMESPACE_METRIC_EVENTS_HELD, GAUGE, "events_held", "", \
		"Events that wait for an answer of the application, or behind one that does") \
	X(NAMESPACE_METRIC_EVENTS_HELD_DROPPED, COUNTER, "events_held_dropped_total", "", \
		"Events dropped because too many waited already") \
	X(NAMESPACE_METRIC_PRESENCE_REFUSED, COUNTER, "presence_refused_total", "", \
		"Joins that are no part of presence, because of their member or their room's name")

#define X METRICS_SLOT
enum clients_metric { CLIENTS_METRICS(X) CLIENTS_METRIC_COUNT };
#undef X
enum namespace_metric { NAMESPACE_METRICS(METRICS_SLOT) NAMESPACE_METRIC_COUNT };

extern const struct metrics_buckets clients_send_buckets;
extern const struct metrics_table clients_metrics, namespace_metrics;

#endif
