/* SPDX-License-Identifier: MIT */
/* Which bytes of a block of 64 are what, for json_block.c only. What the classes are is said here once for all
 * instruction sets. */
#ifndef SIO_JSON_MASKS_H
#define SIO_JSON_MASKS_H

#include "eio/vector.h"

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

#ifdef EIO_VECTOR_HAVE

static inline uint64_t
sio__json_equal(const eio_vector v[EIO_VECTORS], int c)
{
	eio_vector w[EIO_VECTORS];

	EIO_VECTOR_MAP(w, EIO_VECTOR_EQUAL, v, EIO_VECTOR_EACH(c));
	return eio_vector_bits(w);
}

/* Bytes count as signed, so those from 0x80 are below everything. */
static inline uint64_t
sio__json_below(const eio_vector v[EIO_VECTORS], int c)
{
	eio_vector w[EIO_VECTORS];

	EIO_VECTOR_MAP(w, EIO_VECTOR_LESS, v, EIO_VECTOR_EACH(c));
	return eio_vector_bits(w);
}

static inline struct sio__json_marks
sio__json_marks(const eio_vector v[EIO_VECTORS])
{
	struct sio__json_marks m;

	m.quote = sio__json_equal(v, '"');
	m.backslash = sio__json_equal(v, '\\');
	m.high = eio_vector_bits(v);
	m.control = sio__json_below(v, 0x20) & ~m.high;
	return m;
}

static inline struct sio__json_masks
sio__json_masks(const eio_vector v[EIO_VECTORS])
{
	eio_vector w[EIO_VECTORS];
	struct sio__json_masks m;

	m.space = sio__json_equal(v, ' ');
	m.zero = sio__json_equal(v, '0');
	m.minus = sio__json_equal(v, '-');
	m.dot = sio__json_equal(v, '.');
	m.comma = sio__json_equal(v, ',');
	m.colon = sio__json_equal(v, ':');
	/* '0' becomes the lowest of all signed bytes, and the digits the ten lowest. */
	EIO_VECTOR_MAP(w, EIO_VECTOR_ADD, v, EIO_VECTOR_EACH(0x80 - '0'));
	m.digit = sio__json_below(w, -0x80 + 10);
	/* Only curly brackets reach 0x80 this way. */
	EIO_VECTOR_MAP(w, EIO_VECTOR_ADD, v, EIO_VECTOR_EACH(0x20));
	m.curly = eio_vector_bits(w);
	/* '[' and '{' differ in one bit only, and so do ']' and '}'. */
	EIO_VECTOR_MAP(w, EIO_VECTOR_OR, v, EIO_VECTOR_EACH(0x20));
	m.open = sio__json_equal(w, '{');
	m.close = sio__json_equal(w, '}');
	return m;
}

/* Whitespace other than the space. */
static inline uint64_t
sio__json_line_space(const eio_vector v[EIO_VECTORS])
{
	return sio__json_equal(v, '\n') | sio__json_equal(v, '\r') | sio__json_equal(v, '\t');
}

#endif

#endif
