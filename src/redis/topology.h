/* SPDX-License-Identifier: MIT */
/*
 * Who has which slot of a Redis Cluster, as one of its nodes says: the answer to CLUSTER SLOTS, which all versions give
 * since 3.0, Valkey, too. No I/O.
 *
 *     *ranges *3+ :first :last *master *replica …          a node: *2+ host :port $id *metadata
 *
 * A host is an address or a name, as the Cluster prefers it. It is empty, or nil, for the address that was asked, and
 * "?" for a name that is not known: then the address is among the metadata, if anywhere.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_TOPOLOGY_H
#define SRC_REDIS_TOPOLOGY_H

#include "src/redis/slot.h"
#include "src/redis/values.h"

enum {
	REDIS_TOPOLOGY_NODES = 2000, /* twice of what Redis advises at most; more would be no answer to believe */
	REDIS_TOPOLOGY_BYTES = 8 << 20, /* of an answer, where each slot has another owner than the one before */
};

struct redis_node {
	char *host; /* owned */
	unsigned port;
};

struct redis_topology {
	struct redis_node *nodes; /* owned: n, of room for cap: masters, and replicas */
	size_t n, cap;
	uint16_t *owners; /* owned: of each slot the number of its master, from 1; 0: it has none that is known */
};

/* An empty one. 0, or -1 when out of memory. */
int redis_topology_init(struct redis_topology *t);
void redis_topology_deinit(struct redis_topology *t); /* all zero is fine */

/* Takes what a node says that was asked at this host, in the place of what was there. NULL, or why not: then it is
 * empty. That nobody has a slot is none: then it is no node of a Cluster yet, or not any more. */
const char *redis_topology_read(struct redis_topology *t, const struct redis_values *answer, const char *asked_host);

/* A slot is at this address now. 0, or -1: there is no room for one more node. */
int redis_topology_move(struct redis_topology *t, unsigned slot, struct eio_bytes host, unsigned port);

/* The master of a slot, or NULL. Valid until it changes. */
const struct redis_node *redis_topology_owner(const struct redis_topology *t, unsigned slot);

/* Whether all slots are at the same addresses. */
bool redis_topology_is_same(const struct redis_topology *a, const struct redis_topology *b);

#endif
