/* SPDX-License-Identifier: MIT */
/*
 * Whether a block of 64 bytes is well-formed UTF-8, together with the bytes before
 * it; for scanners that have the block in vectors already.
 *
 * Two things make text well-formed (RFC 3629 section 4):
 *
 * - A byte is a continuation (80..BF) if and only if one of those before it wants
 *   that: the last from C0, the last but one from E0, or the one before that from F0.
 * - A few neighbours there never are: C0, C1 and from F5 with anything; behind E0
 *   what is below A0; behind ED from A0; behind F0 below 90; behind F4 from 90.
 *
 * So every mistake is seen at the byte where it shows, from that byte and the three
 * before it. What the end of a block wants more is seen in the next one.
 *
 * With a look-up of 16 bytes, both are found together: a pair of neighbours is looked
 * up by three of its four half bytes, and what all three allow is so (the method of
 * J. Keiser and D. Lemire, "Validating UTF-8 in less than one instruction per byte").
 * SSE2 has no such look-up and compares.
 */
#ifndef EIO_UTF8_BLOCK_H
#define EIO_UTF8_BLOCK_H

#include "eio/vector.h"

#ifdef EIO_VECTOR_HAVE

#ifdef EIO_VECTOR_LOOKUP

/* What may be said of two neighbours. All but the last are mistakes; the last is one unless a byte further ahead wants
 * it. */
enum {
	EIO__UTF8_SHORT = 0x01, /* C0..FF and no continuation */
	EIO__UTF8_ALONE = 0x02, /* 00..7F and a continuation */
	EIO__UTF8_OVERLONG_2 = 0x04, /* C0, C1 */
	EIO__UTF8_OVERLONG_3 = 0x08, /* E0, and 80..9F */
	EIO__UTF8_SURROGATE = 0x10, /* ED, and A0..BF */
	EIO__UTF8_OVERLONG_4 = 0x20, /* F0, and 80..8F; or F5..FF and those */
	EIO__UTF8_BEYOND = 0x40, /* F4..FF, and 90..BF */
	EIO__UTF8_SECOND = 0x80, /* two continuations */
};

/* Non-zero where there is a mistake. */
static inline eio_vector
eio__utf8_mistakes(eio_vector v, eio_vector before)
{
	enum {
		/* These do not depend on the lower half of the first byte. */
		ANY = EIO__UTF8_SHORT | EIO__UTF8_ALONE | EIO__UTF8_SECOND,
		FROM_F5 = ANY | EIO__UTF8_OVERLONG_4 | EIO__UTF8_BEYOND,
		/* What a second byte may be part of that is a continuation. */
		NEXT = EIO__UTF8_ALONE | EIO__UTF8_OVERLONG_2 | EIO__UTF8_SECOND,
		LOW = NEXT | EIO__UTF8_OVERLONG_3,
		HIGH = NEXT | EIO__UTF8_SURROGATE | EIO__UTF8_BEYOND,
	};
	static const uint8_t first_high[16] = {
		[0x0 ... 0x7] = EIO__UTF8_ALONE,
		[0x8 ... 0xb] = EIO__UTF8_SECOND,
		[0xc] = EIO__UTF8_SHORT | EIO__UTF8_OVERLONG_2,
		[0xd] = EIO__UTF8_SHORT,
		[0xe] = EIO__UTF8_SHORT | EIO__UTF8_OVERLONG_3 | EIO__UTF8_SURROGATE,
		[0xf] = EIO__UTF8_SHORT | EIO__UTF8_OVERLONG_4 | EIO__UTF8_BEYOND,
	};
	static const uint8_t first_low[16] = {
		[0x0] = ANY | EIO__UTF8_OVERLONG_2 | EIO__UTF8_OVERLONG_3 | EIO__UTF8_OVERLONG_4,
		[0x1] = ANY | EIO__UTF8_OVERLONG_2,
		[0x2 ... 0x3] = ANY,
		[0x4] = ANY | EIO__UTF8_BEYOND,
		[0x5 ... 0xc] = FROM_F5,
		[0xd] = FROM_F5 | EIO__UTF8_SURROGATE,
		[0xe ... 0xf] = FROM_F5,
	};
	static const uint8_t second_high[16] = {
		[0x0 ... 0x7] = EIO__UTF8_SHORT,
		[0x8] = LOW | EIO__UTF8_OVERLONG_4,
		[0x9] = LOW | EIO__UTF8_BEYOND,
		[0xa ... 0xb] = HIGH,
		[0xc ... 0xf] = EIO__UTF8_SHORT,
	};
	eio_vector first = EIO_VECTOR_BEHIND(before, v, 1);
	eio_vector second = EIO_VECTOR_LOOKUP(second_high, EIO_VECTOR_NIBBLE(v));
	eio_vector wanted = EIO_VECTOR_OR(
		EIO_VECTOR_MINUS(EIO_VECTOR_BEHIND(before, v, 2), EIO_VECTOR_EACH(0xe0 - 0x80)),
		EIO_VECTOR_MINUS(EIO_VECTOR_BEHIND(before, v, 3), EIO_VECTOR_EACH(0xf0 - 0x80)));

	first = EIO_VECTOR_AND(EIO_VECTOR_LOOKUP(first_high, EIO_VECTOR_NIBBLE(first)),
		EIO_VECTOR_LOOKUP(first_low, EIO_VECTOR_AND(first, EIO_VECTOR_EACH(0x0f))));
	/* A second continuation must be where one is wanted, and nowhere else. */
	return EIO_VECTOR_XOR(EIO_VECTOR_AND(first, second), EIO_VECTOR_AND(wanted, EIO_VECTOR_EACH(EIO__UTF8_SECOND)));
}

/* Whether a byte of m is not zero. */
static inline bool
eio__utf8_is_mistake(eio_vector m)
{
#ifdef EIO_VECTOR_AVX2
	return !_mm256_testz_si256(m, m);
#else
	return vmaxvq_u8(m) != 0;
#endif
}

#else

/* The highest bit of a byte is set where there is a mistake; the others mean nothing. x - (n - 80) has it from n on. */
static inline eio_vector
eio__utf8_mistakes(eio_vector v, eio_vector before)
{
	eio_vector first = EIO_VECTOR_BEHIND(before, v, 1), second = EIO_VECTOR_BEHIND(before, v, 2);
	eio_vector third = EIO_VECTOR_BEHIND(before, v, 3);
	eio_vector below_90 = EIO_VECTOR_LESS(v, EIO_VECTOR_EACH(0x90));
	eio_vector below_a0 = EIO_VECTOR_LESS(v, EIO_VECTOR_EACH(0xa0));
	eio_vector wanted, never, narrow;

	wanted = EIO_VECTOR_MINUS(first, EIO_VECTOR_EACH(0xc0 - 0x80));
	wanted = EIO_VECTOR_OR(wanted, EIO_VECTOR_MINUS(second, EIO_VECTOR_EACH(0xe0 - 0x80)));
	wanted = EIO_VECTOR_OR(wanted, EIO_VECTOR_MINUS(third, EIO_VECTOR_EACH(0xf0 - 0x80)));
	never = EIO_VECTOR_EQUAL(EIO_VECTOR_AND(v, EIO_VECTOR_EACH(0xfe)), EIO_VECTOR_EACH(0xc0));
	never = EIO_VECTOR_OR(never, EIO_VECTOR_MINUS(v, EIO_VECTOR_EACH(0xf5 - 0x80)));
	narrow = EIO_VECTOR_AND(EIO_VECTOR_EQUAL(first, EIO_VECTOR_EACH(0xe0)), below_a0);
	narrow = EIO_VECTOR_OR(narrow, EIO_VECTOR_AND_NOT(EIO_VECTOR_EQUAL(first, EIO_VECTOR_EACH(0xed)), below_a0));
	narrow = EIO_VECTOR_OR(narrow, EIO_VECTOR_AND(EIO_VECTOR_EQUAL(first, EIO_VECTOR_EACH(0xf0)), below_90));
	narrow = EIO_VECTOR_OR(narrow, EIO_VECTOR_AND_NOT(EIO_VECTOR_EQUAL(first, EIO_VECTOR_EACH(0xf4)), below_90));
	/* A continuation, the lowest of all signed bytes, must be where one is wanted, and nowhere else. */
	wanted = EIO_VECTOR_XOR(wanted, EIO_VECTOR_LESS(v, EIO_VECTOR_EACH(0xc0)));
	return EIO_VECTOR_OR(wanted, EIO_VECTOR_OR(never, narrow));
}

static inline bool
eio__utf8_is_mistake(eio_vector m)
{
	return eio_vector_high(m);
}

#endif

/* Whether a block is well-formed as far as it goes; its last character may be cut. before: the vector that stands
 * before the block, or zeros. */
static inline bool
eio__utf8_block_valid(const eio_vector v[EIO_VECTORS], eio_vector before)
{
	eio_vector m = EIO_VECTOR_OR(eio__utf8_mistakes(v[0], before), eio__utf8_mistakes(v[1], v[0]));

	if (EIO_VECTORS == 4) {
		m = EIO_VECTOR_OR(m, eio__utf8_mistakes(v[EIO_VECTORS - 2], v[1]));
		m = EIO_VECTOR_OR(m, eio__utf8_mistakes(v[EIO_VECTORS - 1], v[EIO_VECTORS - 2]));
	}
	return !eio__utf8_is_mistake(m);
}

#endif

#endif
