/* SPDX-License-Identifier: MIT */
/*
 * Slots of a Redis Cluster: what of a name says which node has it. Of a name with braces only what is between them
 * counts, so that several names can be of one slot. Pure functions. See "Redis cluster specification" at redis.io.
 */
#ifndef SRC_REDIS_SLOT_H
#define SRC_REDIS_SLOT_H

#include "eio/bytes.h"

#include <stdint.h>

enum { REDIS_SLOTS = 16384 };

/* The slot of a key, or of a shard channel. */
unsigned redis_slot(struct eio_bytes name);

enum redis_redirect_kind {
	REDIS_REDIRECT_NONE, /* another error, and no matter of slots */
	REDIS_REDIRECT_MOVED, /* the slot is there from now on, */
	REDIS_REDIRECT_ASK, /* or it is about to be */
	REDIS_REDIRECT_LATER, /* nobody has the slot just now, or has not all of it: CLUSTERDOWN, TRYAGAIN */
};

/* What an error of the server says about a slot. */
struct redis_redirect {
	enum redis_redirect_kind kind;
	unsigned slot; /* of MOVED and ASK, with what follows */
	struct eio_bytes host; /* of the error's text; empty: the host of who says so */
	unsigned port; /* 0: nobody knows where */
};

struct redis_redirect redis_redirect_read(struct eio_bytes error);

#endif
