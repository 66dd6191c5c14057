/* SPDX-License-Identifier: MIT */
/* The id of an entry of a stream: "<ms>-<number>", in the order of which its entries are. Pure functions. */
#ifndef SRC_REDIS_ID_H
#define SRC_REDIS_ID_H

#include "eio/buf.h"

#include <stdint.h>

enum { REDIS_ID_TEXT = 42 }; /* with its NUL */

struct redis_id {
	uint64_t ms, seq;
};

/* Reads "<ms>-<number>", or "<ms>" alone for "<ms>-0". Whether it is that. */
bool redis_id_parse(struct redis_id *id, struct eio_bytes text);

/* Writes it, ending in NUL. Returns out. */
const char *redis_id_text(struct redis_id id, char out[REDIS_ID_TEXT]);

/* < 0, 0 or > 0, as a comes before b, is it, or comes behind it. */
int redis_id_compare(struct redis_id a, struct redis_id b);

#endif
