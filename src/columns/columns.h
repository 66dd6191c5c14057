/* SPDX-License-Identifier: MIT */
/*
 * Many JSON messages in few bytes: what they have in common stands there once, and of each place in them the values of
 * all messages stand together. Every byte of the messages can be rebuilt. The format is described in doc/columns.md.
 *
 *     [{"s":"A","p":1.50},{"s":"B","p":1.51}]
 *
 *     shape     {"s":▯,"p":▯}          once, for both
 *     strings   A B                    of the first place
 *     numbers   150 +1, two decimals   of the second
 *
 * It takes any JSON. It pays where messages are alike; what does not get smaller is not encoded, and goes out as the
 * array it is. No I/O, no clock.
 *
 * Threads: an encoder belongs to one thread at a time.
 */
#ifndef SRC_COLUMNS_COLUMNS_H
#define SRC_COLUMNS_COLUMNS_H

#include "eio/buf.h"

/* The first byte of a batch, and the last: so it is none of the other formats. */
enum { COLUMNS_FIRST = 0x01, COLUMNS_LAST = 0x00 };

/* No batch is rebuilt to more than so many times its own length, so a decoder need not follow one that says so. */
enum { COLUMNS_GROWTH_MAX = 1024 };

/* Memory for encoding, used again for each batch. */
struct columns;

/* NULL when out of memory. */
struct columns *columns_new(void);
void columns_free(struct columns *c); /* NULL is fine */

/* Encodes a JSON array, text that passed sio_json_check(), without blanks around it; its elements are the messages.
 * True: *batch is what to send in its place, shorter than the array and valid until the next call. False: there is
 * nothing shorter, or no memory for it. */
bool columns_encode(struct columns *c, struct eio_bytes array, struct eio_bytes *batch);

#endif
