/* SPDX-License-Identifier: MIT */
/*
 * Checking JSON text. This runs for every message taken from Redis, and nothing is
 * allocated. By blocks it is in json_block.c, what strings mean in json_string.c,
 * finding things in json_find.c.
 */
#include "eio/utf8.h"
#include "sio/error.h"
#include "sio/json_int.h"

static inline const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9') p++;
	return p;
}

/* p stands at '-' or a digit. */
static const char *
skip_number(const char *p, const char *end)
{
	const char *digits;

	if (*p == '-') p++;
	if (p == end || *p < '0' || *p > '9') return NULL;
	p = *p == '0' ? p + 1 : skip_digits(p, end);
	if (p < end && *p == '.') {
		digits = p + 1;
		p = skip_digits(digits, end);
		if (p == digits) return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-')) p++;
		digits = p;
		p = skip_digits(digits, end);
		if (p == digits) return NULL;
	}
	return p;
}

static inline const char *
skip_word(const char *p, const char *end, const char *word, size_t n)
{
	return (size_t)(end - p) >= n && memcmp(p, word, n) == 0 ? p + n : NULL;
}

/* A string, number or word at p < end; returns what follows it, or NULL. */
static inline const char *
skip_scalar(const char *p, const char *end)
{
	switch (*p) {
	case '"': return sio__json_skip_string(p + 1, end);
	case 't': return skip_word(p, end, "true", 4);
	case 'f': return skip_word(p, end, "false", 5);
	case 'n': return skip_word(p, end, "null", 4);
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9': return skip_number(p, end);
	default: return NULL;
	}
}

_Static_assert(SIO_JSON_MAX_DEPTH % 64 == 0, "whole words of bits");

/* Which of the containers we are in are objects: one bit each. */
struct nesting {
	uint64_t object[SIO_JSON_MAX_DEPTH / 64];
	unsigned depth;
};

static inline bool
push_container(struct nesting *s, bool object)
{
	uint64_t bit = UINT64_C(1) << (s->depth & 63), *word = &s->object[s->depth / 64];

	if (s->depth == SIO_JSON_MAX_DEPTH) return false;
	*word = object ? *word | bit : *word & ~bit;
	s->depth++;
	return true;
}

static inline bool
in_object(const struct nesting *s)
{
	return s->object[(s->depth - 1) / 64] >> ((s->depth - 1) & 63) & 1;
}

/* p stands where a member's key should; returns what follows its colon, or NULL. */
static inline const char *
skip_key(const char *p, const char *end)
{
	p = sio__json_skip_space(p, end);
	if (p == end || *p != '"') return NULL;
	p = sio__json_skip_string(p + 1, end);
	if (!p) return NULL;
	p = sio__json_skip_space(p, end);
	return p < end && *p == ':' ? p + 1 : NULL;
}

/* All but whether the strings are UTF-8; outside of them there is no byte that might not be. */
static int
check_structure(struct eio_bytes s)
{
	const char *p = s.p, *end;
	struct nesting in;

	if (s.n == 0) return SIO_ERR_PAYLOAD; /* s.p may be NULL then, to which nothing may be added */
	end = p + s.n;
	in.depth = 0;
value:
	p = sio__json_skip_space(p, end);
	if (p == end) return SIO_ERR_PAYLOAD;
	if (*p == '{' || *p == '[') {
		char open = *p, close = open == '{' ? '}' : ']';

		if (!push_container(&in, open == '{')) return SIO_ERR_DEPTH;
		p = sio__json_skip_space(p + 1, end);
		if (p == end) return SIO_ERR_PAYLOAD;
		if (*p != close) {
			if (open == '{') goto key;
			goto value;
		}
		p++;
		in.depth--;
	} else {
		p = skip_scalar(p, end);
		if (!p) return SIO_ERR_PAYLOAD;
	}
	/* Behind a value. */
	for (;;) {
		p = sio__json_skip_space(p, end);
		if (in.depth == 0) return p == end ? 0 : SIO_ERR_PAYLOAD;
		if (p == end) return SIO_ERR_PAYLOAD;
		if (*p == ',') {
			p++;
			if (in_object(&in)) goto key;
			goto value;
		}
		if (*p != (in_object(&in) ? '}' : ']')) return SIO_ERR_PAYLOAD;
		p++;
		in.depth--;
	}
key:
	p = skip_key(p, end);
	if (!p) return SIO_ERR_PAYLOAD;
	goto value;
}

int
sio__json_check_bytes(struct eio_bytes s)
{
	int rc = check_structure(s);

	return rc != SIO_ERR_PAYLOAD && !eio_utf8_valid(s) ? SIO_ERR_PAYLOAD : rc;
}

#ifdef EIO_VECTOR_HAVE

/* Shorter text is done before a block is set up. */
enum { BLOCKS_FROM = 24 };

static inline bool
check_blocks(struct eio_bytes s)
{
#ifdef EIO_VECTOR_HAVE_AVX2
	if (eio_vector_can_avx2()) return sio__json_check_blocks_avx2(s);
#endif
	return sio__json_check_blocks(s);
}

int
sio_json_check(struct eio_bytes s)
{
	/* Blocks say yes to containers only. */
	if (s.n >= BLOCKS_FROM && *s.p != '"' && check_blocks(s)) return 0;
	return sio__json_check_bytes(s);
}

#else

int
sio_json_check(struct eio_bytes s)
{
	return sio__json_check_bytes(s);
}

#endif
