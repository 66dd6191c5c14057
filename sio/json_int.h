/* SPDX-License-Identifier: MIT */
/* What the JSON files share with each other and with their tests. Not for others. */
#ifndef SIO_JSON_INT_H
#define SIO_JSON_INT_H

#include "eio/check.h"
#include "eio/vector.h"
#include "sio/json.h"

/* The first byte in [p, end) that a JSON string does not simply contain: a quote, a backslash or a control character;
 * end when there is none. Whether what is not ASCII is UTF-8 is not looked at. The portable twin is what runs without
 * SSE2. */
const char *sio__json_skip_plain(const char *p, const char *end);
const char *sio__json_skip_plain_portable(const char *p, const char *end);

/* p stands at a backslash; returns what follows the escape, or NULL. */
const char *sio__json_skip_escape(const char *p, const char *end);

/* The ways to check: a byte at a time, which is what sio_json_check() means, and by blocks of 64 bytes. The latter is
 * true only for what the former accepts, but not for all of it. */
int sio__json_check_bytes(struct eio_bytes s);
#ifdef EIO_VECTOR_HAVE
bool sio__json_check_blocks(struct eio_bytes s);
#endif
#ifdef EIO_VECTOR_HAVE_AVX2
bool sio__json_check_blocks_avx2(struct eio_bytes s); /* only when eio_vector_can_avx2() */
#endif

/* p stands behind the opening quote; returns where the string ends, behind its closing quote, or NULL. Whether it is
 * UTF-8 is not looked at. */
const char *sio__json_skip_string(const char *p, const char *end);

/* Reads what a raw JSON string means, a character at a time. */
struct sio__json_reader {
	const char *p, *end;
};

static inline struct sio__json_reader
sio__json_reader(struct eio_bytes string)
{
	CHECK(string.n >= 2 && string.p[0] == '"');
	return (struct sio__json_reader){ string.p + 1, string.p + string.n - 1 };
}

/* Writes the next byte of a plain character, or the 1 … 4 UTF-8 bytes of an escaped one; 0 at the end. */
unsigned sio__json_read(struct sio__json_reader *r, char out[4]);

/* Whether a raw key means what a pointer's token means, and what a token means as the index of an array: false when
 * it is none. */
bool sio__json_key_is_token(struct eio_bytes key, struct eio_bytes token);
bool sio__json_token_index(struct eio_bytes token, size_t *index);

static inline const char *
sio__json_skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
	return p;
}

#endif
