/* SPDX-License-Identifier: MIT */
/*
 * The messages of the benchmark: written by the publisher and the floor, read back by the load generator. Each is one
 * JSON object of a given length that looks like market data, so that a server that parses it has something to do:
 *
 *     {"seq":7,"t":81234567890,"ch":0,"n":250,"ticks":[["AAPL",187.25,300],…],"pad":"--"}
 *
 * Everything in it follows from the four numbers at its start, so that a reader can check every byte. All numbers are
 * written as JavaScript writes them: parsed and serialized again by a server, the bytes are the same.
 */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include "eio/bytes.h"

#include <stdint.h>

enum { PAYLOAD_MIN = 120, PAYLOAD_MAX = 65536 };

/* How every message begins, and what appears nowhere else: counting it counts messages. */
#define PAYLOAD_MARK "{\"seq\":"

struct payload {
	uint64_t seq; /* counts from 0 in each channel */
	uint64_t t_ns; /* when it was meant to be published, CLOCK_MONOTONIC */
	unsigned channel; /* 0 to 65535 */
	unsigned n; /* length of the whole message */
};

/* The size of message i of the story's mix: 3,000 bytes, and every fiftieth 30,000. */
unsigned payload_story_size(uint64_t i);

/* Makes the tables the other functions use; to be called once. */
void payload_init(void);

/* Writes exactly p->n bytes (PAYLOAD_MIN to PAYLOAD_MAX) to out, no NUL. */
void payload_write(char *out, const struct payload *p);

/* Reads the message that s begins with. Returns its length, or 0 when s does not begin with one that payload_write
 * would have written, to the byte. */
size_t payload_read(struct eio_bytes s, struct payload *p);

#endif
