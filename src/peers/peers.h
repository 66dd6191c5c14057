/* SPDX-License-Identifier: MIT */
/*
 * Sessions of other nodes. A request for one is passed to its node and answered with what that answers; the handshake
 * of a WebSocket is passed on, and what follows joined to it. And what other nodes pass to this one is taken.
 *
 * A node that cannot be reached is answered for: the session is unknown, so that its client comes back, to any node. No
 * request goes from one node to a second and on to a third.
 *
 * Threads: one for each worker, on its loop, with connections of its own.
 */
#ifndef SRC_PEERS_PEERS_H
#define SRC_PEERS_PEERS_H

#include "eio/net/clock.h"
#include "eio/net/httpd.h"
#include "eio/net/random.h"
#include "src/base/metrics.h"
#include "src/peers/spec.h"

struct peers;

/* All is borrowed. */
struct peers_options {
	uv_loop_t *loop;
	struct eio_clock *clock;
	struct eio_random *random;
	struct metrics_set *metrics;
	const struct peers_spec *spec;
	const char *own; /* the name of this node */
	uint64_t answer_ms; /* for the answer to a request: longer than a poll is ever held */
	size_t max_answer; /* bytes of one */
	size_t max_unread; /* a client that polls again with more that it has not read is refused */
	unsigned idle_s; /* so long this node keeps a connection without a request */
	/* The session of a request is unknown, and the caller owns the upgrade. */
	void (*unknown)(void *user, struct eio_exchange *ex);
	void (*unknown_upgrade)(void *user, struct eio_upgrade *up);
	void *user;
};

/* Begins to look for the others. NULL when out of memory. */
struct peers *peers_new(const struct peers_options *o);

/* Begins, on its thread. */
void peers_start(struct peers *p);

/* Passes a request on, in any stage but that of the end, which comes by ex->on_abort. */
void peers_exchange(struct peers *p, struct eio_bytes node, struct eio_exchange *ex, enum eio_stage stage);

/* Passes the handshake of a WebSocket on; owns it. */
void peers_upgrade(struct peers *p, struct eio_bytes node, struct eio_upgrade *up);

/* Looks at each request that comes, whoever from, in any stage but that of the end: those of other nodes are marked,
 * and say whose they are. False: it is none for anybody else now, and was answered if it had to be. *stage may
 * change. */
bool peers_receive(struct peers *p, struct eio_exchange *ex, enum eio_stage *stage);

/* The same for the handshake of a WebSocket. False: it was freed. */
bool peers_receive_upgrade(struct peers *p, struct eio_upgrade *up);

/* Other limits from now on: what of the options is about answers. */
void peers_change(struct peers *p, const struct peers_options *o);

/* How many sockets it has open, but for those of the HTTP server. */
uint64_t peers_connections(const struct peers *p);

/* Shows what is counted. */
void peers_show(struct peers *p);

/* Another process goes on: what is on its way is answered yet, but for WebSockets, which are cut. */
void peers_hold(struct peers *p);

/* Ends all that is on its way: POSTs are cut, polls are refused, WebSockets are cut. Once more it does nothing. */
void peers_drain(struct peers *p);

/* Closes it after that; it is freed once the loop has run. NULL is fine. */
void peers_close(struct peers *p);

#endif
