/* SPDX-License-Identifier: MIT */
/*
 * Connections whose socket takes no more at the moment, and what the kernel holds for them. That is asked for when
 * one of them stops, and later for a few of them now and then: a call for each would cost the others something when
 * thousands have stopped.
 *
 * How much it can be is bounded by TCP_NOTSENT_LOWAT: beyond it and what is on its way, bytes wait with us, where those
 * who wrote them can think better of it.
 *
 * Threads: the loop's only.
 */
#ifndef EIO_NET_BEHIND_H
#define EIO_NET_BEHIND_H

#include "eio/list.h"

#include <stdbool.h>
#include <stdint.h>

/* What the kernel takes of a connection beyond what TCP may send now. Without that it takes 4 MB of each reader that
 * has stopped: as much as the buffer of a fast reader far away may grow to. */
enum { EIO__UNSENT_MOST = 131072 };

struct eio_behind_stats {
	uint64_t connections;
	uint64_t bytes; /* of each connection at the moment at which it was looked at last */
};

struct eio__behind {
	struct eio_list all; /* the one looked at longest ago first */
	struct eio_behind_stats *stats;
	uint64_t looked_ms;
};

/* Part of a connection. All zero: it is not behind. */
struct eio__laggard {
	struct eio_list link;
	uint64_t bytes;
	int fd;
	bool on;
};

/* Has TCP keep no more than EIO__UNSENT_MOST bytes that it may not send yet. What is no TCP socket stays as it is. */
void eio__behind_bound(int fd);

/* stats: where to count, all zero; borrowed. */
void eio__behind_init(struct eio__behind *b, struct eio_behind_stats *stats);

/* A connection takes no more. It must be taken off before its descriptor is closed. */
void eio__behind_add(struct eio__behind *b, struct eio__laggard *l, int fd);

/* It does again, or is gone. One that is not there is fine. */
void eio__behind_remove(struct eio__behind *b, struct eio__laggard *l);

/* Looks at some of them again when the last time is long enough ago. */
void eio__behind_look(struct eio__behind *b, uint64_t now_ms);

#endif
