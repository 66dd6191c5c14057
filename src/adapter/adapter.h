/* SPDX-License-Identifier: MIT */
/*
 * In one cluster with servers of Node: what Socket.IO's adapters and emitters publish in Redis reaches our clients. It
 * lives on the feed's thread.
 *
 *     Redis ── subscriber ──▶ classic.c: what is meant ──▶ feed_send(), feed_order() ──▶ workers
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
	const struct adapter_spec *spec;
	const struct redis_url *redis; /* the server */
	size_t message_bytes; /* the longest message that is taken */
	struct metrics_set *metrics; /* to count in */
};

/* One that does nothing yet. NULL when out of memory. */
struct adapter *adapter_new(const struct adapter_options *options);

/* Opens the connection, as soon as its thread runs. Once. */
void adapter_start(struct adapter *a);

/* Closes what it has on the loop, and waits for that. To be called once, also when it was not started, by the thread
 * that starts and stops its thread. */
void adapter_stop(struct adapter *a);

/* Frees it when it was stopped, after its thread. NULL is fine. */
void adapter_free(struct adapter *a);

#endif
