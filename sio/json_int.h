/* SPDX-License-Identifier: MIT */
/* What the JSON files share with each other and with their tests. Not for others. */
#ifndef SIO_JSON_INT_H
#define SIO_JSON_INT_H

#include "sio/json.h"

/* The first byte in [p, end) that a JSON string does not simply contain: a quote, a backslash, a control character or
 * the start of a multi-byte sequence; end when there is none. The portable twin is what runs without SSE2. */
const char *sio__json_skip_plain(const char *p, const char *end);
const char *sio__json_skip_plain_portable(const char *p, const char *end);

/* The length of the well-formed UTF-8 sequence that starts at p < end with a byte >= 0x80, or 0 (RFC 3629 section 4). */
unsigned sio__utf8_len(const char *p, const char *end);

/* Whether [p, end) is well-formed UTF-8. */
bool sio__utf8_valid(const char *p, const char *end);

/* p stands at a backslash; returns what follows the escape, or NULL. */
const char *sio__json_skip_escape(const char *p, const char *end);

#if defined(__x86_64__) && defined(__SSE2__)
#define SIO__JSON_HAVE_AVX2 1
#endif
#if defined(SIO__JSON_HAVE_AVX2) || \
	(defined(__aarch64__) && defined(__ARM_NEON) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define SIO__JSON_HAVE_BLOCKS 1
#endif

/* The ways to check: a byte at a time, which is what sio_json_check() means, and by blocks of 64 bytes. The latter is true
 * only for what the former accepts, but not for all of it. */
int sio__json_check_bytes(struct eio_bytes s);
#ifdef SIO__JSON_HAVE_BLOCKS
bool sio__json_check_blocks(struct eio_bytes s);
#endif
#ifdef SIO__JSON_HAVE_AVX2
bool sio__json_check_blocks_avx2(struct eio_bytes s); /* only when sio__json_can_avx2() */

/* Whether the processor has what that function is compiled for. */
static inline bool
sio__json_can_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("pclmul") &&
	       __builtin_cpu_supports("popcnt");
}
#endif

/* p stands behind the opening quote; returns where the string ends, behind its closing quote, or NULL. */
const char *sio__json_skip_string(const char *p, const char *end);

/* Reads what a raw JSON string means, a character at a time. */
struct sio__json_reader {
	const char *p, *end;
};

static inline struct sio__json_reader
sio__json_reader(struct eio_bytes string)
{
	return (struct sio__json_reader){ string.p + 1, string.p + string.n - 1 };
}

/* Writes the next byte of a plain character, or the 1 … 4 UTF-8 bytes of an escaped one; 0 at the end. */
unsigned sio__json_read(struct sio__json_reader *r, char out[4]);

static inline const char *
sio__json_skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
	return p;
}

#endif
