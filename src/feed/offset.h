/* SPDX-License-Identifier: MIT */
/*
 * Offsets: the last argument of each event where clients can be recovered. A client repeats the last one that it has
 * seen, and so says which events it has. It is text that needs no escapes in JSON, as short as the numbers are:
 *
 *     offset = serial [ "." own ]            digits of base 64, without zeros in front
 *
 * Pure functions.
 */
#ifndef SRC_FEED_OFFSET_H
#define SRC_FEED_OFFSET_H

#include "eio/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum { FEED_OFFSET_MAX = 23 }; /* characters: two numbers of 64 bits and the dot */

struct feed_offset {
	uint64_t serial; /* of the last broadcast that came before, or that it is */
	uint64_t own; /* which of those that went to the socket alone it is, counted from 1; 0: it is a broadcast */
};

struct feed_offset_text {
	char text[FEED_OFFSET_MAX];
	unsigned char n;
};

struct feed_offset_text feed_offset_write(struct feed_offset o);

/* False for what none of the former wrote. */
bool feed_offset_read(struct eio_bytes text, struct feed_offset *out);

static inline struct eio_bytes
feed_offset_bytes(const struct feed_offset_text *t)
{
	return eio_bytes(t->text, t->n);
}

#endif
