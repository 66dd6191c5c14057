/* SPDX-License-Identifier: MIT */
/*
 * Offsets: the last argument of each event where clients can be recovered. A client repeats the last one that it has
 * seen, and so says which events it has. It is text that needs no escapes in JSON, as short as the numbers are:
 *
 *     offset = serial [ "." own ] [ "~" node standing ]          digits of base 64, without zeros in front
 *
 * The numbers are this process's. What stands behind them, where clients may come from another siocast, says whose they
 * are, in FEED_NODE_DIGITS digits, and how far that was: see standing.h.
 *
 * Pure functions.
 */
#ifndef SRC_FEED_OFFSET_H
#define SRC_FEED_OFFSET_H

#include "eio/bytes.h"
#include "src/feed/standing.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	FEED_DIGITS_MAX = 11, /* characters of a number of 64 bits */
	FEED_NODE_DIGITS = 5, /* four of the process, one of its epoch: see journal.h */
	FEED_EPOCH_BITS = 6,
	FEED_OFFSET_MAX = 2 * FEED_DIGITS_MAX + 1 + 1 + FEED_NODE_DIGITS + STANDING_TEXT,
};

struct feed_offset {
	uint64_t serial; /* of the last broadcast that came before, or that it is */
	uint64_t own; /* which of those that went to the socket alone it is, counted from 1; 0: it is a broadcast */
};

struct feed_offset_text {
	char text[FEED_OFFSET_MAX];
	unsigned char n;
};

/* A number in digits of base 64; returns how many. And one that was written so; false for what was not. */
unsigned feed_digits_write(char out[FEED_DIGITS_MAX], uint64_t v);
bool feed_digits_read(struct eio_bytes s, uint64_t *out);

struct feed_offset_text feed_offset_write(struct feed_offset o);

/* Adds whose it is, a number of FEED_NODE_DIGITS digits, and how far that was, where that can be said. */
void feed_offset_add(struct feed_offset_text *t, uint32_t node, const struct standing_text *standing);

/* Adds what another one has of that; nothing where it is empty. */
void feed_offset_add_as(struct feed_offset_text *t, const struct feed_offset_text *other);

/* Cuts off what was added. False when there is nothing of that: then *text is left as it is. */
bool feed_offset_cut(struct eio_bytes *text, uint32_t *node, struct eio_bytes *standing);

/* Whether two are of one process. */
static inline bool
feed_node_is_same(uint32_t a, uint32_t b)
{
	return a >> FEED_EPOCH_BITS == b >> FEED_EPOCH_BITS;
}

/* Of an offset without that. False for what none of the former wrote. */
bool feed_offset_read(struct eio_bytes text, struct feed_offset *out);

static inline struct eio_bytes
feed_offset_bytes(const struct feed_offset_text *t)
{
	return eio_bytes(t->text, t->n);
}

#endif
