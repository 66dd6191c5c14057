/* SPDX-License-Identifier: MIT */
/* Answers of other nodes: whole, a byte at a time, and split at each position. */
#include "src/peers/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX_BODY = 100 };

static const struct {
	int line;
	const char *text;
	enum peers_answer_state state;
	int status;
	const char *headers, *body, *peer;
	bool close, head_only;
} answers[] = {
	{ __LINE__, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: now\r\nContent-Length: 2\r\n\r\nok",
		PEERS_ANSWER_COMPLETE, 200, "Content-Type: text/plain\r\n", "ok", "", false, false },
	{ __LINE__, "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nConnection: close\r\n\r\n", PEERS_ANSWER_COMPLETE,
		400, "", "", "", true, false },
	{ __LINE__, "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", PEERS_ANSWER_COMPLETE, 204, "A: b\r\n", "", "", false,
		false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nSiocast-Peer: hello 1\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
		PEERS_ANSWER_COMPLETE, 200, "", "", "hello 1", false, false },
	{ __LINE__, "HTTP/1.1 500 No\r\nContent-Length: 7\r\n\r\n", PEERS_ANSWER_COMPLETE, 500, "", "", "", false,
		true },
	{ __LINE__, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", PEERS_ANSWER_MORE, 200, "", NULL, "", false,
		false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", PEERS_ANSWER_MORE, 0, "", NULL, "", false, false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL, false,
		false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL, false,
		false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL,
		false, false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL, false,
		false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL,
		NULL, NULL, false, false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL,
		false, false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL, false, false },
	{ __LINE__, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL,
		NULL, false, false },
	{ __LINE__, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL, false,
		false },
	{ __LINE__, "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL, false,
		false },
	{ __LINE__, "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL,
		false, false },
	{ __LINE__, "SSH-2.0-OpenSSH\r\n\r\n", PEERS_ANSWER_BAD, 0, NULL, NULL, NULL, false, false },
};

/* Feeds up to `cut`, then the rest, or with 0 a byte at a time. */
static void
try_answer(size_t i, size_t cut)
{
	struct peers_answer a = { .max_body = MAX_BODY, .head_only = answers[i].head_only };
	struct eio_bytes text = eio_cstr(answers[i].text);
	enum peers_answer_state state = PEERS_ANSWER_MORE;

	for (size_t at = 0; at < text.n && state == PEERS_ANSWER_MORE;) {
		size_t n = cut == 0 ? 1 : at == 0 ? cut : text.n - cut;

		state = peers_answer_feed(&a, eio_bytes(text.p + at, n));
		at += n;
		/* What follows an answer is wrong, but it is complete before that. */
		if (state == PEERS_ANSWER_COMPLETE && at < text.n) state = PEERS_ANSWER_BAD;
	}
	if (state != answers[i].state) fail_msg("line %d, cut at %zu: %d", answers[i].line, cut, state);
	if (state != PEERS_ANSWER_BAD) {
		assert_int_equal(a.status, answers[i].status);
		assert_true(a.status == 0 || eio_bytes_eq(eio_buf_bytes(&a.headers), eio_cstr(answers[i].headers)));
		assert_true(a.status == 0 || eio_bytes_eq(eio_buf_bytes(&a.peer), eio_cstr(answers[i].peer)));
		assert_int_equal(a.close, answers[i].close);
	}
	if (answers[i].body)
		assert_true(eio_bytes_eq(
			a.body ? eio_bytes(a.body->data, a.body->n) : eio_bytes("", 0), eio_cstr(answers[i].body)));
	peers_answer_reset(&a);
}

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		for (size_t cut = 0; cut <= strlen(answers[i].text); cut++) try_answer(i, cut);
}

/* A head that does not end is not kept for ever, and one answer follows another. */
static void
test_bounds(void **state)
{
	struct peers_answer a = { .max_body = MAX_BODY };
	enum peers_answer_state got = PEERS_ANSWER_MORE;
	size_t n = 0;

	(void)state;
	got = peers_answer_feed(&a, EIO_LIT("HTTP/1.1 200 OK\r\n"));
	for (; got == PEERS_ANSWER_MORE && n < 10000; n++) got = peers_answer_feed(&a, EIO_LIT("Header: a value\r\n"));
	assert_int_equal(got, PEERS_ANSWER_BAD);
	assert_true(n * 17 <= PEERS_HEAD_MAX + 17);
	peers_answer_reset(&a);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(peers_answer_feed(&a, EIO_LIT("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")),
			PEERS_ANSWER_COMPLETE);
		assert_int_equal(a.body->n, 1);
		peers_answer_reset(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_answers), cmocka_unit_test(test_bounds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
