/* SPDX-License-Identifier: MIT */
/* How nodes know each other: what is proved, and that nothing else passes. */
#include "src/peers/pass.h"

#include "eio/net/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct eio_bytes secret = { "0123456789abcdef0123456789abcdef", 32 };
static const struct eio_bytes wrong = { "0123456789abcdef0123456789abcdeF", 32 };

struct test {
	struct peers_hello ask, own, heard;
	struct peers_pass here, there; /* of who connects, and of who is connected to */
	struct eio_buf answer;
};

/* Both say hello, as far as that goes. */
static bool
greet(struct test *t, struct eio_bytes asks_with, struct eio_bytes answers_with)
{
	struct eio_buf text = { 0 };
	struct peers_hello got;
	bool good;

	*t = (struct test){ .ask = { .node = "a", .nonce = "nonce of a" },
		.own = { .node = "node-b", .nonce = "nonce of b", .idle_s = 65 } };
	peers_hello_write(&t->ask, &text);
	assert_true(peers_hello_read(eio_buf_bytes(&text), &got));
	assert_memory_equal(&got, &t->ask, sizeof got);
	assert_true(peers_answer_write(answers_with, &got, &t->own, &t->there, &t->answer));
	good = peers_answer_read(asks_with, &t->ask, eio_buf_bytes(&t->answer), &t->heard, &t->here);
	eio_buf_deinit(&text);
	return good;
}

static void
finish(struct test *t)
{
	eio_buf_deinit(&t->answer);
}

static void
test_hello(void **state)
{
	struct test t;

	(void)state;
	assert_true(greet(&t, secret, secret));
	assert_memory_equal(&t.heard, &t.own, sizeof t.own);
	assert_memory_equal(t.here.key, t.there.key, sizeof t.here.key);
	finish(&t);
	assert_false(greet(&t, secret, wrong));
	finish(&t);
	assert_false(greet(&t, wrong, secret));
	finish(&t);
}

/* An answer is worth nothing to another hello, and not one character of it may be another one. */
static void
test_answer_is_bound(void **state)
{
	struct peers_pass pass;
	struct peers_hello other, ask;
	struct test t;

	(void)state;
	assert_true(greet(&t, secret, secret));
	ask = t.ask;
	ask.nonce[15] ^= 1;
	assert_false(peers_answer_read(secret, &ask, eio_buf_bytes(&t.answer), &other, &pass));
	ask = t.ask;
	ask.node[0] = 'b';
	assert_false(peers_answer_read(secret, &ask, eio_buf_bytes(&t.answer), &other, &pass));
	for (size_t i = 0; i < t.answer.n; i++) {
		char before = t.answer.p[i];

		t.answer.p[i] = before == 'x' ? 'y' : 'x';
		assert_false(peers_answer_read(secret, &t.ask, eio_buf_bytes(&t.answer), &other, &pass));
		t.answer.p[i] = before;
		assert_false(peers_answer_read(secret, &t.ask, eio_bytes(t.answer.p, i), &other, &pass));
	}
	assert_true(peers_answer_read(secret, &t.ask, eio_buf_bytes(&t.answer), &other, &pass));
	finish(&t);
}

static void
test_bad_hellos(void **state)
{
	static const char *const texts[] = { "", "hello", "hello 1", "hello 2 a AAAAAAAAAAAAAAAAAAAAAA==", "hello 1 a",
		"hello 1 a AAAAAAAAAAAAAAAAAAAAAA", "hello 1 a AAAAAAAAAAAAAAAAAAAA====",
		"hello 1 sevenxx AAAAAAAAAAAAAAAAAAAAAA==", "hello 1  AAAAAAAAAAAAAAAAAAAAAA==",
		"hello 1 a AAAAAAAAAAAAAAAAAAAAAA== ", "hello 1 a AAAAAAAAAAAAAAAAAAAAAA== x",
		"hello 1 a. AAAAAAAAAAAAAAAAAAAAAA==", "hello 1 a AAAAAAAAAAAAAAAAAAAAA*==", "for 1 - whole x" };
	struct peers_hello got;

	(void)state;
	assert_true(peers_hello_read(EIO_LIT("hello 1 a AAAAAAAAAAAAAAAAAAAAAA=="), &got));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (peers_hello_read(eio_cstr(texts[i]), &got)) fail_msg("\"%s\"", texts[i]);
}

/* Requests */

static struct eio_request *
parse_request(struct eio_bytes text)
{
	struct eio_http *h = eio_http_new(65536, 1000);
	struct eio_request *req;
	size_t used;

	eio_http_feed(h, text.p, text.n, &used);
	assert_int_equal(used, text.n);
	req = eio_http_take(h);
	eio_http_free(h);
	return req;
}

static const char poll_text[] =
	"GET /socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\n"
	"Host: h\r\nX-Forwarded-For: 10.1.2.3\r\nConnection: keep-alive\r\nSiocast-Peer: spoof\r\n\r\n";
static const char post_text[] = "POST /socket.io/?sid=x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
				"Cookie: a=b\r\nExpect: 100-continue\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
static const char ws_text[] =
	"GET /socket.io/?sid=x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
	"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/* What goes to the other node, as bytes; for eio_buf_deinit(). */
static struct eio_buf
pass_on(struct test *t, const char *text, bool too_large)
{
	struct eio_request *req = parse_request(eio_cstr(text));
	struct eio_buf out = { 0 };

	assert_true(eio_peer_parse(EIO_LIT("192.0.2.7"), &req->peer));
	peers_request_write(&t->here, req, too_large, &out);
	if (!too_large) eio_buf_append(&out, req->body.p, req->body.n);
	assert_false(eio_buf_failed(&out));
	eio_request_free(req);
	return out;
}

static bool
check(struct test *t, struct eio_bytes bytes, bool *too_large)
{
	struct eio_request *req = parse_request(bytes);
	char text[EIO_PEER_TEXT];
	struct eio_peer from;
	bool good = peers_request_check(&t->there, req, &from, too_large);

	if (good) assert_string_equal(eio_peer_text(&from, text), "192.0.2.7");
	eio_request_free(req);
	return good;
}

static void
test_requests(void **state)
{
	static const char *const texts[] = { poll_text, post_text, ws_text, poll_text, post_text };
	struct test t;
	bool too_large;

	(void)state;
	assert_true(greet(&t, secret, secret));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct eio_buf out = pass_on(&t, texts[i], i == 4);

		assert_null(memmem(out.p, out.n, "spoof", 5));
		assert_null(memmem(out.p, out.n, "chunked", 7));
		assert_null(memmem(out.p, out.n, "100-continue", 12));
		assert_true(check(&t, eio_buf_bytes(&out), &too_large));
		assert_int_equal(too_large, i == 4);
		/* Nor a second time. */
		assert_false(check(&t, eio_buf_bytes(&out), &too_large));
		eio_buf_deinit(&out);
	}
	finish(&t);
}

/* Neither on another connection, nor out of its turn. */
static void
test_replay(void **state)
{
	struct test t, other;
	struct eio_buf first, second;
	bool too_large;

	(void)state;
	assert_true(greet(&t, secret, secret));
	first = pass_on(&t, poll_text, false);
	second = pass_on(&t, poll_text, false);
	assert_false(check(&t, eio_buf_bytes(&second), &too_large));
	assert_true(check(&t, eio_buf_bytes(&first), &too_large));
	assert_true(check(&t, eio_buf_bytes(&second), &too_large));

	other = t;
	other.own.nonce[0] ^= 1;
	other.answer = (struct eio_buf){ 0 };
	assert_true(peers_answer_write(secret, &other.ask, &other.own, &other.there, &other.answer));
	assert_false(check(&other, eio_buf_bytes(&first), &too_large));
	eio_buf_deinit(&first);
	eio_buf_deinit(&second);
	finish(&other);
	finish(&t);
}

/* Every byte of what is passed on counts, but for what is about the connection. */
static void
test_every_byte_counts(void **state)
{
	struct eio_buf out;
	struct test t;
	bool too_large;
	const char *length;

	(void)state;
	assert_true(greet(&t, secret, secret));
	out = pass_on(&t, post_text, false);
	length = memmem(out.p, out.n, "Content-Length", 14);
	assert_non_null(length);
	for (size_t i = 0; i < out.n; i++) {
		bool framing = out.p + i >= length && out.p + i < length + 17;
		char before = framing || strchr("\r\n ", out.p[i]) ? '\0' : out.p[i];
		struct eio_http *h = eio_http_new(65536, 1000);
		size_t used;

		if (before) out.p[i] = before == 'q' ? 'r' : 'q';
		if (before && eio_http_feed(h, out.p, out.n, &used) == EIO_HTTP_COMPLETE && used == out.n) {
			struct eio_request *req = eio_http_take(h);
			struct peers_pass pass = t.there;
			struct eio_peer from;

			if (peers_request_check(&pass, req, &from, &too_large)) fail_msg("byte %zu", i);
			eio_request_free(req);
		}
		if (before) out.p[i] = before;
		eio_http_free(h);
	}
	assert_true(check(&t, eio_buf_bytes(&out), &too_large));
	eio_buf_deinit(&out);
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_answer_is_bound),
		cmocka_unit_test(test_bad_hellos),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_every_byte_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
