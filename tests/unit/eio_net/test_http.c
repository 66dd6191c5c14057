/* SPDX-License-Identifier: MIT */
/* The HTTP request parser: every input whole, byte by byte, and split at every position. */
#include "eio/net/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX_HEAD = 512, MAX_BODY = 10, MANY_HEADERS = 1000 };

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
	case EIO_HTTP_BAD: eio_buf_printf(log, "%d;", eio_http_status(h)); return false;
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
	check_all("G\xc3\xa9T / HTTP/1.1\r\nHost: a\r\n\r\n", "400;");
	check_all("GET / HTTP/1.\xc3\r\nHost: a\r\n\r\n", "400;");
	check_all("GET / HTTP/1.1\r\nHo\xc3\xa9st: a\r\n\r\n", "400;");
	check_all("GET \xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "400;");
}

/* Targets in absolute form are served, with their authority as the Host (RFC 9112 section 3.2.2); fragments are cut
 * off. */
static void
test_absolute_targets(void **state)
{
	static const struct {
		const char *target, *expected, *host;
	} targets[] = {
		{ "http://a/p?q", "GET /p ? q;", "a" },
		{ "HTTPS://b.example:8080/p/?q=http://c/", "GET /p/ ? q=http://c/;", "b.example:8080" },
		{ "ws://[::1]:80/", "GET / ? ;", "[::1]:80" },
		{ "http://b", "GET / ? ;", "b" },
		{ "http://b?q", "GET / ? q;", "b" },
		{ "http://b#f?q", "400;", NULL },
		{ "http://b/p#f?q", "GET /p ? ;", "b" },
		{ "http://b/?q#f", "GET / ? q;", "b" },
		{ "/#", "GET / ? ;", "host" },
		{ "/p#f?q", "GET /p ? ;", "host" },
		{ "/p?q#f#g", "GET /p ? q;", "host" },
		{ "/http://a/", "GET /http://a/ ? ;", "host" },
		{ "*", "GET * ? ;", "host" },
		{ "http:///p", "400;", NULL },
		{ "http://", "400;", NULL },
		{ "http://user@b/p", "400;", NULL },
		{ "http:/b", "400;", NULL },
		{ "http:b", "400;", NULL },
		{ "b:80", "400;", NULL },
		{ "//b/p", "GET //b/p ? ;", "host" },
	};
	char input[200];

	(void)state;
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		struct eio_http *h = eio_http_new(MAX_HEAD, MAX_BODY);
		struct eio_request *req;
		size_t used;

		snprintf(input, sizeof input, "GET %s HTTP/1.1\r\nHost: host\r\nX: y\r\n\r\n", targets[i].target);
		check_all(input, targets[i].expected);
		if (eio_http_feed(h, input, strlen(input), &used) == EIO_HTTP_COMPLETE) {
			req = eio_http_take(h);
			assert_true(eio_bytes_eq(eio_request_header(req, EIO_LIT("host")), eio_cstr(targets[i].host)));
			assert_true(eio_bytes_eq(eio_request_header(req, EIO_LIT("x")), EIO_LIT("y")));
			assert_true(req->target.n >= req->path.n && req->target.p == req->path.p);
			eio_request_free(req);
		} else {
			assert_null(targets[i].host);
		}
		eio_http_free(h);
	}
	/* Without a Host to take the place of. */
	check_all("GET http://a/p HTTP/1.0\r\n\r\n", "GET /p ?  close;");
	check_all("GET http://a/p HTTP/1.1\r\n\r\n", "400;");
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
	check(input, "431;", sizeof(input), 0);
	check(input, "431;", 1, 0);
	/* To the byte: line ends count, and empty lines before the request. */
	eio_buf_init(&many);
	EIO_BUF_ADD_LIT(&many, "\r\nGET / HTTP/1.1\r\nHost: a\r\nA: ");
	while (many.n < MAX_HEAD - 4) eio_buf_addc(&many, 'a');
	EIO_BUF_ADD_LIT(&many, "\r\n\r\n");
	eio_buf_addc(&many, '\0');
	check_all(many.p, "GET / ? ;");
	memcpy(many.p + MAX_HEAD - 4, "a\r\n\r", 4);
	check_all(many.p, "431;");
	/* What is wrong and comes before the end of what is allowed is a mistake, what is behind it was not read. */
	memcpy(many.p + MAX_HEAD - 4, "a\r\rx", 4);
	check_all(many.p, "400;");
	memcpy(many.p + MAX_HEAD - 4, "aaaa\r\r", 7);
	check_all(many.p, "431;");
	eio_buf_deinit(&many);
}

/* Far more headers than anybody sends, however they arrive; one of them without a value. */
static void
test_many_headers(void **state)
{
	struct eio_buf input;
	char name[16], value[16];

	(void)state;
	eio_buf_init(&input);
	EIO_BUF_ADD_LIT(&input, "GET /many HTTP/1.1\r\nHost: -\r\n");
	for (int i = 1; i < MANY_HEADERS; i++) eio_buf_printf(&input, i == 50 ? "H%d:\r\n" : "H%d: %d\r\n", i, i);
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
		assert_int_equal(req->count, MANY_HEADERS);
		for (int i = 1; i < MANY_HEADERS; i++) {
			snprintf(name, sizeof(name), "h%d", i);
			snprintf(value, sizeof(value), "%d", i);
			assert_true(eio_bytes_eq(
				eio_request_header(req, eio_cstr(name)), i == 50 ? eio_bytes("", 0) : eio_cstr(value)));
		}
		assert_true(eio_request_header_at(req, MANY_HEADERS - 1, &last, &last_value));
		assert_true(eio_bytes_eq(last, eio_cstr(name)) && eio_bytes_eq(last_value, eio_cstr(value)));
		assert_false(eio_request_header_at(req, MANY_HEADERS, &last, &last_value));
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
	/* HTTP/1.0 knows none (RFC 9110 section 7.8), and what has a body is none. */
	check_all("GET /w HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nframe",
		"GET /w ?  close;");
	check_all("GET /w HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 5\r\n\r\n"
		  "frameGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /w ? ;GET /2 ? ;");
	check_all(
		"GET /w HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n"
		"0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /w ? ;GET /2 ? ;");
	check_all(
		"GET /w HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\nframe",
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
	check_all("\x16\x03\x01", "400;");
	check_all("GET / HTTP/3.7\r\n\r\n", "505;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", "400;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n", "400;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\n", "400;");
	check_all("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400;");
	check_all("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400;");
	check_all("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400;");
}

/* Requests that begin well, each with what comes of it. */
struct framing {
	const char *input, *expected;
};

static void
check_table(const char *before, const struct framing *table, size_t n, const char *after)
{
	struct eio_buf input;

	for (size_t i = 0; i < n; i++) {
		eio_buf_init(&input);
		eio_buf_add(&input, eio_cstr(before));
		eio_buf_add(&input, eio_cstr(table[i].input));
		eio_buf_add(&input, eio_cstr(after));
		eio_buf_addc(&input, '\0');
		check_all(input.p, table[i].expected);
		eio_buf_deinit(&input);
	}
}

#define CHECK_TABLE(before, table, after) check_table(before, table, sizeof(table) / sizeof(table)[0], after)

static void
test_line_ends(void **state)
{
	static const struct framing heads[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\nX-Test: b\r\n\r\n", "GET / ?  x=b;" },
		{ "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / ? ;" },
		/* LF without CR */
		{ "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400;" },
		{ "\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\nHost: a\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\r\nHost: a\n\r\n", "400;" },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\n", "400;" },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX-Test:\n\r\n", "400;" },
		/* CR without LF */
		{ "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400;" },
		{ "\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400;" },
		{ "G\rET / HTTP/1.1\r\nHost: a\r\n\r\n", "400;" },
		{ "GET\r/ HTTP/1.1\r\nHost: a\r\n\r\n", "400;" },
		{ "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "400;" },
		{ "GET / \rHTTP/1.1\r\nHost: a\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\rHost: a\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\r\n\rHost: a\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\r\nHost\r: a\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\r\nHost:\ra\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\r\nHost: a\rX-Test: b\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "400;" },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", "400;" },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\rGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "400;" },
	};

	(void)state;
	CHECK_TABLE("", heads, "");
	check_all("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\nGET /", "GET /1 ? ;400;");
	check_all("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\rGET /", "GET /1 ? ;400;");
}

static void
test_fields(void **state)
{
	static const struct framing fields[] = {
		{ "X-Test: b", "GET / ?  x=b;" },
		{ "X-Test:b", "GET / ?  x=b;" },
		{ "X-Test:\t \tb c\t ", "GET / ?  x=b c;" },
		{ "X-Test:", "GET / ? ;" },
		{ "!#$%&'*+-.^_`|~09: x\r\nX-Test: \"b\" (c)\xff", "GET / ?  x=\"b\" (c)\xff;" },
		/* folded lines (RFC 9112 section 5.2) */
		{ "X-Test: b\r\n c", "400;" },
		{ "X-Test: b\r\n\tc", "400;" },
		{ "X-Test:\r\n\tb", "400;" },
		{ " X-Test: b", "400;" },
		{ "Transfer-Encoding:\r\n chunked", "400;" },
		/* blanks before and within a name (section 5.1), names without a character, lines without a colon */
		{ "X-Test : b", "400;" },
		{ "X-Test\t: b", "400;" },
		{ "X Test: b", "400;" },
		{ "Content-Length : 1", "400;" },
		{ ": b", "400;" },
		{ ":", "400;" },
		{ "X-Test", "400;" },
		{ "X(Test): b", "400;" },
		{ "X-\x7ftest: b", "400;" },
		{ "X-T\xc3\xa9st: b", "400;" },
		/* control characters in a value */
		{ "X-Test: b\x01", "400;" },
		{ "X-Test: b\x0b", "400;" },
		{ "X-Test: \x7f", "400;" },
	};

	(void)state;
	CHECK_TABLE("GET / HTTP/1.1\r\nHost: a\r\n", fields, "\r\n\r\n");
	/* The first line of the head as well, and that of the next request. */
	check_all("GET / HTTP/1.1\r\n : b\r\nHost: a\r\n\r\n", "400;");
	check_all("GET / HTTP/1.1\r\n: b\r\nHost: a\r\n\r\n", "400;");
	check_all(
		"\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n\n : \n\tGET / HTTP/1.1\r\nHost: a\r\n : b\r\n\r\n",
		"POST / ?  body=\n : \n\t;400;");
}

static void
test_request_lines(void **state)
{
	static const struct framing lines[] = {
		{ "GET / HTTP/1.1", "GET / ? ;" },
		{ "GET /\"<>\\^`{|}~ HTTP/1.0", "GET /\"<>\\^`{|}~ ?  close;" },
		/* versions: what we do not speak, what is none */
		{ "GET / HTTP/2.0", "505;" },
		{ "GET / HTTP/2", "505;" },
		{ "PRI * HTTP/2.0", "505;" },
		{ "GET / HTTP/0.9", "505;" },
		{ "GET / HTTP/1.2", "505;" },
		{ "GET / HTTP/9.9", "505;" },
		{ "GET / HTTP/1.10", "400;" },
		{ "GET / HTTP/11", "400;" },
		{ "GET / HTTP/01.1", "505;" },
		{ "GET / HTTP/.1", "400;" },
		{ "GET / HTTP/1", "400;" },
		{ "GET / http/1.1", "400;" },
		{ "GET / HTTPS/1.1", "400;" },
		{ "GET / ICE/1.0", "400;" },
		{ "SOURCE / ICE/1.0", "400;" },
		{ "DESCRIBE / RTSP/1.0", "400;" },
		{ "GET /", "400;" },
		{ "GET / ", "400;" },
		{ "GET", "400;" },
		{ "GET ", "400;" },
		/* blanks: one, where one belongs */
		{ " GET / HTTP/1.1", "400;" },
		{ "GET  / HTTP/1.1", "400;" },
		{ "GET\t/ HTTP/1.1", "400;" },
		{ "GET /  HTTP/1.1", "400;" },
		{ "GET /\tHTTP/1.1", "400;" },
		{ "GET / HTTP/1.1 ", "400;" },
		{ "GET / HTTP/1.1\t", "400;" },
		{ "GET /a b HTTP/1.1", "400;" },
		{ "GET /\ta HTTP/1.1", "400;" },
		{ "GET /\x0c HTTP/1.1", "400;" },
		{ "GET /\x01 HTTP/1.1", "400;" },
		{ "GET /\x7f HTTP/1.1", "400;" },
		/* methods and targets that are none */
		{ "get / HTTP/1.1", "400;" },
		{ "GETS / HTTP/1.1", "400;" },
		{ "G(T / HTTP/1.1", "400;" },
		{ "GET a HTTP/1.1", "400;" },
		{ "GET ?a HTTP/1.1", "400;" },
		{ "CONNECT a:443 HTTP/1.1", "501;" },
	};

	(void)state;
	CHECK_TABLE("", lines, "\r\nHost: a\r\n\r\n");
}

static void
test_hosts(void **state)
{
	static const struct framing hosts[] = {
		{ "1.1\r\nHost: a", "GET / ? ;" },
		{ "1.1\r\nHOST: [::1]:3000", "GET / ? ;" },
		{ "1.1\r\nHost: user_name.example:80", "GET / ? ;" },
		{ "1.1\r\nHost:", "GET / ? ;" },
		{ "1.1\r\nX-Test: a", "400;" },
		{ "1.1\r\nHosts: a", "400;" },
		{ "1.1\r\nHost: a\r\nHost: a", "400;" },
		{ "1.1\r\nHost: a\r\nX-Test: b\r\nhost: b", "400;" },
		{ "1.1\r\nHost:\r\nHost: a", "400;" },
		{ "1.1\r\nHost: a b", "400;" },
		{ "1.1\r\nHost: a/b", "400;" },
		{ "1.1\r\nHost: a@b", "400;" },
		{ "1.1\r\nHost: a?b", "400;" },
		{ "1.0\r\nX-Test: a", "GET / ?  x=a close;" },
		{ "1.0\r\nHost: a", "GET / ?  close;" },
		{ "1.0\r\nHost: a\r\nHost: b", "400;" },
	};

	(void)state;
	CHECK_TABLE("GET / HTTP/", hosts, "\r\n\r\n");
	/* Of a WebSocket, too (RFC 6455 section 4.2.1). */
	check_all("GET /w HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\nframe", "400;");
}

static void
test_codings(void **state)
{
	static const struct framing codings[] = {
		{ "Transfer-Encoding: chunked", "POST / ?  body=abc;" },
		{ "transfer-encoding: \t CHUNKED \t", "POST / ?  body=abc;" },
		{ "Transfer-Encoding:", "400;" },
		{ "Transfer-Encoding: \t", "400;" },
		{ "Transfer-Encoding: ,", "400;" },
		{ "Transfer-Encoding: chunked,", "400;" },
		{ "Transfer-Encoding: , chunked", "400;" },
		{ "Transfer-Encoding: identity", "400;" },
		{ "Transfer-Encoding: gzip", "400;" },
		{ "Transfer-Encoding: xchunked", "400;" },
		{ "Transfer-Encoding: chunkedx", "400;" },
		{ "Transfer-Encoding: chun ked", "400;" },
		{ "Transfer-Encoding: \"chunked\"", "400;" },
		{ "Transfer-Encoding: chunked;a=b", "400;" },
		{ "Transfer-Encoding: chunked\x0b", "400;" },
		{ "Transfer-Encoding: chunked, chunked", "400;" },
		{ "Transfer-Encoding: chunked, gzip", "400;" },
		{ "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "400;" },
		{ "Transfer-Encoding: chunked\r\nTransfer-Encoding:", "400;" },
		{ "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "400;" },
		{ "Transfer-Encoding:\r\nTransfer-Encoding: chunked", "400;" },
		{ "Transfer-Encoding: gzip, chunked", "501;" },
		{ "Transfer-Encoding: identity, chunked", "501;" },
		{ "Transfer-Encoding: gzip;level=9\t,\tChunked", "501;" },
		{ "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", "501;" },
		{ "Transfer-Encoding: chunked\r\nContent-Length: 3", "400;" },
		{ "Content-Length: 13\r\nTransfer-Encoding: chunked", "400;" },
		{ "Content-Length: 13\r\nTransfer-Encoding:", "400;" },
	};

	(void)state;
	CHECK_TABLE("POST / HTTP/1.1\r\nHost: a\r\n", codings, "\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	/* HTTP/1.0 has no codings (RFC 9112 section 6.1). */
	check_all("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400;");
	check_all("POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400;");
	/* Of a GET as well. */
	check_all("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "400;");
	check_all("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "GET / ? ;");
}

static void
test_lengths(void **state)
{
	static const struct framing lengths[] = {
		{ "Content-Length: 3", "POST / ?  body=abc;" },
		{ "content-length:\t3 ", "POST / ?  body=abc;" },
		{ "Content-Length: 003", "POST / ?  body=abc;" },
		{ "Content-Length: 11", "large POST / ? ;" },
		{ "Content-Length: 999999999999999999", "large POST / ? ;" },
		{ "Content-Length:", "400;" },
		{ "Content-Length: +3", "400;" },
		{ "Content-Length: -3", "400;" },
		{ "Content-Length: 0x3", "400;" },
		{ "Content-Length: 3a", "400;" },
		{ "Content-Length: 3.0", "400;" },
		{ "Content-Length: 3 3", "400;" },
		{ "Content-Length: 3, 3", "400;" },
		{ "Content-Length: 3\r\nContent-Length: 3", "400;" },
		{ "Content-Length: 3\r\nContent-Length: 4", "400;" },
		{ "Content-Length: 18446744073709551616", "400;" },
		{ "Content-Length: 18446744073709551619", "400;" },
	};

	(void)state;
	CHECK_TABLE("POST / HTTP/1.1\r\nHost: a\r\n", lengths, "\r\n\r\nabc");
}

static void
test_chunks(void **state)
{
	static const struct framing chunks[] = {
		{ "3\r\nabc\r\n0\r\n\r\n", "POST / ?  body=abc;" },
		{ "0003\r\nabc\r\n000\r\n\r\n", "POST / ?  body=abc;" },
		{ "0000000000000003\r\nabc\r\n0\r\n\r\n", "POST / ?  body=abc;" },
		{ "A\r\n0123456789\r\n0\r\n\r\n", "POST / ?  body=0123456789;" },
		{ "a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", "POST / ?  body=\r\n\r\n\r\n\r\n\r\n;" },
		{ "b\r\n0123456789a\r\n0\r\n\r\n", "large POST / ? ;" },
		{ "7\r\n0123456\r\n4\r\n789a\r\n0\r\n\r\n", "large POST / ? ;" },
		{ "ffffffffffffffff\r\n", "large POST / ? ;" },
		/* sizes */
		{ "00000000000000000000000003\r\nabc\r\n0\r\n\r\n", "POST / ?  body=abc;" },
		{ "10000000000000003\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "0x3\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "+3\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "-3\r\nabc\r\n0\r\n\r\n", "400;" },
		{ " 3\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3 \r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3\t\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3g\r\nabc\r\n0\r\n\r\n", "400;" },
		{ ";a\r\n", "400;" },
		/* line ends */
		{ "3\nabc\r\n0\r\n\r\n", "400;" },
		{ "3\rabc\r\n0\r\n\r\n", "400;" },
		{ "3\r\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3\r\nabc\n0\r\n\r\n", "400;" },
		{ "3\r\nabc\r0\r\n\r\n", "400;" },
		{ "3\r\nabc\r\r\n0\r\n\r\n", "400;" },
		{ "3\r\nabc0\r\n\r\n", "400;" },
		{ "3\r\nabcd\r\n0\r\n\r\n", "400;" },
		{ "3\r\nabc\r\n\r\n0\r\n\r\n", "400;" },
		{ "3\r\nabc\r\n0\n\r\n", "400;" },
		{ "3\r\nabc\r\n0\r\r\n", "400;" },
		{ "3\r\nabc\r\n0\r\n\n", "400;" },
		{ "3\r\nabc\r\n0\r\n\rx", "400;" },
		/* extensions */
		{ "3;a\r\nabc\r\n0;b=c;d=\"e \\\"\\\\;\"\r\n\r\n", "POST / ?  body=abc;" },
		{ "3;a\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;a\rbc\r\n0\r\n\r\n", "400;" },
		{ "3;a=b\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;a=b\rbc\r\n0\r\n\r\n", "400;" },
		{ "3;a=\"b\r\n\"\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;a=\"b\"\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;a=\"b\"c\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;a=\"\\\r\n\"\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;a=\"\x01\"\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;;a\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;a=\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3 ;a\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3; a\r\nabc\r\n0\r\n\r\n", "400;" },
		{ "3;a b\r\nabc\r\n0\r\n\r\n", "400;" },
		/* trailers: read over, neither header nor harm */
		{ "3\r\nabc\r\n0\r\nX-Test: trailer\r\nB:\r\n\r\n", "POST / ?  body=abc;" },
		{ "3\r\nabc\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\nHost: b\r\n\r\n",
			"POST / ?  body=abc;" },
		{ "3\r\nabc\r\n0\r\nA: b\n\r\n", "400;" },
		{ "3\r\nabc\r\n0\r\nA: b\rC: d\r\n\r\n", "400;" },
		{ "3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n", "400;" },
		{ "3\r\nabc\r\n0\r\n A: b\r\n\r\n", "400;" },
		{ "3\r\nabc\r\n0\r\nA : b\r\n\r\n", "400;" },
		{ "3\r\nabc\r\n0\r\n: b\r\n\r\n", "400;" },
		{ "3\r\nabc\r\n0\r\nA\r\n\r\n", "400;" },
		{ "3\r\nabc\r\n0\r\nA: b\r\n\rx", "400;" },
	};

	(void)state;
	CHECK_TABLE("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", chunks, "");
}

/* What comes with a body is bounded, too. */
static void
test_extras_too_large(void **state)
{
	static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct eio_buf input;

	(void)state;
	eio_buf_init(&input);
	for (int larger = 0; larger < 2; larger++) {
		/* trailers: MAX_HEAD bytes with the empty line */
		eio_buf_clear(&input);
		EIO_BUF_ADD_LIT(&input, "0\r\nA: ");
		while (input.n < 3 + MAX_HEAD - 4 + (size_t)larger) eio_buf_addc(&input, 'a');
		EIO_BUF_ADD_LIT(&input, "\r\n\r\n");
		eio_buf_addc(&input, '\0');
		check_table(head, &(struct framing){ input.p, larger ? "431;" : "POST / ? ;" }, 1, "");
		/* extensions of all chunks together; the CR counts, and there must be place for the end of the
		 * trailers */
		eio_buf_clear(&input);
		EIO_BUF_ADD_LIT(&input, "1;");
		while (input.n < 2 + MAX_HEAD - 3 + (size_t)larger * 3) eio_buf_addc(&input, 'a');
		EIO_BUF_ADD_LIT(&input, "\r\nb\r\n0\r\n\r\n");
		eio_buf_addc(&input, '\0');
		check_table(head, &(struct framing){ input.p, larger ? "413;" : "POST / ?  body=b;" }, 1, "");
	}
	eio_buf_deinit(&input);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_beyond_ascii),
		cmocka_unit_test(test_absolute_targets),
		cmocka_unit_test(test_pipelining),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_head_too_large),
		cmocka_unit_test(test_many_headers),
		cmocka_unit_test(test_upgrades),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_request_lines),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_codings),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_extras_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
