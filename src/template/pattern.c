/* SPDX-License-Identifier: MIT */
/* Matching Redis glob patterns, to find what their stars stand for. */
#include "src/template/pattern.h"

/* Steps over one element of a pattern that is not a star and says whether it matches c. The rules are those of
 * Redis's glob: "\x" is x, "[" runs to the next "]" or to the end. */
static bool
pattern_step(struct eio_bytes pattern, size_t *at, unsigned char c)
{
	const unsigned char *p = (const unsigned char *)pattern.p;
	size_t i = *at, n = pattern.n;
	bool negate, hit = false;

	if (p[i] == '?') {
		*at = i + 1;
		return true;
	}
	if (p[i] != '[') {
		if (p[i] == '\\' && i + 1 < n) i++;
		*at = i + 1;
		return p[i] == c;
	}
	i++;
	negate = i < n && p[i] == '^';
	if (negate) i++;
	while (i < n && p[i] != ']') {
		unsigned char low, high;

		if (p[i] == '\\' && i + 1 < n) {
			hit |= p[i + 1] == c;
			i += 2;
		} else if (i + 2 < n && p[i + 1] == '-') {
			low = p[i] < p[i + 2] ? p[i] : p[i + 2];
			high = p[i] < p[i + 2] ? p[i + 2] : p[i];
			hit |= c >= low && c <= high;
			i += 3;
		} else {
			hit |= p[i++] == c;
		}
	}
	*at = i < n ? i + 1 : n;
	return hit != negate;
}

unsigned
template_count_stars(struct eio_bytes pattern)
{
	unsigned stars = 0;
	size_t i = 0;

	while (i < pattern.n) {
		if (pattern.p[i] != '*') {
			pattern_step(pattern, &i, 0);
			continue;
		}
		while (i < pattern.n && pattern.p[i] == '*') i++; /* several in a row are one */
		stars++;
	}
	return stars < TEMPLATE_CAPTURES ? stars : TEMPLATE_CAPTURES;
}

/* Only the last star met is ever tried again with one character more: what earlier stars took never needs to
 * change when each took as little as it could. So there is no recursion and the cost is at most n times m. */
bool
template_match(struct eio_bytes pattern, struct eio_bytes channel, struct template_captures *out)
{
	size_t p = 0, c = 0, star_p = 0, star_c = 0, star_begin = 0;
	unsigned stars = 0;

	out->n = 0;
	for (;;) {
		if (p < pattern.n && pattern.p[p] == '*') {
			while (p < pattern.n && pattern.p[p] == '*') p++;
			star_p = p;
			star_c = star_begin = c;
			stars++;
		} else if (p < pattern.n && c < channel.n && pattern_step(pattern, &p, (unsigned char)channel.p[c])) {
			c++;
			continue;
		} else if (p == pattern.n && c == channel.n) {
			return true;
		} else {
			if (!stars || star_c >= channel.n) return false;
			p = star_p;
			c = ++star_c;
		}
		if (stars <= TEMPLATE_CAPTURES) {
			out->v[stars - 1] = eio_bytes(channel.p + star_begin, star_c - star_begin);
			out->n = stars;
		}
	}
}
