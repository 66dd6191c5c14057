/* SPDX-License-Identifier: MIT */
/* Numbers of base 64. */
#include "src/feed/offset.h"

#include <string.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";

/* Returns how many digits it wrote. */
static unsigned
write_digits(char *out, uint64_t v)
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
	unsigned n = write_digits(t.text, o.serial);

	if (o.own) {
		t.text[n++] = '.';
		n += write_digits(t.text + n, o.own);
	}
	t.n = (unsigned char)n;
	return t;
}

static bool
read_digits(struct eio_bytes s, uint64_t *out)
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
	if (!read_digits(eio_bytes(text.p, n), &out->serial)) return false;
	if (!dot) return true;
	return read_digits(eio_bytes(dot + 1, text.n - n - 1), &out->own) && out->own > 0;
}
