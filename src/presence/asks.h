/* SPDX-License-Identifier: MIT */
/*
 * Which command a reply answers: they come in the order of the commands. Most replies say nothing that matters; what
 * was asked is remembered with how many of those come before. No I/O.
 *
 * Threads: one at a time.
 */
#ifndef SRC_PRESENCE_ASKS_H
#define SRC_PRESENCE_ASKS_H

#include "eio/bytes.h"
#include "eio/list.h"

enum presence_ask_kind {
	PRESENCE_ASK_NOTHING,
	PRESENCE_ASK_STATE, /* of a node */
	PRESENCE_ASK_SEQ, /* the same */
	PRESENCE_ASK_OWN, /* whether our state is there */
};

struct presence_ask {
	struct eio_list link;
	enum presence_ask_kind kind;
	size_t before; /* replies that come first */
	size_t id_n;
	char id[]; /* of the node */
};

struct presence_asks {
	struct eio_list waiting;
	size_t after; /* replies that come behind the last ask */
};

void presence_asks_init(struct presence_asks *a);

/* Forgets all. */
void presence_asks_clear(struct presence_asks *a);

/* A command was written. 0, or -1 when out of memory: then its reply counts as one that does not matter. */
int presence_asks_add(struct presence_asks *a, enum presence_ask_kind kind, struct eio_bytes id);

/* A reply came. What it answers, to be freed by the caller; NULL when it does not matter. */
struct presence_ask *presence_asks_take(struct presence_asks *a);

#endif
