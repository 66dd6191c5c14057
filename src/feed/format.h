/* SPDX-License-Identifier: MIT */
/* How messages stand one behind the other in a batch: see stream.h for the formats. Small, and on the hot path. */
#ifndef SRC_FEED_FORMAT_H
#define SRC_FEED_FORMAT_H

#include "eio/buf.h"
#include "src/feed/spec.h"

enum { FEED_FRAME_HEADER = 4 };

/* Whether messages are put together as an array: what is sent of it may be something else. */
static inline bool
feed_format_is_list(enum feed_format f)
{
	return f == FEED_FORMAT_ARRAY || f == FEED_FORMAT_COLUMNS;
}

/* How many bytes stand in front of a message, and behind it before the next. */
static inline size_t
feed_format_before(enum feed_format f)
{
	return f == FEED_FORMAT_FRAMES ? FEED_FRAME_HEADER : feed_format_is_list(f);
}

static inline size_t
feed_format_after(enum feed_format f)
{
	return f == FEED_FORMAT_LINES;
}

static inline void
feed_format_frame(char out[FEED_FRAME_HEADER], size_t n)
{
	for (int i = 0; i < FEED_FRAME_HEADER; i++) out[i] = (char)(n >> (8 * (FEED_FRAME_HEADER - 1 - i)));
}

/* Writes a message behind so many others, into room that was made for it. */
static inline void
feed_format_put(enum feed_format f, struct eio_buf *body, size_t others, struct eio_bytes m)
{
	char *start = body->p + body->n, *p = start;

	if (feed_format_is_list(f)) *p++ = others ? ',' : '[';
	if (f == FEED_FORMAT_FRAMES) {
		feed_format_frame(p, m.n);
		p += FEED_FRAME_HEADER;
	}
	if (m.n) memcpy(p, m.p, m.n);
	p += m.n;
	if (f == FEED_FORMAT_LINES) *p++ = '\n';
	body->n += (size_t)(p - start);
}

#endif
