/* SPDX-License-Identifier: MIT */
/*
 * A connection to another node: says hello, and then carries one request after the other.
 *
 *     open ─▶ hello ─▶ idle ⇄ a request and its answer
 *                        └──▶ the handshake of a WebSocket: its descriptor leaves
 *
 * Behind `left` and `ended` it must not be used any more.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_PEERS_LINK_H
#define SRC_PEERS_LINK_H

#include "eio/net/clock.h"
#include "eio/net/httpd.h"
#include "src/peers/answer.h"
#include "src/peers/nodes.h"
#include "src/peers/pass.h"

enum {
	PEERS_HELLO_MS = 2000, /* to connect and to be answered */
	PEERS_IDLE_MS = 15000, /* an idle link is kept, or half of the time that the other node says */
};

struct peers_link;

enum peers_link_end {
	PEERS_LINK_CLOSED, /* the other node ended it, or what it said is no answer */
	PEERS_LINK_TIMEOUT,
	PEERS_LINK_NOMEM,
};

struct peers_link_events {
	/* The other node has said who it is. False: the link was closed. */
	bool (*hello)(void *user, struct peers_link *l, const struct peers_hello *other);
	/* The answer, whose parts may be taken out. */
	void (*answer)(void *user, struct peers_link *l, struct peers_answer *a);
	/* It can be asked. */
	void (*idle)(void *user, struct peers_link *l);
	/* The handshake of a WebSocket has left, and so has the connection: a descriptor to be closed, or -1. */
	void (*left)(void *user, struct peers_link *l, int fd);
	/* It is over. greeted: the other node had said hello. */
	void (*ended)(void *user, struct peers_link *l, enum peers_link_end how, bool greeted);
};

struct peers_link_options {
	uv_loop_t *loop;
	struct eio_clock *clock;
	const struct peers_link_events *events;
	void *user;
	const char *own; /* the name of this node */
	struct eio_bytes secret;
	uint64_t answer_ms; /* for the answer to a request */
	size_t max_body; /* of an answer */
};

/* Begins to connect to a node, which it has a reference to. The options are borrowed. NULL when out of memory or of
 * descriptors. */
struct peers_link *peers_link_new(
	const struct peers_link_options *o, struct peers_node *node, const unsigned char nonce[PEERS_NONCE]);

/* Sends a request by an idle link. It takes a reference to the exchange. */
void peers_link_send(struct peers_link *l, struct eio_exchange *ex, bool too_large);

/* The same with the handshake of a WebSocket, which stays the caller's. */
void peers_link_send_upgrade(struct peers_link *l, const struct eio_upgrade *up);

/* Closes it at once. No event comes any more. */
void peers_link_close(struct peers_link *l);

struct peers_node *peers_link_node(const struct peers_link *l);

/* Something of the caller's that goes with it: NULL at first. */
void **peers_link_slot(struct peers_link *l);

/* The caller's list that it is in. */
struct eio_list *peers_link_list(struct peers_link *l);
struct peers_link *peers_link_of_list(struct eio_list *l);

#endif
