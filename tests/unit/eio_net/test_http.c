/* SPDX-License-Identifier: MIT */
/* The HTTP request parser: every input whole, byte by byte, and split at every position. */
#include "eio/net/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX_HEAD = 512, MAX_BODY = 10 };

static const char *
method_name(enum eio_http_method m)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "OPTIONS", "OTHER" };

	return names[m];
}

/* Writes down what a result means; the request, if there is one, is taken. False when the connection is over. */
static bool
note(struct eio_buf *log, struct eio_http *h, enum eio_http_result r, const char *rest, size_t n)
{
	struct eio_request *req;

	switch (r) {
	case EIO_HTTP_MORE: return true;
	case EIO_HTTP_BAD: EIO_BUF_ADD_LIT(log, "bad;"); return false;
	case EIO_HTTP_HEAD_TOO_LARGE: EIO_BUF_ADD_LIT(log, "head;"); return false;
	case EIO_HTTP_NOMEM: EIO_BUF_ADD_LIT(log, "nomem;"); return false;
	case EIO_HTTP_TOO_LARGE: EIO_BUF_ADD_LIT(log, "large "); break;
	case EIO_HTTP_UPGRADE: EIO_BUF_ADD_LIT(log, "upgrade "); break;
	case EIO_HTTP_COMPLETE: break;
	}
	req = eio_http_take(h);
	eio_buf_printf(log, "%s %.*s ? %.*s", method_name(req->method), (int)req->path.n, req->path.p,
		(int)req->query.n, req->query.p);
	if (req->body.n) eio_buf_printf(log, " body=%.*s", (int)req->body.n, req->body.p);
	if (eio_request_header(req, EIO_LIT("x-test")).n)
		eio_buf_printf(log, " x=%.*s", (int)eio_request_header(req, EIO_LIT("x-test")).n,
			eio_request_header(req, EIO_LIT("x-test")).p);
	if (!req->keep_alive) EIO_BUF_ADD_LIT(log, " close");
	if (r == EIO_HTTP_UPGRADE) eio_buf_printf(log, " rest=%.*s", (int)n, rest);
	eio_buf_addc(log, ';');
	eio_request_free(req);
	return r != EIO_HTTP_UPGRADE;
}

/* Feeds a piece; false when the connection is over. */
static bool
feed(struct eio_buf *log, struct eio_http *h, const char *p, size_t n)
{
	while (n > 0) {
		size_t used;
		enum eio_http_result r = eio_http_feed(h, p, n, &used);

		p += used;
		n -= used;
		if (!note(log, h, r, p, n)) return false;
	}
	return true;
}

static void
check(const char *input, const char *expected, size_t piece, size_t split)
{
	struct eio_http *h = eio_http_new(MAX_HEAD, MAX_BODY);
	size_t n = strlen(input), at = 0;
	struct eio_buf log;

	eio_buf_init(&log);
	while (at < n) {
		size_t len = split ? (at == 0 ? split : n - split) : piece;

		if (len > n - at) len = n - at;
		if (!feed(&log, h, input + at, len)) break;
		at += len;
	}
	eio_buf_addc(&log, '\0');
	/* What stands behind an upgrade depends on how the bytes came. */
	if (strstr(expected, "rest=")) {
		size_t common = (size_t)(strstr(expected, "rest=") - expected);

		assert_memory_equal(log.p, expected, common);
		if (piece >= n) assert_string_equal(log.p, expected);
	} else {
		assert_string_equal(log.p, expected);
	}
	eio_buf_deinit(&log);
	eio_http_free(h);
}

static void
check_all(const char *input, const char *expected)
{
	check(input, expected, strlen(input), 0);
	check(input, expected, 1, 0);
	for (size_t i = 1; i < strlen(input); i++) check(input, expected, 0, i);
}

static void
test_requests(void **state)
{
	(void)state;
	check_all("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / ? ;");
	check_all("GET /s/?EIO=4&t=x HTTP/1.1\r\nHost: a\r\nX-Test: \t v  \r\n\r\n", "GET /s/ ? EIO=4&t=x x=v;");
	check_all("POST /s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "POST /s ?  body=abc;");
	check_all("POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
		"POST /s ?  body=abcde;");
	/* Trailers are read over: neither header nor harm. */
	check_all(
		"POST /s?q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Test: trailer\r\nA: "
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n",
		"POST /s ? q body=abc;");
	check_all("HEAD / HTTP/1.0\r\n\r\n", "HEAD / ?  close;");
	check_all("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / ? ;");
	check_all("DELETE /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "OTHER /x ?  close;");
	check_all("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * ? ;");
}

/* Bytes beyond ASCII: in a target and in values they are taken as they are, elsewhere they are mistakes. */
static void
test_beyond_ascii(void **state)
{
	(void)state;
	check_all("GET /\xc3\xa9?n=\xc3\xa9&\xff HTTP/1.1\r\nHost: a\r\nX-Test: \xe2\x82\xac\r\n\r\n",
		"GET /\xc3\xa9 ? n=\xc3\xa9&\xff x=\xe2\x82\xac;");
	check_all(
		"\r\nGET /?\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad HTTP/1.0\r\n\r\n"
		"GET /?\xc3\xa9 HTTP/1.0\r\n\r\n",
		"GET / ? \xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad close;");
	check_all("G\xc3\xa9T / HTTP/1.1\r\nHost: a\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.\xc3\r\nHost: a\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\nHo\xc3\xa9st: a\r\n\r\n", "bad;");
	check_all("GET \xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "bad;");
}

static void
test_pipelining(void **state)
{
	(void)state;
	check_all(
		"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /1 ? ;POST /2 ?  body=x;GET /3 ? ;");
	check_all("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /1 ?  close;");
}

static void
test_limits(void **state)
{
	(void)state;
	check_all(
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / ?  body=0123456789;GET /2 ? ;");
	check_all(
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n0123456789aGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"large POST / ? ;GET /2 ? ;");
	check_all(
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n3\r\n89a\r\n0\r\n\r\n"
		"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"large POST / ? ;GET /2 ? ;");
	/* Nobody reads the body of a GET, so it has no limit. */
	check_all(
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n0123456789abGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / ? ;GET /2 ? ;");
}

static void
test_head_too_large(void **state)
{
	char input[MAX_HEAD + 100];
	struct eio_buf many;

	(void)state;
	memset(input, 'a', sizeof(input) - 1);
	input[sizeof(input) - 1] = '\0';
	memcpy(input, "GET /", 5);
	check(input, "head;", sizeof(input), 0);
	check(input, "head;", 1, 0);
	eio_buf_init(&many);
	EIO_BUF_ADD_LIT(&many, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i <= EIO_HTTP_MAX_HEADERS; i++) EIO_BUF_ADD_LIT(&many, "a:\r\n");
	EIO_BUF_ADD_LIT(&many, "\r\n");
	eio_buf_addc(&many, '\0');
	check(many.p, "head;", many.n, 0);
	eio_buf_deinit(&many);
}

/* As many headers as may be, however they arrive; one of them without a value. */
static void
test_many_headers(void **state)
{
	struct eio_buf input;
	char name[16], value[16];

	(void)state;
	eio_buf_init(&input);
	EIO_BUF_ADD_LIT(&input, "GET /many HTTP/1.1\r\nHost: -\r\n");
	for (int i = 1; i < EIO_HTTP_MAX_HEADERS; i++)
		eio_buf_printf(&input, i == 50 ? "H%d:\r\n" : "H%d: %d\r\n", i, i);
	EIO_BUF_ADD_LIT(&input, "\r\n");
	for (size_t piece = 1; piece <= input.n; piece += input.n / 7) {
		struct eio_http *h = eio_http_new(16384, MAX_BODY);
		enum eio_http_result r = EIO_HTTP_MORE;
		struct eio_bytes last, last_value;
		struct eio_request *req;
		size_t used;

		for (size_t at = 0; at < input.n && r == EIO_HTTP_MORE; at += used)
			r = eio_http_feed(h, input.p + at, piece < input.n - at ? piece : input.n - at, &used);
		assert_int_equal(r, EIO_HTTP_COMPLETE);
		req = eio_http_take(h);
		assert_true(eio_bytes_eq(req->path, EIO_LIT("/many")));
		assert_int_equal(req->count, EIO_HTTP_MAX_HEADERS);
		for (int i = 1; i < EIO_HTTP_MAX_HEADERS; i++) {
			snprintf(name, sizeof(name), "h%d", i);
			snprintf(value, sizeof(value), "%d", i);
			assert_true(eio_bytes_eq(
				eio_request_header(req, eio_cstr(name)), i == 50 ? eio_bytes("", 0) : eio_cstr(value)));
		}
		assert_true(eio_request_header_at(req, EIO_HTTP_MAX_HEADERS - 1, &last, &last_value));
		assert_true(eio_bytes_eq(last, eio_cstr(name)) && eio_bytes_eq(last_value, eio_cstr(value)));
		assert_false(eio_request_header_at(req, EIO_HTTP_MAX_HEADERS, &last, &last_value));
		eio_request_free(req);
		eio_http_free(h);
	}
	eio_buf_deinit(&input);
}

static void
test_upgrades(void **state)
{
	(void)state;
	check_all("GET /w HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\nframe",
		"upgrade GET /w ?  rest=frame;");
	/* An upgrade to something else is declined by answering in HTTP/1.1. */
	check_all(
		"GET /w HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /w ? ;GET /2 ? ;");
}

static void
test_malformed(void **state)
{
	(void)state;
	check_all("\x16\x03\x01", "bad;");
	check_all("GET / HTTP/3.7\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\n", "bad;");
	check_all("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "bad;");
	check_all("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "bad;");
	check_all("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "bad;");
}

/* What llhttp takes and Node does not. */
static void
test_heads(void **state)
{
	(void)state;
	check_all("GET / HTTP/1.1\r\nX-Test: b\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\nHost:\r\nX-Test: b\r\n\r\n", "GET / ?  x=b;");
	check_all("GET /w HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\nframe",
		"upgrade GET /w ?  rest=frame;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\nX-Test: b\r\n c\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\nX-Test:\r\n\tb\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\n Host: a\r\n\r\n", "bad;");
	check_all("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\n: b\r\nHost: a\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\nHost: a\r\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\nHost: a\n\r\n", "bad;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\n\n", "bad;");
	check_all("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad;");
	/* Empty lines may come first; the body is not a head, and the next head is one again. */
	check_all(
		"\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n\n : \n\tGET / HTTP/1.1\r\nHost: a\r\n : b\r\n\r\n",
		"POST / ?  body=\n : \n\t;bad;");
	check_all("\r\nGET / HTTP/1.1\r\nHost: a\r\nX-Test: b\r\n c\r\n\r\n", "bad;");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_beyond_ascii),
		cmocka_unit_test(test_pipelining),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_head_too_large),
		cmocka_unit_test(test_many_headers),
		cmocka_unit_test(test_upgrades),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
