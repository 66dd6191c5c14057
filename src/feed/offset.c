/* SPDX-License-Identifier: MIT */
/* Numbers of base 64. */
#include "src/feed/offset.h"

#include <string.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";

unsigned
feed_digits_write(char out[FEED_DIGITS_MAX], uint64_t v)
{
	unsigned n = 1;

	for (uint64_t rest = v >> 6; rest; rest >>= 6) n++;
	for (unsigned i = n; i-- > 0; v >>= 6) out[i] = digits[v & 63];
	return n;
}

struct feed_offset_text
feed_offset_write(struct feed_offset o)
{
	struct feed_offset_text t;
	unsigned n = feed_digits_write(t.text, o.serial);

	if (o.own) {
		t.text[n++] = '.';
		n += feed_digits_write(t.text + n, o.own);
	}
	t.n = (unsigned char)n;
	return t;
}

bool
feed_digits_read(struct eio_bytes s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || (s.n > 1 && s.p[0] == '0')) return false;
	for (size_t i = 0; i < s.n; i++) {
		const char *d = s.p[i] ? strchr(digits, s.p[i]) : NULL;

		if (!d || v >> 58) return false;
		v = v << 6 | (uint64_t)(d - digits);
	}
	*out = v;
	return true;
}

bool
feed_offset_read(struct eio_bytes text, struct feed_offset *out)
{
	const char *dot = text.n ? memchr(text.p, '.', text.n) : NULL;
	size_t n = dot ? (size_t)(dot - text.p) : text.n;

	*out = (struct feed_offset){ 0 };
	if (!feed_digits_read(eio_bytes(text.p, n), &out->serial)) return false;
	if (!dot) return true;
	return feed_digits_read(eio_bytes(dot + 1, text.n - n - 1), &out->own) && out->own > 0;
}

void
feed_offset_add(struct feed_offset_text *t, uint32_t node, const struct standing_text *standing)
{
	t->text[t->n++] = '~';
	for (int i = FEED_NODE_DIGITS; i-- > 0;) t->text[t->n++] = digits[node >> 6 * i & 63];
	memcpy(t->text + t->n, standing->text, standing->n);
	t->n = (unsigned char)(t->n + standing->n);
}

void
feed_offset_add_as(struct feed_offset_text *t, const struct feed_offset_text *other)
{
	const char *tilde = other->n ? memchr(other->text, '~', other->n) : NULL;
	size_t n = tilde ? (size_t)(other->text + other->n - tilde) : 0;

	if (!tilde) return;
	memcpy(t->text + t->n, tilde, n);
	t->n = (unsigned char)(t->n + n);
}

bool
feed_offset_cut(struct eio_bytes *text, uint32_t *node, struct eio_bytes *standing)
{
	const char *tilde = text->n ? memchr(text->p, '~', text->n) : NULL;
	size_t n = tilde ? (size_t)(tilde - text->p) : 0;
	const char *d;

	if (!tilde || text->n - n - 1 < FEED_NODE_DIGITS) return false;
	*node = 0;
	for (int i = 1; i <= FEED_NODE_DIGITS; i++) {
		d = tilde[i] ? strchr(digits, tilde[i]) : NULL;
		if (!d) return false;
		*node = *node << 6 | (uint32_t)(d - digits);
	}
	*standing = eio_bytes(tilde + 1 + FEED_NODE_DIGITS, text->n - n - 1 - FEED_NODE_DIGITS);
	text->n = n;
	return true;
}
