/* SPDX-License-Identifier: MIT */
/* Whether text is UTF-8: by blocks of 64 bytes where the processor can (utf8_block.c), else by a machine of nine
 * states. */
#include "eio/utf8_int.h"

/*
 * What is wanted next. A state is a number of bits, because a step shifts by it: the entry of a byte has the state that
 * follows upon each state at its place.
 */
enum {
	BAD = 0,
	START = 6, /* of a character */
	ONE = 12, /* continuations */
	TWO = 18,
	THREE = 24,
	BEHIND_E0 = 30, /* two, but the first from A0 */
	BEHIND_ED = 36, /* two, the first below A0 */
	BEHIND_F0 = 42, /* three, the first from 90 */
	BEHIND_F4 = 48, /* three, the first below 90 */
	STATE = 63, /* the bits of a state */
};

_Static_assert(BEHIND_F4 + 6 <= 64, "the states have room in a step");

#define STEP(from, to) ((uint64_t)(to) << (from))
#define LAST_ONES (STEP(ONE, START) | STEP(TWO, ONE) | STEP(THREE, TWO)) /* what any continuation may be */

static const uint64_t steps[256] = {
	[0x00 ... 0x7f] = STEP(START, START),
	[0x80 ... 0x8f] = LAST_ONES | STEP(BEHIND_ED, ONE) | STEP(BEHIND_F4, TWO),
	[0x90 ... 0x9f] = LAST_ONES | STEP(BEHIND_ED, ONE) | STEP(BEHIND_F0, TWO),
	[0xa0 ... 0xbf] = LAST_ONES | STEP(BEHIND_E0, ONE) | STEP(BEHIND_F0, TWO),
	[0xc2 ... 0xdf] = STEP(START, ONE),
	[0xe0] = STEP(START, BEHIND_E0),
	[0xe1 ... 0xec] = STEP(START, TWO),
	[0xed] = STEP(START, BEHIND_ED),
	[0xee ... 0xef] = STEP(START, TWO),
	[0xf0] = STEP(START, BEHIND_F0),
	[0xf1 ... 0xf3] = STEP(START, THREE),
	[0xf4] = STEP(START, BEHIND_F4),
};

enum { WORD = 8 };

static inline uint64_t
high_bits(const char *p)
{
	uint64_t w;

	memcpy(&w, p, WORD);
	return w & UINT64_C(0x8080808080808080);
}

bool
eio__utf8_valid_portable(struct eio_bytes s)
{
	uint64_t state = START;

	for (size_t i = 0, stop; i < s.n;) {
		if ((state & STATE) == START)
			while (s.n - i >= WORD && !high_bits(s.p + i)) i += WORD;
		stop = s.n - i < WORD ? s.n : i + WORD;
		for (; i < stop; i++) state = steps[(unsigned char)s.p[i]] >> (state & STATE);
	}
	return (state & STATE) == START;
}

#ifdef EIO_VECTOR_HAVE

/* From where on blocks are less work. */
enum { BLOCKS_FROM = 64 };

/* Most texts are short and ASCII. The last word may overlap the one before. */
static inline bool
short_ascii(struct eio_bytes s)
{
	uint64_t high;

	if (s.n < WORD) return false;
	high = high_bits(s.p + s.n - WORD);
	for (size_t i = 0; i + WORD < s.n; i += WORD) high |= high_bits(s.p + i);
	return high == 0;
}

bool
eio_utf8_valid(struct eio_bytes s)
{
	if (s.n < BLOCKS_FROM) return short_ascii(s) || eio__utf8_valid_portable(s);
#ifdef EIO_VECTOR_HAVE_AVX2
	if (eio_vector_can_avx2()) return eio__utf8_valid_avx2(s);
#endif
	return eio__utf8_valid_blocks(s);
}

#else

bool
eio_utf8_valid(struct eio_bytes s)
{
	return eio__utf8_valid_portable(s);
}

#endif
