/* SPDX-License-Identifier: MIT */
/*
 * In one cluster with servers of Node: what Socket.IO's adapters and emitters publish in Redis reaches our clients; and
 * as a member, we answer what servers ask each other, and what our handlers broadcast reaches theirs. It lives on the
 * feed's thread.
 *
 *     Redis ── channels, streams ──▶ hearing.c: what is meant ──▶ feed_send(), feed_order() ──▶ workers
 *       ▲                               │ what is asked                                             │
 *       ├────────── answering.c ◀───────┴──────────────── feed_survey(), answers ◀──────────────────┤
 *       └────────── telling.c ◀──────────────────────────────────────── adapter_broadcast() ◀───────┘
 */
#ifndef SRC_ADAPTER_ADAPTER_H
#define SRC_ADAPTER_ADAPTER_H

#include "src/adapter/spec.h"
#include "src/base/thread.h"
#include "src/feed/feed.h"
#include "src/redis/url.h"

struct adapter;

struct adapter_options {
	struct thread *thread; /* borrowed, as all below: the feed's */
	struct feed *feed; /* it must not be stopped before this is */
	struct interest_table *interest;
	const struct adapter_spec *spec;
	const struct redis_url *redis; /* the server */
	size_t message_bytes; /* the longest message that is taken */
	size_t publish_queue_bytes; /* what may wait to be published, and as much to be told by workers */
	struct metrics_set *metrics; /* to count in */
};

/* One that does nothing yet. NULL when out of memory. Before there are threads. */
struct adapter *adapter_new(const struct adapter_options *options);

/* Counts as a server of these namespaces, whether there are clients or not, in the place of those before: the names are
 * borrowed during the call. Of others a member is a server while it has clients there. Before it is started, or while
 * its thread runs. Returns 0, or -1 when out of memory, and nothing has changed. */
int adapter_set_namespaces(struct adapter *a, const char *const *names, size_t n);

/* Opens the connections, as soon as its thread runs. Once. */
void adapter_start(struct adapter *a);

/* Whether what handlers broadcast is for others, too. Any thread. */
bool adapter_tells(const struct adapter *a);

/* Tells them an event: the bundle of one packet, for that audience elsewhere. It stays the caller's, as *who does,
 * which may lie on a stack. Any thread, before adapter_stop(). Never blocks. 0, or -1 when too much waits, or memory is
 * out. */
int adapter_broadcast(struct adapter *a, const struct audience *who, struct eio_bundle *event);

/* The address of a server is another one now: if it is that of this one, all goes over to it. old: that before. On its
 * thread. Whether that is under way any thread may ask. */
void adapter_move(struct adapter *a, const struct redis_url *url, const struct redis_url *old);
bool adapter_is_moving(const struct adapter *a);

/* Closes what it has on the loop, and waits for that. To be called once, also when it was not started, by the thread
 * that starts and stops its thread. */
void adapter_stop(struct adapter *a);

/* Frees it when it was stopped, after its thread. NULL is fine. */
void adapter_free(struct adapter *a);

#endif
