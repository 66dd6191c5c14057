/* SPDX-License-Identifier: MIT */
/*
 * Any bytes on an HTTP connection, once whole and once in small pieces: the
 * requests that come out must be the same, and their parts must lie in them. And
 * whatever is taken for the first of them once more, with another t, must be what
 * the parser makes of it.
 */
#include "eio/net/http.h"
#include "eio/net/repeat.h"

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
	for (unsigned i = 0; i < r->count; i++) {
		struct eio_bytes name, value;

		eio_request_header_at(r, i, &name, &value);
		describe_part(out, name);
		describe_part(out, value);
	}
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

/* The request that bytes begin with, or NULL. */
static struct eio_request *
parse_first(const char *p, size_t n, size_t *used)
{
	struct eio_http *h = eio_http_new(MAX_HEAD, MAX_BODY);
	struct eio_request *req = NULL;

	*used = 0;
	if (h && n > 0 && eio_http_feed(h, p, n, used) == EIO_HTTP_COMPLETE) req = eio_http_take(h);
	eio_http_free(h);
	return req;
}

/* If the bytes are taken for that request once more, the parser must take them so, too. */
static void
compare_repeat(struct eio_request *r, const char *p, size_t n)
{
	size_t again = eio__request_repeat(r, p, n), used;
	struct eio_request *parsed = again ? parse_first(p, n, &used) : NULL;
	struct eio_buf a, b;

	if (again == 0) return;
	if (!parsed || used != again) abort();
	eio_buf_init(&a);
	eio_buf_init(&b);
	describe(&a, r);
	describe(&b, parsed);
	if (!eio_bytes_eq(eio_buf_bytes(&a), eio_buf_bytes(&b))) abort();
	eio_buf_deinit(&a);
	eio_buf_deinit(&b);
	eio_request_free(parsed);
}

/* The first request of the input: what follows it, itself, and itself with one byte changed to each of some others. */
static void
repeat(const char *data, size_t size)
{
	static const char others[] = "aZ09.-_ &=#%+\r\n\t:;/?\x80\xff";
	size_t n;
	struct eio_request *r = parse_first(data, size, &n);
	char *copy = r ? malloc(n) : NULL;

	if (copy) {
		eio__request_remember(r, eio_bytes(data, n));
		if (eio__request_may_repeat(r) && eio__request_repeat(r, data, n) != n) abort();
		compare_repeat(r, data, n);
		compare_repeat(r, data + n, size - n);
		for (size_t i = 0; eio__request_may_repeat(r) && i < n * (sizeof others - 1); i++) {
			memcpy(copy, data, n);
			copy[i % n] = others[i / n];
			compare_repeat(r, copy, n);
		}
	}
	free(copy);
	eio_request_free(r);
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
	repeat((const char *)data, size);
	return 0;
}
