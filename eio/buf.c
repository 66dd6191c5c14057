/* SPDX-License-Identifier: MIT */
/* The growing byte buffer: doubles, and remembers when memory ran out. */
#include "eio/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST = 64 };

void
eio_buf_deinit(struct eio_buf *b)
{
	free(b->p);
	eio_buf_init(b);
}

char *
eio_buf_reserve(struct eio_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	char *p;

	if (b->failed || n > SIZE_MAX / 2 - b->n) {
		b->failed = true;
		return NULL;
	}
	while (cap < b->n + n) cap *= 2;
	if (cap != b->cap) {
		p = realloc(b->p, cap);
		if (!p) {
			b->failed = true;
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->n;
}

void
eio__buf_append_slowly(struct eio_buf *b, const void *p, size_t n)
{
	char *to = eio_buf_reserve(b, n);

	if (!to) return;
	memcpy(to, p, n);
	b->n += n;
}

void
eio_buf_append_u64(struct eio_buf *b, uint64_t v)
{
	char digits[20];
	size_t i = sizeof digits;

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	eio_buf_append(b, digits + i, sizeof digits - i);
}

void
eio_buf_printf(struct eio_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	/* One more byte for the NUL that vsnprintf writes and we do not count. */
	to = n < 0 ? NULL : eio_buf_reserve(b, (size_t)n + 1);
	if (to) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	} else {
		b->failed = true;
	}
	va_end(again);
}
