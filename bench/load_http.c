/* SPDX-License-Identifier: MIT */
/* See load_http.h. */
#include "bench/load_http.h"

#include "bench/load.h"

#include <stdlib.h>
#include <strings.h>

enum { HEAD_MAX = 8192 };

/* The value of a header in the block, as the rest of its line; NULL when it is not there. name:
 * "\r\nContent-Length:" */
static const char *
http_header(const struct http *h, const char *name)
{
	const char *p = h->in.p, *end = p + h->head;
	size_t n = strlen(name);

	for (; (p = memchr(p, '\r', (size_t)(end - p))) != NULL; p++)
		if ((size_t)(end - p) > n && strncasecmp(p, name, n) == 0) return p + n + strspn(p + n, " ");
	return NULL;
}

static bool
header_is(const struct http *h, const char *name, const char *value)
{
	const char *p = http_header(h, name);

	return p && strncasecmp(p, value, strlen(value)) == 0;
}

static enum http_result
read_head(struct http *h)
{
	const char *end = h->in.n ? memmem(h->in.p, h->in.n, "\r\n\r\n", 4) : NULL, *p;

	if (!end) return h->in.n > HEAD_MAX ? HTTP_BAD : HTTP_MORE;
	if (!eio_bytes_starts(eio_buf_bytes(&h->in), EIO_LIT("HTTP/1."))) return HTTP_BAD;
	h->head = (size_t)(end - h->in.p) + 4;
	h->status = atoi(h->in.p + 9);
	p = http_header(h, "\r\nContent-Length:");
	h->length = p ? strtol(p, NULL, 10) : -1;
	h->chunked = header_is(h, "\r\nTransfer-Encoding:", "chunked");
	h->gzip = header_is(h, "\r\nContent-Encoding:", "gzip");
	h->close = h->in.p[7] == '0' || header_is(h, "\r\nConnection:", "close");
	h->at = h->head;
	if (h->chunked) h->length = -1;
	return HTTP_DONE;
}

/* One chunk is moved to the end of the body before it. HTTP_DONE: it was the last. */
static enum http_result
read_chunk(struct http *h)
{
	char *base = h->in.p + h->head, *line, *end;

	if (h->length < 0) {
		line = h->in.p + h->at;
		end = memmem(line, h->in.n - h->at, "\r\n", 2);
		if (!end) return HTTP_MORE;
		h->length = strtol(line, NULL, 16);
		if (h->length < 0) return HTTP_BAD;
		h->at = (size_t)(end + 2 - h->in.p);
	}
	if (h->in.n - h->at < (size_t)h->length + 2) return HTTP_MORE;
	if (h->length == 0) return HTTP_DONE;
	memmove(base + h->body_n, h->in.p + h->at, (size_t)h->length);
	h->body_n += (size_t)h->length;
	h->at += (size_t)h->length + 2;
	h->length = -1;
	return HTTP_MORE;
}

static enum http_result
read_chunks(struct http *h)
{
	enum http_result r;
	size_t before;

	do {
		before = h->at;
		r = read_chunk(h);
	} while (r == HTTP_MORE && h->at != before && h->length < 0);
	return r;
}

static enum http_result
unpack_body(struct http *h)
{
	struct eio_bytes out;

	h->body = h->in.p + h->head;
	if (!h->gzip) return HTTP_DONE;
	if (!inflate_gzip(eio_bytes(h->body, h->body_n), &out)) return HTTP_BAD;
	/* Into memory of ours, because the body may be overwritten. */
	h->in.n = h->head;
	eio_buf_add(&h->in, out);
	if (eio_buf_failed(&h->in)) return HTTP_BAD;
	h->body = h->in.p + h->head;
	h->body_n = out.n;
	return HTTP_DONE;
}

enum http_result
http_input(struct http *h, const char *p, size_t n)
{
	enum http_result r;

	eio_buf_append(&h->in, p, n);
	if (eio_buf_failed(&h->in)) return HTTP_BAD;
	if (h->head == 0 && (r = read_head(h)) != HTTP_DONE) return r;
	if (h->chunked) {
		r = read_chunks(h);
	} else {
		if (h->length < 0) return HTTP_BAD;
		h->body_n = (size_t)h->length;
		r = h->in.n - h->head < h->body_n ? HTTP_MORE : HTTP_DONE;
	}
	return r == HTTP_DONE ? unpack_body(h) : r;
}

enum http_result
http_stream(struct http *h, const char *p, size_t n, struct eio_buf *body)
{
	enum http_result r;

	eio_buf_append(&h->in, p, n);
	if (eio_buf_failed(&h->in)) return HTTP_BAD;
	if (h->head == 0 && (r = read_head(h)) != HTTP_DONE) return r;
	if (!h->chunked) {
		eio_buf_append(body, h->in.p + h->at, h->in.n - h->at);
		h->in.n = h->at;
		return HTTP_DONE;
	}
	if (read_chunks(h) == HTTP_BAD) return HTTP_BAD;
	eio_buf_append(body, h->in.p + h->head, h->body_n);
	/* What is left is moved to the front, behind the header block. */
	memmove(h->in.p + h->head, h->in.p + h->at, h->in.n - h->at);
	h->in.n -= h->at - h->head;
	h->at = h->head;
	h->body_n = 0;
	return HTTP_DONE;
}

void
http_next(struct http *h)
{
	struct eio_buf in = h->in;

	eio_buf_clear(&in);
	*h = (struct http){ .in = in };
}

void
http_deinit(struct http *h)
{
	eio_buf_deinit(&h->in);
	*h = (struct http){ 0 };
}
