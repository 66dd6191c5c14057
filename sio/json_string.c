/* SPDX-License-Identifier: MIT */
/*
 * What JSON strings mean: escapes undone, compared and made. Strings that come
 * in here as raw text passed sio_json_check(); bytes to escape may be anything.
 */
#include "eio/utf8.h"
#include "sio/json_int.h"

#include <stdint.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static unsigned
code_unit(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) v = v << 4 | (unsigned)eio_hex_value(p[i]);
	return v;
}

/* r stands behind "\u": one code unit, or two when they are a surrogate pair. */
static unsigned
read_unicode(struct sio__json_reader *r, char out[4])
{
	uint32_t c = code_unit(r->p), low;

	r->p += 4;
	if (c >= 0xd800 && c < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
		low = code_unit(r->p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			r->p += 6;
			return eio_utf8_put(out, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
		}
	}
	if (c >= 0xd800 && c < 0xe000) c = 0xfffd; /* UTF-8 has no way to say it */
	return eio_utf8_put(out, c);
}

unsigned
sio__json_read(struct sio__json_reader *r, char out[4])
{
	if (r->p >= r->end) return 0;
	out[0] = *r->p++;
	if (out[0] != '\\') return 1;
	out[0] = *r->p++;
	switch (out[0]) {
	case 'b': out[0] = '\b'; break;
	case 'f': out[0] = '\f'; break;
	case 'n': out[0] = '\n'; break;
	case 'r': out[0] = '\r'; break;
	case 't': out[0] = '\t'; break;
	case 'u': return read_unicode(r, out);
	default: break; /* a quote, a slash or a backslash means itself */
	}
	return 1;
}

bool
sio_json_string_eq(struct eio_bytes string, struct eio_bytes bytes)
{
	struct sio__json_reader r;
	char c[4];
	unsigned n;

	CHECK(string.n >= 2 && string.p[0] == '"');
	/* An escape is longer than what it means, so equal lengths settle it at once. */
	if (string.n - 2 <= bytes.n)
		return string.n - 2 == bytes.n && (bytes.n == 0 || memcmp(string.p + 1, bytes.p, bytes.n) == 0) &&
		       (bytes.n == 0 || !memchr(bytes.p, '\\', bytes.n));
	r = sio__json_reader(string);
	while ((n = sio__json_read(&r, c)) > 0) {
		if (bytes.n < n || memcmp(bytes.p, c, n) != 0) return false;
		bytes.p += n;
		bytes.n -= n;
	}
	return bytes.n == 0;
}

void
sio_json_unescape(struct eio_buf *out, struct eio_bytes string)
{
	struct sio__json_reader r = sio__json_reader(string);
	const char *stop;
	char c[4];
	unsigned n;

	while (r.p < r.end) {
		stop = memchr(r.p, '\\', (size_t)(r.end - r.p));
		if (!stop) stop = r.end;
		eio_buf_append(out, r.p, (size_t)(stop - r.p));
		r.p = stop;
		n = sio__json_read(&r, c);
		eio_buf_append(out, c, n);
	}
}

static void
escape_byte(struct eio_buf *out, char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\', 0, '0', '0', 0, 0 };

	switch (c) {
	case '"':
	case '\\': text[1] = c; break;
	case '\b': text[1] = 'b'; break;
	case '\f': text[1] = 'f'; break;
	case '\n': text[1] = 'n'; break;
	case '\r': text[1] = 'r'; break;
	case '\t': text[1] = 't'; break;
	default:
		text[1] = 'u';
		text[4] = hex[(unsigned char)c >> 4];
		text[5] = hex[c & 15];
		eio_buf_append(out, text, 6);
		return;
	}
	eio_buf_append(out, text, 2);
}

/* Appends what stands in a string between its quotes. */
static void
escape_utf8(struct eio_buf *out, struct eio_bytes utf8)
{
	const char *p = utf8.p, *end = p + utf8.n, *from = p;

	while ((p = sio__json_skip_plain(p, end)) < end) {
		eio_buf_append(out, from, (size_t)(p - from));
		escape_byte(out, *p);
		from = ++p;
	}
	if (end > from) eio_buf_append(out, from, (size_t)(end - from));
}

/* How many leading bytes of s are well-formed. */
static size_t
utf8_len(struct eio_bytes s)
{
	size_t n = 0, k;
	uint32_t cp;

	while ((k = eio_utf8_next(eio_bytes(s.p + n, s.n - n), &cp)) > 0) n += k;
	return n;
}

/* Appends bytes that are not all well-formed. */
static void
escape_mended(struct eio_buf *out, struct eio_bytes bytes)
{
	for (size_t n; bytes.n > 0; bytes = eio_bytes(bytes.p + n, bytes.n - n)) {
		n = utf8_len(bytes);
		escape_utf8(out, eio_bytes(bytes.p, n));
		if (n == bytes.n) break;
		eio_buf_append(out, replacement, sizeof replacement - 1);
		n++;
	}
}

void
sio_json_escape(struct eio_buf *out, struct eio_bytes bytes)
{
	eio_buf_addc(out, '"');
	if (!eio_utf8_valid(bytes))
		escape_mended(out, bytes);
	else if (bytes.n > 0)
		escape_utf8(out, bytes);
	eio_buf_addc(out, '"');
}
