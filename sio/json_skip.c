/* SPDX-License-Identifier: MIT */
/*
 * Passing over strings in JSON text. This runs for every message that a filter or a
 * template looks into, so their bodies are skipped a register at a time. Bytes from
 * 0x80 are plain here: who must know whether they are UTF-8 checks all of the text at
 * once, which is less work.
 */
#include "sio/json_int.h"

#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Non-zero when one of the eight bytes is not plain. Each term sets the high bit of an ASCII byte when its test holds;
 * a borrow can set it for the byte above too, but never hides one, and the caller looks for the exact byte itself. */
static inline uint64_t
word_not_plain(uint64_t w)
{
	uint64_t quote = w ^ EACH('"'), backslash = w ^ EACH('\\');

	return ((w - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1))) & ~w & EACH(0x80);
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
	const __m128i control = _mm_set1_epi8(0x1f), quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	__m128i v, bad;
	int mask;

	for (; end - p >= 16; p += 16) {
		v = _mm_loadu_si128((const __m128i *)(const void *)p);
		bad = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, control), v),
			_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
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

/* Whether four hexadecimal digits stand at p. */
static inline bool
is_code_unit(const char *p)
{
	for (int i = 0; i < 4; i++)
		if (eio_hex_value(p[i]) < 0) return false;
	return true;
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
	case 'u': return end - p >= 6 && is_code_unit(p + 2) ? p + 6 : NULL;
	default: return NULL;
	}
}

const char *
sio__json_skip_string(const char *p, const char *end)
{
	for (;;) {
		p = sio__json_skip_plain(p, end);
		if (p == end) return NULL;
		if (*p == '"') return p + 1;
		if (*p != '\\') return NULL;
		p = sio__json_skip_escape(p, end);
		if (!p) return NULL;
	}
}
