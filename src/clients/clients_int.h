/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: all clients of one worker. */
#ifndef SRC_CLIENTS_CLIENTS_INT_H
#define SRC_CLIENTS_CLIENTS_INT_H

#include "src/base/log.h"
#include "src/clients/client.h"
#include "src/clients/clients.h"

/* Debug lines about what a client did. Each kind has a bound of its own, as each reason for an end has. */
enum clients_line {
	CLIENTS_LINE_REQUEST_REFUSED,
	CLIENTS_LINE_CONNECT_REFUSED,
	CLIENTS_LINE_JOIN_REFUSED,
	CLIENTS_LINE_PUBLISH_DROPPED,
	CLIENTS_LINE_BROADCAST_DROPPED,
	CLIENTS_LINE_ACTION_SKIPPED,
	CLIENTS_LINE_EVENT_UNHANDLED,
	CLIENTS_LINE_PRESENCE_REFUSED,
	CLIENTS_LINE_CALL_FAILED,
	CLIENTS_LINE_EVENT_DROPPED,
	CLIENTS_LINE_COUNT
};

#define CLIENTS_MAGIC 0xc11e2700u

struct clients {
	unsigned magic;
	struct clients_options options;
	struct sio_client_config sio_config;
	struct sio_rooms rooms;
	struct metrics *metrics; /* owned: of clients_metrics */
	struct behind *behind;
	uint64_t serial; /* of broadcasts to several rooms */
	uint64_t reached; /* all recoverable broadcasts up to this number that are for this worker were sent */
	struct feed_offset_text reached_text; /* the same for other siocasts; n 0 where nobody comes from there */
	struct eio_hash pasts; /* of struct client_past */
	/* Of struct client_stow: what has changed, what Redis has, by the time when it is put again, and what it did
	 * not take. stowing.c's, as the next four. */
	struct eio_list stowing, stowed, unstowed;
	struct eio_timer stow_timer;
	bool stow_leaves; /* what Redis has may stay where it is, while it comes to be another one */
	uint64_t stow_at_ms; /* when it is due; UINT64_MAX: never */
	uint64_t store; /* how many Redis have had them before */
	size_t held_bytes; /* of all holds */
	size_t places; /* of all acks that are awaited: acked.c's */
	void (*go_on)(struct sio_socket *s); /* what a socket's handlers waited for is there, see asking.h */
	bool recovers; /* some namespace does */
	bool paces; /* some has rooms with a pace */
	bool stopping; /* every client is going */
	bool interest_failed; /* the feed could not be told of the room that a join opened */
	struct ui ui;
	struct namespaces *namespaces;
	const struct handlers_needs *needs; /* of the namespaces: what to keep of a request */
	struct eio_hash attendances; /* of struct attendance */
	uint64_t next_stay; /* the number of the next one */
	struct log_limit odd_answers; /* of the application */
	struct log_limit lines[CLIENTS_LINE_COUNT];
	struct log_limit closed_limits[EIO_REASON_COUNT], ended_limits[CLIENT_REASON_COUNT];
};

/* What the callbacks of others bring along. */
static inline struct clients *
clients__of(void *user)
{
	struct clients *c = user;

	CHECK_MAGIC(c, CLIENTS_MAGIC);
	return c;
}

static inline void
clients__count(struct clients *c, enum clients_metric m)
{
	metrics_inc(c->metrics, m);
}

/* Writes `event=<event> sid=… nsp="…" …`. Evaluates nothing while debug is off. */
#define CLIENTS_DEBUG(c, line, event, nsp, format, ...) \
	LOG_DEBUG_LIMITED(&(c)->clients->lines[line], eio_clock_now((c)->clients->options.clock), \
		"event=" event " sid=%s nsp=\"%s\" " format, eio_socket_sid((c)->eio), LOG_ESCAPE(nsp), __VA_ARGS__)

#endif
