/* SPDX-License-Identifier: MIT */
/*
 * Presence on its thread, which is the feed's: workers post who comes and goes, and get what their clients are to be
 * told. Other nodes are reached through Redis.
 *
 *     worker ── stay begins, ends ──▶ core, counts ── events ──▶ tell ── deliveries ──▶ worker
 *                                       ▲      │
 *                            replica ───┘      └──▶ shared ──▶ Redis
 */
#ifndef SRC_PRESENCE_PRESENCE_H
#define SRC_PRESENCE_PRESENCE_H

#include "src/base/thread.h"
#include "src/presence/core.h"
#include "src/presence/delivery.h"
#include "src/presence/spec.h"
#include "src/redis/url.h"

struct presence;

struct presence_options {
	struct thread *thread; /* borrowed: where it lives */
	struct presence_specs *specs; /* borrowed until presence_new, which takes a reference */
	/* Borrowed, as the next: the server by which it is shared. NULL: nothing is. */
	const struct redis_url *redis;
	const char *prefix; /* of what is in Redis */
	unsigned expiry_ms; /* so long after a node's sudden end its members are there yet, at most */
	struct metrics_set *metrics; /* borrowed: to count in */
	unsigned workers; /* how many */
	size_t worker_queue_bytes; /* a worker that has not taken so much is behind */
};

/* One that does nothing yet. NULL when out of memory, or without random numbers. */
struct presence *presence_new(const struct presence_options *options);

/* Where the struct presence_delivery for worker w go, as `struct mail` in each: it is the port's to take them as long
 * as presence is not stopped. For every worker, before presence is started. */
void presence_set_worker(struct presence *p, unsigned w, const struct mail_port *deliveries);

/* Opens the connections, as soon as its thread runs. Once. */
void presence_start(struct presence *p);

/* A server is at another address now: if it is the one by which presence is shared, it is from there from now on. url:
 * as it was given with the options. On its thread. */
void presence_move(struct presence *p, const struct redis_url *url);

/* Says to other nodes that this one ends, closes what it has on the loop, and waits for that. No delivery is posted
 * afterwards. To be called once, also when it was not started, by the thread that starts and stops its thread. */
void presence_stop(struct presence *p);

/* Frees it when it was stopped, after its thread and the last delivery. NULL is fine. */
void presence_free(struct presence *p);

const struct presence_specs *presence_specs_of(const struct presence *p);

/* What workers post. */
struct presence_post {
	struct mail mail;
	bool begins; /* a stay, else it ends */
};

/* Stays. From their beginning to their end they are the worker's, who numbers them: no number comes twice, and the
 * lowest six bits are the worker. */
struct presence_stay {
	struct presence_post post;
	uint64_t id;
	bool counted; /* the number of clients, else who they are */
	struct sio_room_key key; /* of counted; the bytes lie in data */
	char data[];
};

/* A client came to a room. All bytes are copied. NULL when out of memory, or when too many are on their way already: it
 * is no part of it then. Worker threads, before presence_stop. */
struct presence_stay *presence_begin(struct presence *p, uint64_t id, const struct presence_spec *spec,
	struct sio_room_key key, const struct presence_who *who);
struct presence_stay *presence_begin_counted(
	struct presence *p, uint64_t id, const struct presence_count_spec *spec, struct sio_room_key key);

/* It left; the stay is gone. The same threads. Never fails. */
void presence_end(struct presence *p, struct presence_stay *stay);

#endif
