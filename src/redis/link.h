/* SPDX-License-Identifier: MIT */
/*
 * One connection to one Redis server that never gives up: it subscribes, or it
 * publishes, and comes back by itself when Redis went away. hiredis is used only
 * as the parser of replies (redis_reply.c); bytes travel over libuv.
 *
 *     ┌──────────┐ connected ┌───────────┐ every reply there ┌───────┐
 *     │CONNECTING├──────────▶│ HANDSHAKE ├──────────────────▶│ READY │
 *     └──▲───┬───┘           └─────┬─────┘                   └───┬───┘
 *        │   │ refused, timeout    │ error reply, lost           │ lost, silent
 *        │   ▼                     ▼                             │
 *     ┌──┴────────────────────────────────────────────────────┐  │
 *     │ WAITING: 100 ms doubling to 5 s, less a random half    │◀─┘
 *     └───────────────────────────────────────────────────────┘
 * A silent connection is asked with PING; no answer means lost.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_LINK_H
#define SRC_REDIS_LINK_H

#include "eio/bytes.h"
#include "src/base/metrics.h"
#include "src/redis/url.h"

#include <uv.h>

#define REDIS_BACKOFF_MIN_MS 100
#define REDIS_BACKOFF_MAX_MS 5000
#define REDIS_CONNECT_MS 5000 /* to connect, and again to shake hands */
#define REDIS_SILENT_MS 10000 /* then PING */
#define REDIS_DEAD_MS 10000 /* after the PING: lost */
#define REDIS_PAUSE_MS 1 /* between two looks at a busy connection */

struct redis;

/* A published message that arrived. All bytes are valid during the call only. */
struct redis_message {
	bool is_pattern;
	struct eio_bytes name; /* as subscribed: the channel, or the pattern that matched */
	struct eio_bytes channel;
	struct eio_bytes payload;
};

struct redis_options {
	const struct redis_url *url; /* borrowed */
	struct metrics *metrics; /* borrowed */
	/* Names to subscribe to; borrowed. With none the connection is for publishing. */
	const char *const *channels, *const *patterns;
	size_t n_channels, n_patterns;
	size_t publish_queue_bytes; /* what may wait to be published */
	unsigned silent_ms, dead_ms; /* 0: REDIS_SILENT_MS, REDIS_DEAD_MS */
	bool may_pause; /* messages may come REDIS_PAUSE_MS late, together, when they are many */
	/* May not call redis_* for this connection. */
	void (*message)(void *user, const struct redis_message *m);
	void (*state)(void *user, bool ready); /* became ready, or is not any more; or NULL */
	void *user;
};

/* A connection that begins to connect at once. NULL when out of memory. */
struct redis *redis_open(uv_loop_t *loop, const struct redis_options *options);

/* Closes it; memory goes when the loop has run. No more callbacks. What waits to be published is dropped. */
void redis_close(struct redis *r);

/* Queues PUBLISH; it is written by redis_flush, or when Redis is back. 0, or -1 when it was dropped (and counted). */
int redis_publish(struct redis *r, struct eio_bytes channel, struct eio_bytes payload);

/* Writes what redis_publish queued. Once per loop turn is enough. */
void redis_flush(struct redis *r);

#endif
