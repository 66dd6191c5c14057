/* SPDX-License-Identifier: MIT */
/*
 * What clients of Redis say, as its server reads it: requests, each a list of words, written as an array of bulk
 * strings (RESP) or as a line for people who type. It follows Redis 7.0 (networking.c), mistakes and their words
 * included. No I/O.
 *
 *     bytes ──▶ feed ──▶ next: a request, a request, … until more is needed, or it makes no sense any more
 *
 * A request that lies in the bytes as a whole is handed out where it lies. One that comes in parts is put together,
 * within bounds: what is beyond them is passed over, and the request says so.
 *
 * Threads: one at a time.
 */
#ifndef SRC_RESP_REQUEST_H
#define SRC_RESP_REQUEST_H

#include "eio/buf.h"

#include <stdint.h>

enum {
	RESP_WORDS = 48, /* words of a request that are kept: so many may stand in an error, what has a meaning has 7 */
	RESP_LINE_BYTES = 65536, /* of a line, as in Redis */
	RESP_BULK_BYTES = 512 << 20, /* of a word, as in Redis: above it the connection ends */
	RESP_STRANGER_WORDS = 10, /* the same of who has to give a password first */
	RESP_STRANGER_BYTES = 16384,
	RESP_FAULT_TEXT = 64,
};

struct resp_request {
	struct eio_bytes words[RESP_WORDS]; /* the first of n; valid until the next call */
	size_t n; /* at least 1 */
	size_t too_long; /* bytes of a word that was longer than word_bytes, and is empty here; 0: none was */
	bool no_room; /* the same for want of room */
};

enum resp_step {
	RESP_STEP_LINE, /* nothing of a request is there, or a part of its first line */
	RESP_STEP_COUNT, /* the same of a line that begins with an asterisk */
	RESP_STEP_LENGTH, /* a part of the line before a word */
	RESP_STEP_WORD, /* in a word, or in the two bytes behind it */
};

/* All zero but for the first three, which are its owner's to set at any time. */
struct resp_reader {
	size_t word_bytes; /* the longest word that is kept */
	size_t room; /* for what is put together */
	bool stranger; /* no password was given yet, and one is wanted */
	enum resp_step step;
	struct eio_bytes in; /* fed and not taken */
	struct eio_buf line; /* a part of a line */
	struct eio_buf held; /* words of a request that comes in parts, or that was a line */
	size_t ends[RESP_WORDS]; /* of each in it */
	uint64_t words, word; /* how many there are, and the number of the next */
	uint64_t left; /* bytes of the word that have to come, with the two behind it */
	bool keeps; /* this word is */
	struct resp_request request; /* what it comes to */
	char fault[RESP_FAULT_TEXT]; /* what is wrong, as Redis words it; empty: nothing */
};

enum resp_next { RESP_MORE, RESP_REQUEST, RESP_BROKEN };

void resp_reader_deinit(struct resp_reader *r);

/* Hands it bytes, which are borrowed until it has taken all. It has taken what was fed before. */
static inline void
resp_reader_feed(struct resp_reader *r, struct eio_bytes bytes)
{
	r->in = bytes;
}

/* What it has not taken. Whoever cannot go on now keeps a copy, and feeds it later. */
static inline struct eio_bytes
resp_reader_rest(const struct resp_reader *r)
{
	return r->in;
}

/* The next request, as r->request, whose bytes are valid until the next call of it or until those that were fed go.
 * RESP_MORE: all is taken. RESP_BROKEN: what comes makes no sense, which r->fault says; from then on always. */
enum resp_next resp_reader_next(struct resp_reader *r);

/* Bytes of memory that it has. */
static inline size_t
resp_reader_size(const struct resp_reader *r)
{
	return r->line.cap + r->held.cap;
}

#endif
