/* SPDX-License-Identifier: MIT */
/*
 * Which other nodes there are, and where. No I/O: addresses come from whoever looks them up, in rounds.
 *
 * A node of the configuration that has a name is there for good, and each round says where. What has none in it comes
 * and goes: a node for each address that a round finds, whose name is known once it has said hello.
 */
#ifndef SRC_PEERS_NODES_H
#define SRC_PEERS_NODES_H

#include "eio/list.h"
#include "src/peers/spec.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	PEERS_DOWN_MS = 1000, /* so long a node is left alone after it could not be reached */
	PEERS_FOUND_MAX = 256, /* addresses of a name that are looked at */
};

/* As large as an address of IPv6. */
union peers_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct peers_node {
	struct eio_list link; /* in peers_nodes.all, while it is there */
	char name[8]; /* empty: it has not said hello */
	const struct peers_spec_node *spec;
	union peers_address address; /* .any.sa_family is AF_UNSPEC until it is known */
	bool self; /* it is this node */
	bool told; /* that another one answers in its place */
	bool greeted; /* it has said hello */
	bool found; /* in this round */
	uint64_t down_until_ms;
	struct eio_list idle; /* the owner's: of its connections */
	unsigned refs; /* of those, and of the table */
};

struct peers_nodes {
	struct eio_list all;
	const char *own; /* the name of this node */
	size_t n;
};

/* The nodes with a name are in it at once. own is borrowed. 0, or -1 when out of memory: nothing is to be freed. */
int peers_nodes_init(struct peers_nodes *t, const struct peers_spec *spec, const char *own);

/* Forgets all. What others have references to stays until they let go. */
void peers_nodes_deinit(struct peers_nodes *t);

/* The node of that name, but for this one; or NULL. */
struct peers_node *peers_nodes_find(const struct peers_nodes *t, struct eio_bytes name);

struct peers_node *peers_node_ref(struct peers_node *n);
void peers_node_unref(struct peers_node *n);

/* A round: what a name of the configuration stands for was looked up. */
void peers_nodes_begin(struct peers_nodes *t);
/* An address of it. The node that it means, whose address may be another one now; NULL when there are too many, or
 * memory is out. */
struct peers_node *peers_nodes_found(
	struct peers_nodes *t, const struct peers_spec_node *spec, const struct sockaddr *address);
/* That is all of it: nodes without a name in the configuration that were not found are forgotten, each told of first.
 * Not for a spec whose look-up failed: what was there may be there yet. */
void peers_nodes_end(struct peers_nodes *t, const struct peers_spec_node *spec,
	void (*gone)(void *user, struct peers_node *n), void *user);

/* A node has said hello and its name. Whether it is who it should be, and not this one. */
bool peers_node_greeted(struct peers_nodes *t, struct peers_node *n, const char *name);

/* It could not be reached. */
void peers_node_failed(struct peers_node *n, uint64_t now_ms);

static inline bool
peers_node_is_down(const struct peers_node *n, uint64_t now_ms)
{
	return now_ms < n->down_until_ms;
}

static inline bool
peers_node_is_placed(const struct peers_node *n)
{
	return n->address.any.sa_family != AF_UNSPEC;
}

#endif
