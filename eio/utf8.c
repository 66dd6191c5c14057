/* SPDX-License-Identifier: MIT */
/* UTF-8 checks. ASCII is passed over eight bytes at a time; utf8proc judges the rest. The only file that
 * includes utf8proc. */
#include "eio/utf8.h"

#include <stdint.h>
#include <utf8proc.h>

/* How many leading bytes are ASCII, rounded down to what is quick to tell. */
static size_t
ascii_run(const char *p, size_t n)
{
	size_t i = 0;
	uint64_t w;

	for (; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if (w & 0x8080808080808080u) break;
	}
	return i;
}

bool
eio_utf8_valid(struct eio_bytes s)
{
	size_t i = 0;
	utf8proc_int32_t cp;
	utf8proc_ssize_t k;

	while (i < s.n) {
		i += ascii_run(s.p + i, s.n - i);
		if (i == s.n) break;
		k = utf8proc_iterate((const utf8proc_uint8_t *)s.p + i, (utf8proc_ssize_t)(s.n - i), &cp);
		if (k <= 0) return false;
		i += (size_t)k;
	}
	return true;
}
