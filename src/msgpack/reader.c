/* SPDX-License-Identifier: MIT */
/* The first byte of a value says what it is, and how many bytes its number or its length has. */
#include "src/msgpack/reader.h"

enum {
	EXT_0 = 0, /* of notepack 2: undefined, a date, or an ArrayBuffer */
	EXT_DATE = 0x0d, /* of msgpack-lite: a number in it */
	EXT_ARRAYS = 0x11, /* the same: typed arrays, Int8Array to DataView */
	EXT_ARRAYS_END = 0x1e,
	EXT_TIMESTAMP = 0xff,
};

/* What a Date of JavaScript has. */
#define MOST_MS INT64_C(8640000000000000)

/* What a byte from 0xc0 to 0xdf begins. */
enum head_kind {
	HEAD_NONE, /* nothing: the byte is not used */
	HEAD_NIL,
	HEAD_UNDEFINED,
	HEAD_FALSE,
	HEAD_TRUE,
	HEAD_BINARY, /* a length of `width` bytes, then it */
	HEAD_STRING,
	HEAD_ARRAY, /* a length of `width` bytes */
	HEAD_MAP,
	HEAD_EXT, /* a length of `width` bytes, a type, then it */
	HEAD_EXT_OF, /* a type, then `width` bytes */
	HEAD_FLOAT,
	HEAD_UINT,
	HEAD_INT,
};

struct head {
	unsigned char kind, width;
};

static const struct head standard_heads[32] = { { HEAD_NIL, 0 }, { HEAD_NONE, 0 }, { HEAD_FALSE, 0 }, { HEAD_TRUE, 0 },
	{ HEAD_BINARY, 1 }, { HEAD_BINARY, 2 }, { HEAD_BINARY, 4 }, { HEAD_EXT, 1 }, { HEAD_EXT, 2 }, { HEAD_EXT, 4 },
	{ HEAD_FLOAT, 4 }, { HEAD_FLOAT, 8 }, { HEAD_UINT, 1 }, { HEAD_UINT, 2 }, { HEAD_UINT, 4 }, { HEAD_UINT, 8 },
	{ HEAD_INT, 1 }, { HEAD_INT, 2 }, { HEAD_INT, 4 }, { HEAD_INT, 8 }, { HEAD_EXT_OF, 1 }, { HEAD_EXT_OF, 2 },
	{ HEAD_EXT_OF, 4 }, { HEAD_EXT_OF, 8 }, { HEAD_EXT_OF, 16 }, { HEAD_STRING, 1 }, { HEAD_STRING, 2 },
	{ HEAD_STRING, 4 }, { HEAD_ARRAY, 2 }, { HEAD_ARRAY, 4 }, { HEAD_MAP, 2 }, { HEAD_MAP, 4 } };

static const struct head js_heads[32] = { { HEAD_NIL, 0 }, { HEAD_NONE, 0 }, { HEAD_FALSE, 0 }, { HEAD_TRUE, 0 },
	{ HEAD_UNDEFINED, 0 }, { HEAD_NONE, 0 }, { HEAD_NONE, 0 }, { HEAD_NONE, 0 }, { HEAD_NONE, 0 }, { HEAD_NONE, 0 },
	{ HEAD_FLOAT, 4 }, { HEAD_FLOAT, 8 }, { HEAD_UINT, 1 }, { HEAD_UINT, 2 }, { HEAD_UINT, 4 }, { HEAD_UINT, 8 },
	{ HEAD_INT, 1 }, { HEAD_INT, 2 }, { HEAD_INT, 4 }, { HEAD_INT, 8 }, { HEAD_NONE, 0 }, { HEAD_NONE, 0 },
	{ HEAD_NONE, 0 }, { HEAD_NONE, 0 }, { HEAD_BINARY, 2 }, { HEAD_BINARY, 4 }, { HEAD_STRING, 2 },
	{ HEAD_STRING, 4 }, { HEAD_ARRAY, 2 }, { HEAD_ARRAY, 4 }, { HEAD_MAP, 2 }, { HEAD_MAP, 4 } };

/* The next n bytes. */
static bool
take_span(struct msgpack_reader *r, size_t n, struct eio_bytes *out)
{
	if (r->rest.n < n) return false;
	*out = eio_bytes(r->rest.p, n);
	r->rest = eio_bytes(r->rest.p + n, r->rest.n - n);
	return true;
}

static uint64_t
big_endian(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) v = v << 8 | (unsigned char)p[i];
	return v;
}

static bool
take_big_endian(struct msgpack_reader *r, size_t width, uint64_t *out)
{
	struct eio_bytes b;

	if (!take_span(r, width, &b)) return false;
	*out = big_endian(b.p, width);
	return true;
}

static double
float_of_bits(uint64_t bits, size_t width)
{
	uint32_t half = (uint32_t)bits;
	double d;
	float f;

	if (width == 4) {
		memcpy(&f, &half, sizeof f);
		return (double)f;
	}
	memcpy(&d, &bits, sizeof d);
	return d;
}

/* Of a number of that many bytes. */
static int64_t
signed_of_bits(uint64_t bits, size_t width)
{
	unsigned spare = 64 - 8 * (unsigned)width;

	return (int64_t)(bits << spare) >> spare;
}

static void
set_int(struct msgpack_value *v, int64_t i)
{
	v->kind = i < 0 ? MSGPACK_INT : MSGPACK_UINT;
	v->i = i;
	v->u = (uint64_t)i;
}

/* An array of n elements, or a map: each takes a byte at least. */
static bool
set_container(const struct msgpack_reader *r, struct msgpack_value *v, enum msgpack_kind kind, uint64_t n)
{
	v->kind = kind;
	v->n = (size_t)n;
	return n <= (kind == MSGPACK_MAP ? r->rest.n / 2 : r->rest.n);
}

static bool
set_bytes(struct msgpack_reader *r, struct msgpack_value *v, enum msgpack_kind kind, uint64_t n)
{
	v->kind = kind;
	return n <= r->rest.n && take_span(r, (size_t)n, &v->bytes);
}

/* What one byte says. */
static bool
read_short(struct msgpack_reader *r, unsigned char b, struct msgpack_value *v)
{
	if (b >= 0xe0 || b < 0x80) {
		set_int(v, (signed char)b);
		return true;
	}
	if (b < 0x90) return set_container(r, v, MSGPACK_MAP, b & 15u);
	if (b < 0xa0) return set_container(r, v, MSGPACK_ARRAY, b & 15u);
	return set_bytes(r, v, MSGPACK_STRING, b & 31u);
}

static bool
read_constant(enum head_kind kind, struct msgpack_value *v)
{
	switch (kind) {
	case HEAD_NIL: v->kind = MSGPACK_NIL; return true;
	case HEAD_UNDEFINED: v->kind = MSGPACK_UNDEFINED; return true;
	case HEAD_FALSE: v->kind = MSGPACK_FALSE; return true;
	case HEAD_TRUE: v->kind = MSGPACK_TRUE; return true;
	default: return false;
	}
}

/* All but ext. */
static bool
read_plain(struct msgpack_reader *r, struct head h, struct msgpack_value *v)
{
	uint64_t bits;

	if (h.width == 0) return read_constant(h.kind, v);
	if (!take_big_endian(r, h.width, &bits)) return false;
	switch ((enum head_kind)h.kind) {
	case HEAD_BINARY: return set_bytes(r, v, MSGPACK_BINARY, bits);
	case HEAD_STRING: return set_bytes(r, v, MSGPACK_STRING, bits);
	case HEAD_ARRAY: return set_container(r, v, MSGPACK_ARRAY, bits);
	case HEAD_MAP: return set_container(r, v, MSGPACK_MAP, bits);
	case HEAD_INT: set_int(v, signed_of_bits(bits, h.width)); return true;
	case HEAD_UINT:
		v->kind = MSGPACK_UINT;
		v->u = bits;
		return true;
	case HEAD_FLOAT:
		v->kind = MSGPACK_FLOAT;
		v->f = float_of_bits(bits, h.width);
		return true;
	default: return false;
	}
}

/* Ext */

/* A time that no Date has is null in JSON. */
static bool
set_date(struct msgpack_value *v, int64_t ms)
{
	v->kind = ms >= -MOST_MS && ms <= MOST_MS ? MSGPACK_DATE : MSGPACK_NIL;
	v->i = ms;
	return true;
}

/* Seconds and nanoseconds; later ones than a Date has need not be told from each other. */
static bool
set_timestamp(struct msgpack_value *v, int64_t seconds, uint64_t ns)
{
	if (ns >= 1000000000) return false;
	if (seconds > MOST_MS || seconds < -MOST_MS) seconds = MOST_MS;
	return set_date(v, seconds * 1000 + (int64_t)(ns / 1000000));
}

static bool
read_timestamp(struct eio_bytes b, struct msgpack_value *v)
{
	uint64_t u;

	switch (b.n) {
	case 4: return set_timestamp(v, (int64_t)big_endian(b.p, 4), 0);
	case 8: u = big_endian(b.p, 8); return set_timestamp(v, (int64_t)(u & 0x3ffffffff), u >> 34);
	case 12: return set_timestamp(v, (int64_t)big_endian(b.p + 4, 8), big_endian(b.p, 4));
	default: return false;
	}
}

static struct head
head_of(unsigned char b, enum msgpack_dialect dialect)
{
	return (dialect == MSGPACK_JS ? js_heads : standard_heads)[b & 31u];
}

/* A number in an ext of its own. */
static bool
read_date_in(struct eio_bytes b, struct msgpack_value *v)
{
	struct msgpack_reader in = { b, MSGPACK_STANDARD };
	struct eio_bytes first;
	unsigned char c;

	if (!take_span(&in, 1, &first)) return false;
	c = (unsigned char)*first.p;
	if (!((c & 0xe0) == 0xc0 ? read_plain(&in, head_of(c, in.dialect), v) : read_short(&in, c, v))) return false;
	if (in.rest.n) return false;
	switch (v->kind) {
	case MSGPACK_UINT: return set_date(v, v->u > INT64_MAX ? INT64_MAX : (int64_t)v->u);
	case MSGPACK_INT: return set_date(v, v->i);
	case MSGPACK_FLOAT: return set_date(v, v->f > -9e15 && v->f < 9e15 ? (int64_t)v->f : INT64_MAX);
	default: return false;
	}
}

/* Of notepack 2, one type for three things, which their lengths tell apart, and whether the first byte says them. */
static bool
read_ext_0(struct eio_bytes b, bool fixed, struct msgpack_value *v)
{
	if (fixed && b.n == 8) return set_date(v, (int64_t)big_endian(b.p, 8));
	v->kind = fixed ? MSGPACK_UNDEFINED : MSGPACK_BINARY;
	v->bytes = b;
	return !fixed || (b.n == 1 && *b.p == 0);
}

/* fixed: the first byte has said the length. */
static bool
read_ext(struct msgpack_reader *r, size_t n, bool fixed, struct msgpack_value *v)
{
	struct eio_bytes type, b;
	unsigned char t;

	if (!take_span(r, 1, &type) || !take_span(r, n, &b)) return false;
	t = (unsigned char)*type.p;
	if (t == EXT_TIMESTAMP) return read_timestamp(b, v);
	if (t == EXT_DATE) return read_date_in(b, v);
	if (t == EXT_0) return read_ext_0(b, fixed, v);
	v->kind = MSGPACK_BINARY;
	v->bytes = b;
	return t >= EXT_ARRAYS && t < EXT_ARRAYS_END;
}

bool
msgpack_read(struct msgpack_reader *r, struct msgpack_value *v)
{
	struct eio_bytes first;
	uint64_t n;
	struct head h;
	unsigned char b;

	if (!take_span(r, 1, &first)) return false;
	b = (unsigned char)*first.p;
	if ((b & 0xe0) != 0xc0) return read_short(r, b, v);
	h = head_of(b, r->dialect);
	if (h.kind == HEAD_EXT_OF) return read_ext(r, h.width, true, v);
	if (h.kind != HEAD_EXT) return read_plain(r, h, v);
	return take_big_endian(r, h.width, &n) && n <= r->rest.n && read_ext(r, (size_t)n, false, v);
}
