/* SPDX-License-Identifier: MIT */
/* UTF-8 a character at a time, read by utf8proc; this is the only file that includes it. Whole texts are checked in
 * utf8_valid.c. */
#include "eio/utf8.h"

#include "eio/check.h"

#include <utf8proc.h>

size_t
eio_utf8_next(struct eio_bytes s, uint32_t *cp)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t k;

	if (s.n == 0) return 0;
	if ((unsigned char)s.p[0] < 0x80) {
		*cp = (unsigned char)s.p[0];
		return 1;
	}
	k = utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &c);
	if (k <= 0) return 0;
	*cp = (uint32_t)c;
	return (size_t)k;
}

unsigned
eio_utf8_put(char out[4], uint32_t cp)
{
	CHECK(utf8proc_codepoint_valid((utf8proc_int32_t)cp));
	return (unsigned)utf8proc_encode_char((utf8proc_int32_t)cp, (utf8proc_uint8_t *)out);
}

ssize_t
eio_utf8_units_len(struct eio_bytes s, size_t units)
{
	size_t at = 0, k;
	uint32_t cp;

	while (units > 0) {
		k = eio_utf8_next(eio_bytes(s.p + at, s.n - at), &cp);
		if (k == 0 || (cp > 0xffff && units == 1)) return -1;
		units -= cp > 0xffff ? 2 : 1;
		at += k;
	}
	return (ssize_t)at;
}

size_t
eio_utf8_units(struct eio_bytes s)
{
	static const uint64_t highs = 0x8080808080808080;
	size_t units = 0, i = 0;
	uint64_t w;

	/* Each character has one byte that is no continuation; one of four bytes is a surrogate pair. Eight bytes at a
	 * time: shifted to its top, any bit of each of them can be asked for. */
	for (; s.n - i >= sizeof w; i += sizeof w) {
		memcpy(&w, s.p + i, sizeof w);
		units += sizeof w - (size_t)__builtin_popcountll(w & ~(w << 1) & highs);
		units += (size_t)__builtin_popcountll(w & w << 1 & w << 2 & w << 3 & highs);
	}
	for (; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		units += (c & 0xc0) != 0x80;
		units += c >= 0xf0;
	}
	return units;
}

/* Whether all of s are characters up to U+00FF. */
static bool
latin1_only(struct eio_bytes s)
{
	size_t k;
	uint32_t cp;

	for (size_t i = 0; i < s.n; i += k) {
		k = eio_utf8_next(eio_bytes(s.p + i, s.n - i), &cp);
		if (k == 0 || cp > 0xff) return false;
	}
	return true;
}

/* Half of a surrogate pair written as if it were a character: what the encoders of 1.x do (WTF-8). */
static bool
is_surrogate(const unsigned char p[3])
{
	return p[0] == 0xed && p[1] >= 0xa0 && p[1] <= 0xbf && (p[2] & 0xc0) == 0x80;
}

void
eio_utf8_replace_surrogates(char *p, size_t n)
{
	for (size_t i = 0; i + 3 <= n; i++)
		if (is_surrogate((const unsigned char *)p + i)) memcpy(p + i, "\xef\xbf\xbd", 3);
}

/* How much of s, which does not begin with well-formed UTF-8, could be the beginning of a character (Unicode, table
 * 3-7); at least a byte. */
static size_t
bad_len(struct eio_bytes s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	size_t n = 1;

	if (p[0] < 0xc2 || p[0] > 0xf4) return 1;
	for (; n < s.n && p[n] >= low && p[n] <= high; n++) {
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

void
eio_utf8_repair(struct eio_buf *out, struct eio_bytes s)
{
	size_t plain = 0, k;
	uint32_t cp;

	for (size_t i = 0; i < s.n; i += k) {
		k = eio_utf8_next(eio_bytes(s.p + i, s.n - i), &cp);
		if (k > 0) continue;
		k = bad_len(eio_bytes(s.p + i, s.n - i));
		eio_buf_append(out, s.p + plain, i - plain);
		EIO_BUF_ADD_LIT(out, "\xef\xbf\xbd");
		plain = i + k;
	}
	eio_buf_append(out, s.p + plain, s.n - plain);
}

ssize_t
eio_utf8_undo(char *p, size_t n)
{
	size_t to = 0, k;
	uint32_t cp = 0;

	if (!latin1_only(eio_bytes(p, n))) return -1;
	for (size_t i = 0; i < n; i += k) {
		k = eio_utf8_next(eio_bytes(p + i, n - i), &cp);
		p[to++] = (char)cp;
	}
	return (ssize_t)to;
}

bool
eio_utf8_twice(struct eio_bytes s)
{
	unsigned char window[4];
	size_t have = 0, k, at = 0;
	uint32_t cp = 0, inner;

	/* The undone bytes pass through a window of one character: nothing is written before it is certain. */
	while (at < s.n || have > 0) {
		while (at < s.n && have < sizeof window) {
			k = eio_utf8_next(eio_bytes(s.p + at, s.n - at), &cp);
			if (k == 0 || cp > 0xff) return false;
			window[have++] = (unsigned char)cp;
			at += k;
		}
		k = eio_utf8_next(eio_bytes(window, have), &inner);
		if (k == 0 && have >= 3 && is_surrogate(window)) k = 3;
		if (k == 0) return false;
		have -= k;
		memmove(window, window + k, have);
	}
	return true;
}
