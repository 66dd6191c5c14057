/* SPDX-License-Identifier: MIT */
/*
 * A number is its sign, the digits from the first that is not zero on, and the power of
 * ten of that digit: compared in this order, no digit is ever converted.
 */
#include "src/where/number.h"

#include <stdint.h>

/* Far beyond what the length of a message can shift, and far from overflowing together with it. */
#define EXPONENT_MAX 1000000000000000

struct number {
	int sign; /* -1, 0, 1 */
	int64_t power; /* 0.1: the first digit stands just behind the point */
	const char *p, *end; /* digits, one '.' may be among them */
};

static inline bool
is_number_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int64_t
number_exponent(const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	int64_t e = 0;

	if (p < end && (*p == '-' || *p == '+')) p++;
	for (; p < end; p++)
		if (e < EXPONENT_MAX) e = e * 10 + (*p - '0');
	return negative ? -e : e;
}

/* Takes the leading zeros away. */
static struct number
number_read(struct eio_bytes s)
{
	const char *p = s.p, *end = s.p + s.n, *point = NULL, *first = NULL;
	struct number n = { .sign = 1 };

	if (*p == '-') {
		n.sign = -1;
		p++;
	}
	for (; p < end && (is_number_digit(*p) || *p == '.'); p++) {
		if (*p == '.')
			point = p;
		else if (!first && *p != '0')
			first = p;
	}
	if (!first) return (struct number){ 0 };
	if (!point) point = p;
	n.p = first;
	n.end = p;
	n.power = first < point ? point - first : point + 1 - first;
	if (p < end) n.power += number_exponent(p + 1, end);
	return n;
}

/* The next digit; zeros without end behind the last one. */
static inline char
number_digit(struct number *n)
{
	if (n->p < n->end && *n->p == '.') n->p++;
	return n->p < n->end ? *n->p++ : '0';
}

/* Of two whose first digits have the same power. */
static int
compare_digits(struct number a, struct number b)
{
	char x, y;

	while (a.p < a.end || b.p < b.end) {
		x = number_digit(&a);
		y = number_digit(&b);
		if (x != y) return x < y ? -1 : 1;
	}
	return 0;
}

int
where_number_compare(struct eio_bytes a, struct eio_bytes b)
{
	struct number x = number_read(a), y = number_read(b);
	int magnitude;

	if (x.sign != y.sign) return x.sign < y.sign ? -1 : 1;
	if (x.sign == 0) return 0;
	magnitude = x.power != y.power ? (x.power < y.power ? -1 : 1) : compare_digits(x, y);
	return magnitude * x.sign;
}
