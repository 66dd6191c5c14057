/* SPDX-License-Identifier: MIT */
/*
 * The body of a request, by its length or in chunks (RFC 9112 section 7.1).
 *
 *     SIZE ─';'▶ extensions ─┐     CONTENT ─▶ CONTENT_CR ─▶ CONTENT_LF ─▶ SIZE
 *       └────────CR──────────┴▶ SIZE_LF ┤
 *                                       └ size 0 ─▶ TRAILERS ─▶ OVER
 */
#include "eio/net/http_int.h"

/* Of a chunk's size, without zeros before it: what fits into 64 bits. */
enum { SIZE_DIGITS = 16 };

void
eio__http_body_begin(struct eio__http_body *b, uint64_t length)
{
	*b = (struct eio__http_body){ .state = length ? EIO__BODY_CONTENT : EIO__BODY_OVER, .left = length };
}

void
eio__http_body_begin_chunked(struct eio__http_body *b, size_t max_extra)
{
	*b = (struct eio__http_body){ .state = EIO__BODY_SIZE, .chunked = true, .max_extra = max_extra };
}

static enum eio__body_state
refuse_body(struct eio__http_body *b, int status)
{
	b->status = status;
	return b->state;
}

static enum eio__body_state
step_in_size(struct eio__http_body *b, char c)
{
	int digit = eio_hex_value(c);

	if (digit >= 0) {
		if (b->size >> 60) return refuse_body(b, 400);
		b->size = b->size << 4 | (uint64_t)digit;
		/* Zeros may come first, in number as extensions do. */
		if (++b->digits > SIZE_DIGITS && ++b->extra > b->max_extra) return refuse_body(b, 413);
		return EIO__BODY_SIZE;
	}
	if (b->digits == 0) return refuse_body(b, 400);
	if (c == ';') return EIO__BODY_NAME_START;
	return c == '\r' ? EIO__BODY_SIZE_LF : refuse_body(b, 400);
}

/* What may stand behind an extension. */
static enum eio__body_state
end_extension(struct eio__http_body *b, char c)
{
	if (c == ';') return EIO__BODY_NAME_START;
	return c == '\r' ? EIO__BODY_SIZE_LF : refuse_body(b, 400);
}

/* Extensions mean nothing to us; they are `;name` or `;name=value`, the value perhaps in quotes. As in Node there are
 * no blanks around them. */
static enum eio__body_state
step_in_extension(struct eio__http_body *b, char c)
{
	bool token = eio__http_is_token(c);

	if (++b->extra > b->max_extra) return refuse_body(b, 413);
	switch (b->state) {
	case EIO__BODY_NAME_START: return token ? EIO__BODY_NAME : refuse_body(b, 400);
	case EIO__BODY_NAME:
		if (token) return EIO__BODY_NAME;
		return c == '=' ? EIO__BODY_VALUE_START : end_extension(b, c);
	case EIO__BODY_VALUE_START:
		if (c == '"') return EIO__BODY_QUOTED;
		return token ? EIO__BODY_VALUE : refuse_body(b, 400);
	case EIO__BODY_VALUE: return token ? EIO__BODY_VALUE : end_extension(b, c);
	case EIO__BODY_QUOTED:
		if (c == '"') return EIO__BODY_QUOTED_END;
		if (c == '\\') return EIO__BODY_QUOTED_PAIR;
		return eio__http_is_text(c) ? EIO__BODY_QUOTED : refuse_body(b, 400);
	case EIO__BODY_QUOTED_PAIR: return eio__http_is_text(c) ? EIO__BODY_QUOTED : refuse_body(b, 400);
	default: return end_extension(b, c);
	}
}

static enum eio__body_state
end_size(struct eio__http_body *b)
{
	b->left = b->size;
	b->size = 0;
	b->digits = 0;
	if (b->left) return EIO__BODY_CONTENT;
	eio__http_lines_begin_trailers(&b->trailers);
	return EIO__BODY_TRAILERS;
}

/* The state behind a byte that is neither content nor part of a trailer. */
static enum eio__body_state
step_in_body(struct eio__http_body *b, char c)
{
	switch (b->state) {
	case EIO__BODY_CONTENT_CR: return c == '\r' ? EIO__BODY_CONTENT_LF : refuse_body(b, 400);
	case EIO__BODY_CONTENT_LF: return c == '\n' ? EIO__BODY_SIZE : refuse_body(b, 400);
	case EIO__BODY_SIZE: return step_in_size(b, c);
	case EIO__BODY_SIZE_LF: return c == '\n' ? end_size(b) : refuse_body(b, 400);
	default: return step_in_extension(b, c);
	}
}

static size_t
read_content(struct eio__http_body *b, const char *p, size_t n, struct eio_bytes *content)
{
	if (n > b->left) n = (size_t)b->left;
	*content = eio_bytes(p, n);
	b->left -= n;
	if (b->left == 0) b->state = b->chunked ? EIO__BODY_CONTENT_CR : EIO__BODY_OVER;
	return n;
}

/* Trailers are read over: neither header nor harm. */
static size_t
read_trailers(struct eio__http_body *b, const char *p, size_t n)
{
	size_t room = b->max_extra - b->extra, used = eio__http_lines_check(&b->trailers, p, n < room ? n : room);

	b->extra += used;
	b->status = b->trailers.status;
	if (b->trailers.state == EIO__LINE_OVER)
		b->state = EIO__BODY_OVER;
	else if (!b->status && b->extra == b->max_extra)
		b->status = 431;
	return used;
}

size_t
eio__http_body_read(struct eio__http_body *b, const char *p, size_t n, struct eio_bytes *content)
{
	size_t i = 0;

	*content = eio_bytes(p, 0);
	while (i < n && b->state != EIO__BODY_CONTENT && b->state != EIO__BODY_TRAILERS) {
		b->state = step_in_body(b, p[i]);
		if (b->status) return i;
		i++;
		/* The size may be one too many for our caller. */
		if (b->left) return i;
	}
	if (i == n) return i;
	if (b->state == EIO__BODY_TRAILERS) return i + read_trailers(b, p + i, n - i);
	return i + read_content(b, p + i, n - i, content);
}
