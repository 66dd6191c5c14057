/* SPDX-License-Identifier: MIT */
/* How many messages and bytes came by each name, and how fast. No I/O and no clock. */
#ifndef SRC_TOOLS_TALLY_H
#define SRC_TOOLS_TALLY_H

#include "eio/buf.h"

#include <stddef.h>
#include <stdint.h>

enum { TALLY_NAMES = 1000 }; /* that are counted apart; the rest is one, called "(others)" */

struct tally_line {
	char *name;
	size_t name_n;
	uint64_t messages, bytes; /* ever */
	uint64_t seen_messages, seen_bytes; /* when the rates were written last */
};

/* All zero is an empty one. */
struct tally {
	struct tally_line *lines; /* owned */
	size_t n;
};

/* 0, or -1 when out of memory. */
int tally_add(struct tally *t, struct eio_bytes name, size_t bytes);

/* Appends a line for each name of which something came since the last call, and one for all; seconds: since then. */
void tally_write_rates(struct tally *t, double seconds, struct eio_buf *out);

/* The same for all that ever came, in so many seconds. */
void tally_write_total(const struct tally *t, double seconds, struct eio_buf *out);

void tally_deinit(struct tally *t);

#endif
