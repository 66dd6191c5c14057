/* SPDX-License-Identifier: MIT */
/*
 * Text 64 bytes at a time: a block is a few vectors, and a mask has one bit for
 * each byte of it, the first byte lowest. With SSE2 (all x86-64), AVX2 or NEON (all
 * aarch64); without any of them there is no EIO_VECTOR_HAVE, and what is written a
 * byte or word at a time does all the work.
 *
 * Each instruction set brings the operations below; bytes count as unsigned but in
 * LESS. A file that is to run on processors with AVX2 only defines EIO_VECTOR_AVX2 and
 * is compiled for them: see eio/utf8_block_avx2.c and sio/json_block_avx2.c.
 */
#ifndef EIO_VECTOR_H
#define EIO_VECTOR_H

#include "eio/bytes.h"

#include <stdint.h>

#if defined(__x86_64__) && defined(__SSE2__)
#define EIO_VECTOR_HAVE_AVX2 1
#endif
#if defined(EIO_VECTOR_HAVE_AVX2) || \
	(defined(__aarch64__) && defined(__ARM_NEON) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define EIO_VECTOR_HAVE 1
#endif

#ifdef EIO_VECTOR_HAVE_AVX2
/* Whether the processor has what such files are compiled for. */
static inline bool
eio_vector_can_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("pclmul") &&
	       __builtin_cpu_supports("popcnt");
}
#endif

#ifdef EIO_VECTOR_HAVE

#if defined(EIO_VECTOR_AVX2)

#include <immintrin.h>

enum { EIO_VECTORS = 2 }; /* of a block */
typedef __m256i eio_vector;

#define EIO_VECTOR_LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define EIO_VECTOR_EACH(c) _mm256_set1_epi8((char)(c))
#define EIO_VECTOR_EQUAL(a, b) _mm256_cmpeq_epi8((a), (b))
#define EIO_VECTOR_LESS(a, b) _mm256_cmpgt_epi8((b), (a)) /* signed */
#define EIO_VECTOR_ADD(a, b) _mm256_add_epi8((a), (b))
#define EIO_VECTOR_MINUS(a, b) _mm256_subs_epu8((a), (b)) /* not below 0 */
#define EIO_VECTOR_AND(a, b) _mm256_and_si256((a), (b))
#define EIO_VECTOR_OR(a, b) _mm256_or_si256((a), (b))
#define EIO_VECTOR_XOR(a, b) _mm256_xor_si256((a), (b))
/* For each byte of v the one k places before it; `before` is the vector before v. */
#define EIO_VECTOR_BEHIND(before, v, k) \
	_mm256_alignr_epi8((v), _mm256_permute2x128_si256((before), (v), 0x21), 16 - (k))
/* For each byte of i, which is below 16, that byte of a table of 16. */
#define EIO_VECTOR_LOOKUP(table, i) \
	_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(table))), (i))
#define EIO_VECTOR_NIBBLE(v) _mm256_and_si256(_mm256_srli_epi16((v), 4), _mm256_set1_epi8(0x0f)) /* the higher one */

static inline uint64_t
eio_vector_bits(const eio_vector v[EIO_VECTORS])
{
	return (unsigned)_mm256_movemask_epi8(v[0]) | (uint64_t)(unsigned)_mm256_movemask_epi8(v[1]) << 32;
}

/* Whether a byte of v has its highest bit. */
static inline bool
eio_vector_high(eio_vector v)
{
	return _mm256_movemask_epi8(v) != 0;
}

#elif defined(__SSE2__)

#include <emmintrin.h>

enum { EIO_VECTORS = 4 };
typedef __m128i eio_vector;

#define EIO_VECTOR_LOAD(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define EIO_VECTOR_EACH(c) _mm_set1_epi8((char)(c))
#define EIO_VECTOR_EQUAL(a, b) _mm_cmpeq_epi8((a), (b))
#define EIO_VECTOR_LESS(a, b) _mm_cmplt_epi8((a), (b)) /* signed */
#define EIO_VECTOR_ADD(a, b) _mm_add_epi8((a), (b))
#define EIO_VECTOR_MINUS(a, b) _mm_subs_epu8((a), (b))
#define EIO_VECTOR_AND(a, b) _mm_and_si128((a), (b))
#define EIO_VECTOR_OR(a, b) _mm_or_si128((a), (b))
#define EIO_VECTOR_XOR(a, b) _mm_xor_si128((a), (b))
#define EIO_VECTOR_AND_NOT(a, b) _mm_andnot_si128((b), (a)) /* a and not b */
#define EIO_VECTOR_BEHIND(before, v, k) _mm_or_si128(_mm_slli_si128((v), (k)), _mm_srli_si128((before), 16 - (k)))
/* There is no EIO_VECTOR_LOOKUP: it came with SSSE3. */

static inline uint64_t
eio_vector_bits(const eio_vector v[EIO_VECTORS])
{
	uint64_t low = (unsigned)_mm_movemask_epi8(v[0]) | (unsigned)_mm_movemask_epi8(v[1]) << 16;
	uint64_t high = (unsigned)_mm_movemask_epi8(v[2]) | (unsigned)_mm_movemask_epi8(v[3]) << 16;

	return low | high << 32;
}

static inline bool
eio_vector_high(eio_vector v)
{
	return _mm_movemask_epi8(v) != 0;
}

#else

#include <arm_neon.h>

enum { EIO_VECTORS = 4 };
typedef uint8x16_t eio_vector;

#define EIO_VECTOR_LOAD(p) vld1q_u8((const uint8_t *)(p))
#define EIO_VECTOR_EACH(c) vdupq_n_u8((uint8_t)(c))
#define EIO_VECTOR_EQUAL(a, b) vceqq_u8((a), (b))
#define EIO_VECTOR_LESS(a, b) vcltq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)) /* signed */
#define EIO_VECTOR_ADD(a, b) vaddq_u8((a), (b))
#define EIO_VECTOR_MINUS(a, b) vqsubq_u8((a), (b))
#define EIO_VECTOR_AND(a, b) vandq_u8((a), (b))
#define EIO_VECTOR_OR(a, b) vorrq_u8((a), (b))
#define EIO_VECTOR_XOR(a, b) veorq_u8((a), (b))
#define EIO_VECTOR_BEHIND(before, v, k) vextq_u8((before), (v), 16 - (k))
#define EIO_VECTOR_LOOKUP(table, i) vqtbl1q_u8(vld1q_u8(table), (i))
#define EIO_VECTOR_NIBBLE(v) vshrq_n_u8((v), 4)

/* Only the highest bit of each byte counts, as on the other machine. */
static inline uint64_t
eio_vector_bits(const eio_vector v[EIO_VECTORS])
{
	static const uint8_t weights[16] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
	const uint8x16_t weight = vld1q_u8(weights);
	uint8x16_t w[4], sum;

	for (int i = 0; i < 4; i++)
		w[i] = vandq_u8(vreinterpretq_u8_s8(vshrq_n_s8(vreinterpretq_s8_u8(v[i]), 7)), weight);
	sum = vpaddq_u8(vpaddq_u8(w[0], w[1]), vpaddq_u8(w[2], w[3]));
	return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

static inline bool
eio_vector_high(eio_vector v)
{
	return vmaxvq_u8(v) >= 0x80;
}

#endif

enum { EIO_VECTOR_BLOCK = 64 };

/* to = f(v, x) for each vector; written out, because compilers do not always unroll a loop. */
#define EIO_VECTOR_MAP(to, f, v, x) \
	do { \
		(to)[0] = f((v)[0], (x)); \
		(to)[1] = f((v)[1], (x)); \
		if (EIO_VECTORS == 4) { \
			(to)[EIO_VECTORS - 2] = f((v)[EIO_VECTORS - 2], (x)); \
			(to)[EIO_VECTORS - 1] = f((v)[EIO_VECTORS - 1], (x)); \
		} \
	} while (0)

static inline void
eio_vector_load(eio_vector v[EIO_VECTORS], const char *p)
{
	v[0] = EIO_VECTOR_LOAD(p);
	v[EIO_VECTORS / 2] = EIO_VECTOR_LOAD(p + EIO_VECTOR_BLOCK / 2);
	if (EIO_VECTORS == 4) {
		v[1] = EIO_VECTOR_LOAD(p + EIO_VECTOR_BLOCK / 4);
		v[EIO_VECTORS - 1] = EIO_VECTOR_LOAD(p + EIO_VECTOR_BLOCK * 3 / 4);
	}
}

/* The end of a text that is no whole block, as one with c behind it; buf is for that. */
static inline const char *
eio_vector_last_block(char buf[2 * EIO_VECTOR_BLOCK], struct eio_bytes text, char c)
{
	size_t rest = text.n % EIO_VECTOR_BLOCK;
	char *block = buf + EIO_VECTOR_BLOCK;

	memset(block, c, EIO_VECTOR_BLOCK);
	/* A whole block is copied where there is one, which takes no call; what it has more lies before. */
	if (text.n >= EIO_VECTOR_BLOCK)
		memcpy(buf + rest, text.p + text.n - EIO_VECTOR_BLOCK, EIO_VECTOR_BLOCK);
	else
		memcpy(block, text.p, rest);
	return block;
}

#endif

#endif
