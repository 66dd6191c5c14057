/* SPDX-License-Identifier: MIT */
/* Decimal numbers and blanks after JavaScript's Number(), for counts and indexes. Exact, without floating point. */
#include "sio/number_int.h"

size_t
sio__blank_len(struct eio_bytes s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (s.n == 0) return 0;
	if (p[0] == ' ' || (p[0] >= '\t' && p[0] <= '\r')) return 1;
	if (s.n >= 2 && p[0] == 0xc2 && p[1] == 0xa0) return 2; /* U+00A0 */
	if (s.n < 3) return 0;
	if (p[0] == 0xe1 && p[1] == 0x9a && p[2] == 0x80) return 3; /* U+1680 */
	if (p[0] == 0xe2 && p[1] == 0x80 &&
		((p[2] >= 0x80 && p[2] <= 0x8a) || p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf))
		return 3; /* U+2000 … U+200A, U+2028, U+2029, U+202F */
	if (p[0] == 0xe2 && p[1] == 0x81 && p[2] == 0x9f) return 3; /* U+205F */
	if (p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80) return 3; /* U+3000 */
	if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) return 3; /* U+FEFF */
	return 0;
}

/* A decimal taken apart: 0.d1 d2 d3 … times 10^exponent, d1 not zero. */
struct decimal {
	unsigned first[2]; /* d1 and d2 */
	size_t significant; /* digits up to the last that is not zero; 0 when the number is zero */
	long exponent;
	bool negative;
};

static bool
is_digit(struct eio_bytes s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* An exponent of thousands is as good as infinite here; stop counting there. */
static size_t
read_exponent(struct eio_bytes s, size_t i, long *exponent)
{
	bool negative = false;
	long v = 0;

	if (i < s.n && (s.p[i] == '+' || s.p[i] == '-')) negative = s.p[i++] == '-';
	if (!is_digit(s, i)) return 0;
	for (; is_digit(s, i); i++)
		if (v < 100000000) v = v * 10 + (s.p[i] - '0');
	*exponent = negative ? -v : v;
	return i;
}

static bool
take_apart(struct eio_bytes s, struct decimal *d)
{
	size_t i = 0, digits = 0, seen = 0;
	bool point = false;
	long exponent = 0;

	*d = (struct decimal){ 0 };
	if (i < s.n && (s.p[i] == '+' || s.p[i] == '-')) d->negative = s.p[i++] == '-';
	for (; is_digit(s, i) || (i < s.n && s.p[i] == '.' && !point); i++) {
		if (s.p[i] == '.') {
			point = true;
			continue;
		}
		digits++;
		if (seen == 0 && s.p[i] == '0') {
			if (point) d->exponent--;
			continue;
		}
		if (seen < 2) d->first[seen] = (unsigned)(s.p[i] - '0');
		seen++;
		if (s.p[i] != '0') d->significant = seen;
		if (!point) d->exponent++;
	}
	if (digits == 0) return false;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i = read_exponent(s, i + 1, &exponent);
		if (i == 0) return false;
		d->exponent += exponent;
	}
	return i == s.n;
}

enum sio__number
sio__number_read(struct eio_bytes text, unsigned *value)
{
	struct decimal d;

	if (!take_apart(text, &d)) return SIO__NUMBER_NONE;
	if (d.significant == 0) {
		*value = 0;
		return SIO__NUMBER_SMALL;
	}
	if (d.negative) return SIO__NUMBER_NEGATIVE;
	if (d.exponent > 2) return SIO__NUMBER_LARGE;
	*value = d.exponent < 1 ? 0 : d.exponent == 1 ? d.first[0] : d.first[0] * 10 + d.first[1];
	return d.exponent < 1 || d.significant > (size_t)d.exponent ? SIO__NUMBER_FRACTION : SIO__NUMBER_SMALL;
}
