/* SPDX-License-Identifier: MIT */
/*
 * A finished batch as it travels: whom it is for, what is to be done with it for clients that are behind, and its
 * packets. No I/O.
 *
 *     BATCH    := number (of a room), terms, packets
 *     AUDIENCE := bytes (namespace), count, bytes (rooms; none: everyone), count, bytes (except), terms, packets
 *     terms    := flags (one byte), stream (8 bytes), with keys: keys
 *     keys     := flags (1: whole, 2: list, 4: columns), max, packet, begin, end, last, bytes (array), count, for each:
 *                 at less the one before, key (8 bytes)
 */
#ifndef SRC_RELAY_BATCH_H
#define SRC_RELAY_BATCH_H

#include "src/feed/delivery.h"
#include "src/relay/frame.h"

enum { RELAY_ROOMS_LISTED = 65536 }; /* of one audience */

struct relay_batch {
	uint64_t number; /* of its room; 0: it has an audience */
	struct audience *audience; /* owned: a reference */
	enum feed_slow slow;
	bool lag_event, retained, fleeting;
	uint64_t stream;
	struct feed_keys *keys; /* owned: a reference; or NULL */
	struct eio_bundle *bundle; /* the same */
};

/* Appends the body of a frame for what a worker would get; number: of its room, where it has no audience. The caller
 * checks the buffer. False when out of memory. */
bool relay_batch_write(struct eio_buf *out, const struct delivery_item *item, uint64_t number);

/* Reads one. False: it is none, or memory is out (*nomem); then nothing is owned. */
bool relay_batch_read(unsigned type, struct eio_bytes body, struct relay_batch *out, bool *nomem);

void relay_batch_deinit(struct relay_batch *b);

#endif
