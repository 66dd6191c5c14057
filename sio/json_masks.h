/* SPDX-License-Identifier: MIT */
/*
 * Which bytes of a block of 64 are what: one bit for each byte, the first byte
 * lowest, found with SSE2 (all x86-64), AVX2 or NEON (all aarch64). For json_block.c
 * only. Without any of them there is no SIO__JSON_HAVE_BLOCKS, and the scanner of json.c
 * does all the work.
 *
 * Each instruction set brings LOAD, EACH, EQUAL, LESS (signed), ADD, OR and the
 * function bits(); what the classes are is said once, at the end.
 */
#ifndef SIO_JSON_MASKS_H
#define SIO_JSON_MASKS_H

#include "sio/json_int.h"

#include <stdint.h>

#if defined(SIO__JSON_AVX2)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(SIO__JSON_HAVE_BLOCKS)
#include <arm_neon.h>
#endif

enum { SIO__JSON_BLOCK = 64 };

/* What strings are made of. */
struct sio__json_marks {
	uint64_t quote, backslash;
	uint64_t control; /* below 0x20 */
	uint64_t high; /* from 0x80 */
};

/* And the rest. */
struct sio__json_masks {
	uint64_t space; /* 0x20 alone */
	uint64_t digit, zero, minus, dot;
	uint64_t open, close; /* of both kinds of brackets */
	uint64_t curly; /* of the brackets, those of objects; what it has for other bytes means nothing */
	uint64_t comma, colon;
};

#if defined(SIO__JSON_AVX2)

enum { SIO__JSON_VECTORS = 2 };
typedef __m256i sio__json_vector;

#define SIO__JSON_LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define SIO__JSON_EACH(c) _mm256_set1_epi8((char)(c))
#define SIO__JSON_EQUAL(a, b) _mm256_cmpeq_epi8((a), (b))
#define SIO__JSON_LESS(a, b) _mm256_cmpgt_epi8((b), (a)) /* signed */
#define SIO__JSON_ADD(a, b) _mm256_add_epi8((a), (b))
#define SIO__JSON_OR(a, b) _mm256_or_si256((a), (b))

static inline uint64_t
sio__json_bits(const sio__json_vector v[SIO__JSON_VECTORS])
{
	return (unsigned)_mm256_movemask_epi8(v[0]) | (uint64_t)(unsigned)_mm256_movemask_epi8(v[1]) << 32;
}

#elif defined(__SSE2__)

enum { SIO__JSON_VECTORS = 4 };
typedef __m128i sio__json_vector;

#define SIO__JSON_LOAD(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define SIO__JSON_EACH(c) _mm_set1_epi8((char)(c))
#define SIO__JSON_EQUAL(a, b) _mm_cmpeq_epi8((a), (b))
#define SIO__JSON_LESS(a, b) _mm_cmplt_epi8((a), (b)) /* signed */
#define SIO__JSON_ADD(a, b) _mm_add_epi8((a), (b))
#define SIO__JSON_OR(a, b) _mm_or_si128((a), (b))

static inline uint64_t
sio__json_bits(const sio__json_vector v[SIO__JSON_VECTORS])
{
	uint64_t low = (unsigned)_mm_movemask_epi8(v[0]) | (unsigned)_mm_movemask_epi8(v[1]) << 16;
	uint64_t high = (unsigned)_mm_movemask_epi8(v[2]) | (unsigned)_mm_movemask_epi8(v[3]) << 16;

	return low | high << 32;
}

#elif defined(SIO__JSON_HAVE_BLOCKS)

enum { SIO__JSON_VECTORS = 4 };
typedef uint8x16_t sio__json_vector;

#define SIO__JSON_LOAD(p) vld1q_u8((const uint8_t *)(p))
#define SIO__JSON_EACH(c) vdupq_n_u8((uint8_t)(c))
#define SIO__JSON_EQUAL(a, b) vceqq_u8((a), (b))
#define SIO__JSON_LESS(a, b) vcltq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)) /* signed */
#define SIO__JSON_ADD(a, b) vaddq_u8((a), (b))
#define SIO__JSON_OR(a, b) vorrq_u8((a), (b))

/* Only the highest bit of each byte counts, as on the other machine. */
static inline uint64_t
sio__json_bits(const sio__json_vector v[SIO__JSON_VECTORS])
{
	static const uint8_t weights[16] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
	const uint8x16_t weight = vld1q_u8(weights);
	uint8x16_t w[4], sum;

	for (int i = 0; i < 4; i++)
		w[i] = vandq_u8(vreinterpretq_u8_s8(vshrq_n_s8(vreinterpretq_s8_u8(v[i]), 7)), weight);
	sum = vpaddq_u8(vpaddq_u8(w[0], w[1]), vpaddq_u8(w[2], w[3]));
	return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

#endif

#ifdef SIO__JSON_HAVE_BLOCKS

/* to = f(v, x) for each vector; written out, because compilers do not always unroll a loop. */
#define SIO__JSON_MAP(to, f, v, x) \
	do { \
		(to)[0] = f((v)[0], (x)); \
		(to)[1] = f((v)[1], (x)); \
		if (SIO__JSON_VECTORS == 4) { \
			(to)[SIO__JSON_VECTORS - 2] = f((v)[SIO__JSON_VECTORS - 2], (x)); \
			(to)[SIO__JSON_VECTORS - 1] = f((v)[SIO__JSON_VECTORS - 1], (x)); \
		} \
	} while (0)

static inline uint64_t
sio__json_equal(const sio__json_vector v[SIO__JSON_VECTORS], int c)
{
	sio__json_vector w[SIO__JSON_VECTORS];

	SIO__JSON_MAP(w, SIO__JSON_EQUAL, v, SIO__JSON_EACH(c));
	return sio__json_bits(w);
}

/* Bytes count as signed, so those from 0x80 are below everything. */
static inline uint64_t
sio__json_below(const sio__json_vector v[SIO__JSON_VECTORS], int c)
{
	sio__json_vector w[SIO__JSON_VECTORS];

	SIO__JSON_MAP(w, SIO__JSON_LESS, v, SIO__JSON_EACH(c));
	return sio__json_bits(w);
}

static inline void
sio__json_load(sio__json_vector v[SIO__JSON_VECTORS], const char *p)
{
	v[0] = SIO__JSON_LOAD(p);
	v[SIO__JSON_VECTORS / 2] = SIO__JSON_LOAD(p + SIO__JSON_BLOCK / 2);
	if (SIO__JSON_VECTORS == 4) {
		v[1] = SIO__JSON_LOAD(p + SIO__JSON_BLOCK / 4);
		v[SIO__JSON_VECTORS - 1] = SIO__JSON_LOAD(p + SIO__JSON_BLOCK * 3 / 4);
	}
}

static inline struct sio__json_marks
sio__json_marks(const sio__json_vector v[SIO__JSON_VECTORS])
{
	struct sio__json_marks m;

	m.quote = sio__json_equal(v, '"');
	m.backslash = sio__json_equal(v, '\\');
	m.high = sio__json_bits(v);
	m.control = sio__json_below(v, 0x20) & ~m.high;
	return m;
}

static inline struct sio__json_masks
sio__json_masks(const sio__json_vector v[SIO__JSON_VECTORS])
{
	sio__json_vector w[SIO__JSON_VECTORS];
	struct sio__json_masks m;

	m.space = sio__json_equal(v, ' ');
	m.zero = sio__json_equal(v, '0');
	m.minus = sio__json_equal(v, '-');
	m.dot = sio__json_equal(v, '.');
	m.comma = sio__json_equal(v, ',');
	m.colon = sio__json_equal(v, ':');
	/* '0' becomes the lowest of all signed bytes, and the digits the ten lowest. */
	SIO__JSON_MAP(w, SIO__JSON_ADD, v, SIO__JSON_EACH(0x80 - '0'));
	m.digit = sio__json_below(w, -0x80 + 10);
	/* Only curly brackets reach 0x80 this way. */
	SIO__JSON_MAP(w, SIO__JSON_ADD, v, SIO__JSON_EACH(0x20));
	m.curly = sio__json_bits(w);
	/* '[' and '{' differ in one bit only, and so do ']' and '}'. */
	SIO__JSON_MAP(w, SIO__JSON_OR, v, SIO__JSON_EACH(0x20));
	m.open = sio__json_equal(w, '{');
	m.close = sio__json_equal(w, '}');
	return m;
}

/* Whitespace other than the space. */
static inline uint64_t
sio__json_line_space(const sio__json_vector v[SIO__JSON_VECTORS])
{
	return sio__json_equal(v, '\n') | sio__json_equal(v, '\r') | sio__json_equal(v, '\t');
}

#endif

#endif
