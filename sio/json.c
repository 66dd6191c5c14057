/* SPDX-License-Identifier: MIT */
/*
 * Checking JSON text. This runs for every message taken from Redis, so string
 * bodies are skipped a register at a time and nothing is allocated. Strings'
 * meaning is in json_string.c, finding things in json_find.c.
 */
#include "sio/error.h"
#include "sio/json_int.h"

#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Non-zero when one of the eight bytes is not plain. Each term sets a byte's high bit when its test holds; a borrow can
 * set it for the byte above too, but never hides one, and the caller looks for the exact byte itself. */
static inline uint64_t
word_not_plain(uint64_t w)
{
	uint64_t quote = w ^ EACH('"'), backslash = w ^ EACH('\\');

	return (w | (w - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1))) & EACH(0x80);
}

const char *
sio__json_skip_plain_portable(const char *p, const char *end)
{
	uint64_t w;

	while (end - p >= 8) {
		memcpy(&w, p, 8);
		if (word_not_plain(w)) break;
		p += 8;
	}
	while (p < end && is_plain((unsigned char)*p)) p++;
	return p;
}

#ifdef __SSE2__
const char *
sio__json_skip_plain(const char *p, const char *end)
{
	const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	__m128i v, bad;
	int mask;

	for (; end - p >= 16; p += 16) {
		v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* Bytes count as signed: one comparison finds the control characters and everything from 0x80. */
		bad = _mm_or_si128(
			_mm_cmplt_epi8(v, space), _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
		mask = _mm_movemask_epi8(bad);
		if (mask) return p + __builtin_ctz((unsigned)mask);
	}
	return sio__json_skip_plain_portable(p, end);
}
#else
const char *
sio__json_skip_plain(const char *p, const char *end)
{
	return sio__json_skip_plain_portable(p, end);
}
#endif

unsigned
sio__utf8_len(const char *s, const char *end)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t room = (size_t)(end - s);
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	unsigned len, i;

	if (p[0] < 0xc2) return 0;
	if (p[0] < 0xe0) {
		len = 2;
	} else if (p[0] < 0xf0) {
		len = 3;
		if (p[0] == 0xe0) low = 0xa0; /* overlong below */
		if (p[0] == 0xed) high = 0x9f; /* surrogates above */
	} else if (p[0] < 0xf5) {
		len = 4;
		if (p[0] == 0xf0) low = 0x90;
		if (p[0] == 0xf4) high = 0x8f; /* beyond U+10FFFF */
	} else {
		return 0;
	}
	if (room < len || p[1] < low || p[1] > high) return 0;
	for (i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80) return 0;
	return len;
}

bool
sio__utf8_valid(const char *p, const char *end)
{
	uint64_t w;
	unsigned n;

	while (p < end) {
		if ((unsigned char)*p < 0x80) {
			for (p++; end - p >= 8; p += 8) {
				memcpy(&w, p, 8);
				if (w & EACH(0x80)) break;
			}
			while (p < end && (unsigned char)*p < 0x80) p++;
			continue;
		}
		n = sio__utf8_len(p, end);
		if (n == 0) return false;
		p += n;
	}
	return true;
}

static inline bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

const char *
sio__json_skip_escape(const char *p, const char *end)
{
	if (end - p < 2) return NULL;
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't': return p + 2;
	case 'u':
		if (end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5])) return NULL;
		return p + 6;
	default: return NULL;
	}
}

const char *
sio__json_skip_string(const char *p, const char *end)
{
	unsigned n;

	for (;;) {
		p = sio__json_skip_plain(p, end);
		if (p == end) return NULL;
		if (*p == '"') return p + 1;
		if (*p == '\\') {
			p = sio__json_skip_escape(p, end);
			if (!p) return NULL;
			continue;
		}
		/* Non-ASCII letters come in runs: stay here while they last. */
		while (p < end && (unsigned char)*p >= 0x80) {
			n = sio__utf8_len(p, end);
			if (n == 0) return NULL;
			p += n;
		}
		if (p < end && (unsigned char)*p < 0x20) return NULL;
	}
}

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

/* Which of the containers we are in are objects: one bit each. */
struct nesting {
	uint64_t object[SIO_JSON_MAX_DEPTH / 64];
	unsigned depth;
};

static inline bool
push(struct nesting *s, bool object)
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

int
sio__json_check_bytes(struct eio_bytes s)
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

		if (!push(&in, open == '{')) return SIO_ERR_DEPTH;
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

#ifdef SIO__JSON_HAVE_BLOCKS

/* Shorter text is done before a block is set up. */
enum { BLOCKS_FROM = 24 };

static inline bool
check_blocks(struct eio_bytes s)
{
#ifdef SIO__JSON_HAVE_AVX2
	if (sio__json_can_avx2()) return sio__json_check_blocks_avx2(s);
#endif
	return sio__json_check_blocks(s);
}

int
sio_json_check(struct eio_bytes s)
{
	/* Only a container can be more than one block of values. */
	if (s.n >= BLOCKS_FROM && check_blocks(s)) return 0;
	return sio__json_check_bytes(s);
}

#else

int
sio_json_check(struct eio_bytes s)
{
	return sio__json_check_bytes(s);
}

#endif
