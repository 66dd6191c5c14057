/* SPDX-License-Identifier: MIT */
/*
 * A reply as the row of its parts, the order in which they came: an array, and behind it its elements, which may be
 * arrays themselves. So a reply of any shape is one buffer, and whoever asked knows what to look for.
 *
 *     *2 $1 0 *2 $1 f $1 v     ARRAY 2, STRING "0", ARRAY 2, STRING "f", STRING "v"
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_VALUES_H
#define SRC_REDIS_VALUES_H

#include "eio/buf.h"
#include "eio/bytes.h"

#include <stdbool.h>

enum redis_item_kind {
	REDIS_ITEM_ARRAY, /* n elements follow */
	REDIS_ITEM_STRING,
	REDIS_ITEM_NIL,
	REDIS_ITEM_INTEGER, /* n, or 0 for one below that */
	REDIS_ITEM_ERROR,
	REDIS_ITEM_TOO_LONG, /* a string of n bytes that was longer than allowed */
};

struct redis_item {
	enum redis_item_kind kind;
	size_t n;
	struct eio_bytes bytes; /* of STRING and ERROR */
};

struct redis_values {
	struct eio_buf items;
	size_t max; /* bytes of a reply; what is beyond them is left out, */
	bool overflowed; /* and that is so */
};

void redis_values_deinit(struct redis_values *vs);

/* A reply begins. */
void redis_values_begin(struct redis_values *vs);

/* Adds a part. n: elements of an array, an integer, or how long a string was that was too long. */
void redis_values_add(struct redis_values *vs, enum redis_item_kind kind, size_t n, struct eio_bytes bytes);

/* The item at *at, which moves behind it; false behind the last. The bytes are those of the buffer. */
bool redis_values_next(const struct redis_values *vs, size_t *at, struct redis_item *out);

#endif
