/* SPDX-License-Identifier: MIT */
/*
 * What this node knows of the others. Each numbers its changes: whoever misses one reads its whole state, and what is
 * different in that is what is told.
 *
 *     unknown ─ any message ─▶ asked for ─ its state, and what came meanwhile ─▶ up to date ─┐ the next change
 *                                 ▲                                              │ ▲─────────┘
 *                                 └──── a number is missing, Redis was away ─────┘
 *
 * A node is gone when it says so, or when its state is not there any more though this node has been connected for as
 * long as one is kept. While Redis is away nobody leaves. No I/O and no clock.
 *
 * Threads: one at a time.
 */
#ifndef SRC_PRESENCE_REPLICA_H
#define SRC_PRESENCE_REPLICA_H

#include "src/presence/core.h"
#include "src/presence/count.h"

enum {
	PRESENCE_SEPARATOR = 0x1e, /* between the fields and values of a state: no byte of JSON */
	/* What is kept of a node's messages while its state is read; more, and it is read again. */
	PRESENCE_MEANWHILE_MAX = 4 << 20,
};

struct presence_other {
	struct eio_list link; /* in replica->nodes */
	struct presence_node node;
	struct presence_count_node counts;
	uint64_t seq; /* of the last change that was taken */
	bool known; /* its state was read, and nothing was missed since */
	bool asked; /* its state is being read */
	bool again; /* it is to be read once more then */
	struct eio_buf meanwhile; /* its messages since, each with a separator behind it */
	char id[];
};

struct presence_replica {
	struct presence_core *core; /* borrowed, as the next ones */
	struct presence_counts *counts;
	const struct presence_specs *specs;
	unsigned expiry_ms;
	const char *own; /* the name of this node, whose messages are none of others */
	struct eio_list nodes;
	size_t n_nodes;
	uint64_t ready_ms; /* since when this node is connected */
	struct eio_buf scratch;
};

/* The fields up to `own` are set. */
void presence_replica_init(struct presence_replica *r);

/* All nodes are gone. */
void presence_replica_deinit(struct presence_replica *r);

/* The connections to Redis are there (again): whatever is known may be old. */
void presence_replica_ready(struct presence_replica *r, uint64_t now_ms);

/* A message on the channel, any bytes. True when it wants to be answered by a PRESENCE_ALIVE. */
bool presence_replica_message(struct presence_replica *r, struct eio_bytes text);

/* The next node whose state is to be read, which counts as asked from now on; NULL when there is none. */
struct presence_other *presence_replica_next_asked(struct presence_replica *r);

/* A state that was asked for: fields and values with separators between them, none when there is no such state. */
void presence_replica_state(struct presence_replica *r, struct eio_bytes id, struct eio_bytes text);

/* What the state of a node has for its number; empty: there is no such state. */
void presence_replica_seq(struct presence_replica *r, struct eio_bytes id, struct eio_bytes seq, uint64_t now_ms);

#endif
