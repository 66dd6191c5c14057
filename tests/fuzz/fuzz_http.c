/* SPDX-License-Identifier: MIT */
/*
 * Any bytes on an HTTP connection, once whole and once in small pieces: the
 * requests that come out must be the same, and their parts must lie in them.
 */
#include "eio/net/http.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_HEAD = 300, MAX_BODY = 100 };

static void
describe_part(struct eio_buf *out, struct eio_bytes b)
{
	eio_buf_append_u64(out, b.n);
	eio_buf_addc(out, ':');
	eio_buf_add(out, b);
}

static void
describe(struct eio_buf *out, const struct eio_request *r)
{
	eio_buf_printf(out, "%d %d%d%d%d %u ", (int)r->method, r->keep_alive, r->minor0, r->websocket,
		r->expect_continue, r->count);
	if (r->path.n + r->query.n > r->target.n || r->body.n > MAX_BODY) abort();
	if (r->target.n == 0 || memchr(r->target.p, '#', r->target.n)) abort();
	describe_part(out, r->target);
	describe_part(out, r->path);
	describe_part(out, r->query);
	describe_part(out, eio_request_header(r, EIO_LIT("content-type")));
	describe_part(out, eio_request_header(r, EIO_LIT("host")));
	describe_part(out, eio_buf_bytes(&r->body));
}

/* One result of the parser; returns whether the connection goes on. */
static bool
note(struct eio_buf *out, struct eio_http *h, enum eio_http_result r)
{
	struct eio_request *req = NULL;

	if (r == EIO_HTTP_MORE) return true;
	eio_buf_printf(out, "=%d %d ", (int)r, eio_http_status(h));
	if (r == EIO_HTTP_NOMEM || (r == EIO_HTTP_BAD) != (eio_http_status(h) >= 400)) abort();
	if (r == EIO_HTTP_COMPLETE || r == EIO_HTTP_TOO_LARGE || r == EIO_HTTP_UPGRADE) {
		req = eio_http_take(h);
		if (!req) abort();
		/* How much of a body that is too large was read depends on the pieces. */
		if (r != EIO_HTTP_TOO_LARGE) describe(out, req);
	}
	eio_request_free(req);
	return r == EIO_HTTP_COMPLETE || r == EIO_HTTP_TOO_LARGE;
}

static void
run(struct eio_buf *out, const uint8_t *data, size_t size, size_t piece)
{
	struct eio_http *h = eio_http_new(MAX_HEAD, MAX_BODY);
	size_t at = 0, n, used;
	bool open = true;
	char *copy;

	if (!h) return;
	while (open && at < size) {
		n = size - at < piece ? size - at : piece;
		copy = malloc(n);
		if (!copy) break;
		memcpy(copy, data + at, n);
		open = note(out, h, eio_http_feed(h, copy, n, &used));
		free(copy);
		if (used > n || (open && used == 0)) abort();
		at += used;
	}
	eio_http_free(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_buf whole, pieces;

	eio_buf_init(&whole);
	eio_buf_init(&pieces);
	run(&whole, data, size, size);
	run(&pieces, data, size, 1);
	if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&pieces))) {
		printf("%.*s\n%.*s\n", (int)whole.n, whole.p, (int)pieces.n, pieces.p);
		abort();
	}
	pieces.n = 0;
	run(&pieces, data, size, 7);
	if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&pieces))) abort();
	eio_buf_deinit(&whole);
	eio_buf_deinit(&pieces);
	return 0;
}
