/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer. Out of memory is remembered instead of returned:
 * after a failed append the buffer stays failed, further appends do nothing,
 * and the caller checks eio_buf_failed() once at the end. Not thread-safe.
 */
#ifndef EIO_BUF_H
#define EIO_BUF_H

#include "eio/bytes.h"

#include <stdint.h>

struct eio_buf {
	char *p; /* owned; NULL while nothing was appended */
	size_t n, cap;
	bool failed;
};

/* An empty buffer; it owns nothing until the first append. */
static inline void
eio_buf_init(struct eio_buf *b)
{
	*b = (struct eio_buf){ 0 };
}

/* Frees the memory and leaves an empty buffer. */
void eio_buf_deinit(struct eio_buf *b);

/* Empties the buffer, keeps the memory, forgets a failure. */
static inline void
eio_buf_clear(struct eio_buf *b)
{
	b->n = 0;
	b->failed = false;
}

/* Makes room for n more bytes and returns where they start, or NULL when out of
 * memory. The bytes count only once the caller adds them to b->n. */
char *eio_buf_reserve(struct eio_buf *b, size_t n);

/* eio_buf_append when there is no room yet. */
void eio__buf_append_slowly(struct eio_buf *b, const void *p, size_t n);

static inline void
eio_buf_append(struct eio_buf *b, const void *p, size_t n)
{
	if (n == 0) return;
	if (b->failed || b->cap - b->n < n) {
		eio__buf_append_slowly(b, p, n);
		return;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void eio_buf_append_u64(struct eio_buf *b, uint64_t v); /* decimal */

/* Appends printf-formatted text, for what is not on a hot path. */
void eio_buf_printf(struct eio_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline void
eio_buf_add(struct eio_buf *b, struct eio_bytes s)
{
	eio_buf_append(b, s.p, s.n);
}

static inline void
eio_buf_addc(struct eio_buf *b, char c)
{
	eio_buf_append(b, &c, 1);
}

#define EIO_BUF_ADD_LIT(b, s) eio_buf_append((b), (s), sizeof(s) - 1)

static inline bool
eio_buf_failed(const struct eio_buf *b)
{
	return b->failed;
}

/* The content; valid until the next call that changes the buffer. */
static inline struct eio_bytes
eio_buf_bytes(const struct eio_buf *b)
{
	return (struct eio_bytes){ b->p, b->n };
}

#endif
