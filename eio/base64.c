/* SPDX-License-Identifier: MIT */
/* Base64 both ways. Decoding is as tolerant as Node's where that costs nothing: padding may be missing and the URL-safe
 * alphabet is understood, left-over bits are dropped, and white space is passed over, which some clients put behind
 * every 76 characters; other junk is refused. */
#include "eio/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
eio_base64_encode(char *out, struct eio_bytes s)
{
	const unsigned char *in = (const unsigned char *)s.p;
	char *o = out;
	size_t i;
	uint32_t v;

	for (i = 0; i + 3 <= s.n; i += 3, o += 4) {
		v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
		o[0] = alphabet[v >> 18];
		o[1] = alphabet[v >> 12 & 63];
		o[2] = alphabet[v >> 6 & 63];
		o[3] = alphabet[v & 63];
	}
	if (i < s.n) {
		v = (uint32_t)in[i] << 16 | (i + 1 < s.n ? (uint32_t)in[i + 1] << 8 : 0);
		o[0] = alphabet[v >> 18];
		o[1] = alphabet[v >> 12 & 63];
		o[2] = i + 1 < s.n ? alphabet[v >> 6 & 63] : '=';
		o[3] = '=';
		o += 4;
	}
	return (size_t)(o - out);
}

static int
base64_digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z') return c - 'A';
	if (c >= 'a' && c <= 'z') return c - 'a' + 26;
	if (c >= '0' && c <= '9') return c - '0' + 52;
	if (c == '+' || c == '-') return 62;
	if (c == '/' || c == '_') return 63;
	return -1;
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Without the padding and the white space at its end. */
static struct eio_bytes
cut_padding(struct eio_bytes s)
{
	int pad = 0;

	for (; s.n > 0; s.n--) {
		if (s.p[s.n - 1] == '=' && pad < 2)
			pad++;
		else if (!is_white(s.p[s.n - 1]))
			break;
	}
	return s;
}

ssize_t
eio_base64_decode(char *out, struct eio_bytes s)
{
	unsigned char *o = (unsigned char *)out;
	uint32_t v = 0;
	int bits = 0;

	s = cut_padding(s);
	for (size_t i = 0; i < s.n; i++) {
		int d = base64_digit((unsigned char)s.p[i]);

		if (d < 0 && is_white(s.p[i])) continue;
		if (d < 0) return -1;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*o++ = (unsigned char)(v >> bits);
		}
	}
	return (ssize_t)((char *)o - out);
}
