/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket edge on a real socket, what it reads: messages, by turns and inflated; how it is closed by either
 * side; and what peers do against the rules ends with the code that the rules name.
 */
#define _GNU_SOURCE
#include "eio/deflate.h"
#include "tests/unit/eio_net/ws_pair.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A string literal as bytes, where only a constant may stand. */
#define EIO_BYTES_OF(s) \
	{ \
		(s), sizeof(s) - 1 \
	}

static void
test_messages(void **state)
{
	char big[MAX_PAYLOAD + 1];
	struct test t;

	(void)state;
	memset(big, 'x', sizeof(big));
	start(&t);
	send_frame(&t, 0x81, "4hello", 6);
	send_frame(&t, 0x82, "\x01\x02", 2);
	send_frame(&t, 0x82, "", 0);
	send_frame(&t, 0x81, "", 0);
	expect_messages(&t, "t6:4hello;b2:\x01\x02;b0:;t0:;");
	/* Fragments, with a ping between them. */
	send_frame(&t, 0x01, "ab", 2);
	send_frame(&t, 0x89, "", 0);
	send_frame(&t, 0x00, "cd", 2);
	send_frame(&t, 0x80, "e", 1);
	expect_messages(&t, "t5:abcde;");
	/* Up to the limit. */
	send_frame(&t, 0x81, big, 300);
	send_frame(&t, 0x81, big, MAX_PAYLOAD);
	expect_messages(&t, "t300:xxxxxxxxxxxxxxxxxxxx;t1000:xxxxxxxxxxxxxxxxxxxx;");
	assert_int_equal(t.closed, 0);
	finish(&t);
}

/* The server closes with this frame, and the peer's answer ends the connection without another one. */
static void
expect_close(struct test *t, const char *frame, size_t n)
{
	pump(t, n);
	assert_int_equal(t->in.n, n);
	assert_memory_equal(t->in.p, frame, n);
	send_frame(t, 0x88, "\x03\xe8", 2);
	pump(t, n + 1);
	assert_int_equal(t->in.n, n);
	assert_int_equal(t->closed, 1);
	assert_false(t->error);
}

/* The server fails the connection with this code: its end of it is over, and it waits for the peer's. */
static void
expect_failed(struct test *t, int code)
{
	char byte;

	pump(t, 4);
	assert_int_equal(t->in.n, 4);
	assert_int_equal((unsigned char)t->in.p[0], 0x88);
	assert_int_equal(t->in.p[1], 2);
	assert_int_equal((unsigned char)t->in.p[2] << 8 | (unsigned char)t->in.p[3], code);
	assert_int_equal(recv(t->peer, &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(t->messages.n, 0);
	assert_int_equal(t->closed, 0);
	/* Whatever else comes is of no interest. */
	send_frame(t, 0x81, "x", 1);
	send_frame(t, 0x89, "x", 1);
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
	shutdown(t->peer, SHUT_WR);
	for (int i = 0; i < 200 && !t->closed; i++) {
		uv_run(&t->loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	assert_int_equal(t->closed, 1);
	assert_true(t->error);
	assert_int_equal(t->messages.n, 0);
}

static void
test_too_big(void **state)
{
	char big[MAX_PAYLOAD + 1];
	struct test t;

	(void)state;
	memset(big, 'x', sizeof(big));
	start(&t);
	send_frame(&t, 0x81, big, sizeof(big));
	expect_failed(&t, EIO_WS_CLOSE_TOO_BIG);
	assert_int_equal(t.messages.n, 0);
	finish(&t);
	/* In fragments, each of them small. */
	start(&t);
	send_frame(&t, 0x01, big, 600);
	send_frame(&t, 0x80, big, 600);
	expect_failed(&t, EIO_WS_CLOSE_TOO_BIG);
	finish(&t);
}

static void
test_bad_utf8(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	send_frame(&t, 0x81, "4\xff", 2);
	expect_failed(&t, EIO_WS_CLOSE_INVALID_DATA);
	assert_int_equal(t.messages.n, 0);
	finish(&t);
}

static void
test_server_close(void **state)
{
	struct eio_block *w = binary_event(3);
	struct test t;

	(void)state;
	start(&t);
	eio_ws_close(t.ws, EIO_WS_CLOSE_NO_CODE);
	assert_int_equal(eio_ws_write(t.ws, w), -1);
	expect_close(&t, "\x88\x00", 2);
	eio_block_unref(w);
	finish(&t);
}

/* Until so many bytes of the client wait to be read. */
static void
await_arrival(struct test *t, int bytes)
{
	for (int n = 0, i = 0; n < bytes && i < 5000; i++) {
		assert_int_equal(ioctl(eio_ws_fd(t->ws), FIONREAD, &n), 0);
		if (n < bytes) usleep(1000);
	}
}

/* Who sends many messages at once has some of them taken in each turn of the loop, whatever they are. */
static void
test_turns(void **state)
{
	enum { MESSAGES = 100, SHARE = 32, EACH = sizeof("t1:x;") - 1, FRAME = 2 + 4 + 1 };
	struct test t;

	(void)state;
	start(&t);
	eio_buf_clear(&t.messages);
	for (int i = 0; i < MESSAGES; i++) send_frame(&t, 0x81, "x", 1);
	await_arrival(&t, MESSAGES * FRAME);
	for (int i = 1; i <= 4; i++) {
		uv_run(&t.loop, UV_RUN_NOWAIT);
		assert_int_equal(t.messages.n, EACH * (i * SHARE < MESSAGES ? i * SHARE : MESSAGES));
	}
	eio_buf_clear(&t.messages);
	/* A ping is one of them. */
	for (int i = 0; i < SHARE; i++) send_frame(&t, 0x89, "p", 1);
	send_frame(&t, 0x81, "x", 1);
	await_arrival(&t, (SHARE + 1) * FRAME);
	uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_int_equal(t.messages.n, 0);
	uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_int_equal(t.messages.n, EACH);
	finish(&t);
}

static void
test_peer_close(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	send_frame(&t, 0x88, "\x03\xe8", 2);
	pump(&t, 4);
	assert_int_equal(t.closed, 1);
	assert_false(t.error);
	assert_int_equal(t.in.n, 4);
	assert_memory_equal(t.in.p, "\x88\x02\x03\xe8", 4);
	finish(&t);
	start(&t);
	close(t.peer);
	t.peer = -1;
	for (int i = 0; i < 200 && !t.closed; i++) {
		uv_run(&t.loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	assert_int_equal(t.closed, 1);
	assert_true(t.error);
	finish(&t);
}

/* Frames that came right behind the request are not lost and do not wait for more from the network. */
static void
test_early_frames(void **state)
{
	struct test t;

	(void)state;
	start_with(&t,
		EIO_LIT("\x81\x82\0\0\0\0"
			"40\x81\x83\0\0\0\0"
			"42x"),
		0);
	expect_messages(&t, "t2:40;t3:42x;");
	finish(&t);
}

#define DEFLATE "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* What was negotiated is echoed; blocks with RSV1 leave as they are, and messages with it arrive inflated. */
static void
test_deflate(void **state)
{
	static const char hello[] = "\xf2\x48\xcd\xc9\xc9\x07\x00",
			  frames[] = "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x82\x01x";
	struct eio_block *w = eio_block_new(sizeof(frames) - 1);
	struct test t;

	(void)state;
	memcpy(w->data, frames, w->n);
	for (int bits = EIO_DEFLATE_WINDOW_MIN - 1; bits <= EIO_DEFLATE_WINDOW_MAX; bits++) {
		char extension[120];

		snprintf(extension, sizeof(extension),
			bits < EIO_DEFLATE_WINDOW_MIN ? DEFLATE : DEFLATE "; server_max_window_bits=%d", bits);
		start_full(&t, eio_cstr(extension), eio_bytes("", 0), 0);
		assert_int_equal(eio_ws_write(t.ws, w), 0);
		send_frame(&t, 0x89, "hi", 2);
		pump(&t, w->n + 4);
		assert_int_equal(t.in.n, w->n + 4);
		assert_memory_equal(t.in.p, w->data, w->n);
		assert_memory_equal(t.in.p + w->n, "\x8a\x02hi", 4);
		send_frame(&t, 0xc1, hello, 7);
		send_frame(&t, 0x81, "plain", 5);
		send_frame(&t, 0x42, hello, 3);
		send_frame(&t, 0x89, "", 0);
		send_frame(&t, 0x80, hello + 3, 4);
		expect_messages(&t, "t5:Hello;t5:plain;b5:Hello;");
		finish(&t);
	}
	eio_block_unref(w);
}

static void
check_refused(int first_byte, struct eio_bytes data, int code)
{
	struct test t;

	start_full(&t, EIO_LIT(DEFLATE), eio_bytes("", 0), 0);
	send_frame(&t, first_byte, data.p, data.n);
	expect_failed(&t, code);
	finish(&t);
}

static void
test_deflate_refused(void **state)
{
	static const struct eio_deflate options = { .level = 9, .window_bits = 15 };
	char zeros[MAX_PAYLOAD + 1] = { 0 }, out[sizeof(zeros) + EIO_DEFLATE_SLACK];
	size_t n = eio_deflate(out, sizeof(zeros), eio_bytes(zeros, sizeof(zeros)), &options);

	(void)state;
	assert_true(n > 0 && n < 100);
	check_refused(0xc2, eio_bytes(out, n), EIO_WS_CLOSE_TOO_BIG);
	check_refused(0xc2, EIO_LIT("garbage"), EIO_WS_CLOSE_INVALID_DATA);
	n = eio_deflate(out, sizeof(zeros), EIO_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		&options);
	assert_true(n > 0);
	check_refused(0xc1, eio_bytes(out, n), EIO_WS_CLOSE_INVALID_DATA); /* no UTF-8 */
	/* The other reserved bits mean nothing, alone or beside the one that does. */
	check_refused(0xa1, EIO_LIT("x"), EIO_WS_CLOSE_PROTOCOL_ERROR);
	check_refused(0x91, EIO_LIT("x"), EIO_WS_CLOSE_PROTOCOL_ERROR);
	check_refused(0xe1, eio_bytes(out, n), EIO_WS_CLOSE_PROTOCOL_ERROR);
}

/* What is against the rules, whatever the extension allows, and the code that tells so. */
static void
test_refused(void **state)
{
	static const struct {
		struct eio_bytes sent;
		int code;
	} cases[] = {
		{ EIO_BYTES_OF("\x81\x01x"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* no mask */
		{ EIO_BYTES_OF("\x89\x00"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\x88\x00"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\xc9\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* RSV1 on a ping */
		{ EIO_BYTES_OF("\xca\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\xc8\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\x09\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* a ping in fragments */
		{ EIO_BYTES_OF("\x89\xfezzzzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* a long one */
		{ EIO_BYTES_OF("\x83\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* opcodes that do not exist */
		{ EIO_BYTES_OF("\x8b\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\x80\x80zzzz"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* goes on with nothing */
		{ EIO_BYTES_OF("\x01\x80zzzz\x81\x80zzzz"),
			EIO_WS_CLOSE_PROTOCOL_ERROR }, /* a message inside another */
		{ EIO_BYTES_OF("\x88\x81\0\0\0\0\x03"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* half a code */
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\0\0"), EIO_WS_CLOSE_PROTOCOL_ERROR },
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\x03\xe7"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* 999 */
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\x03\xed"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* 1005 */
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\x07\xd0"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* 2000 */
		{ EIO_BYTES_OF("\x88\x82\0\0\0\0\x13\x88"), EIO_WS_CLOSE_PROTOCOL_ERROR }, /* 5000 */
		{ EIO_BYTES_OF("\x88\x83\0\0\0\0\x03\xe8\xff"), EIO_WS_CLOSE_INVALID_DATA },
		{ EIO_BYTES_OF("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xffzzzz"), EIO_WS_CLOSE_TOO_BIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int way = 0; way < 2; way++) {
			struct test t;

			/* Right behind the request, or later, a byte at a time. */
			start_full(&t, EIO_LIT(DEFLATE), eio_bytes("", 0), 0);
			for (size_t k = 0, n; k < cases[i].sent.n; k += n) {
				n = way ? 1 : cases[i].sent.n;
				assert_int_equal(send(t.peer, cases[i].sent.p + k, n, MSG_NOSIGNAL), n);
				if (way) uv_run(&t.loop, UV_RUN_NOWAIT);
			}
			expect_failed(&t, cases[i].code);
			finish(&t);
		}
	}
}

/* RSV1 without the extension. */
static void
test_refused_plain(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	send_frame(&t, 0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
	expect_failed(&t, EIO_WS_CLOSE_PROTOCOL_ERROR);
	finish(&t);
}

/* The close frame is answered with what it says, and what stands behind it is not looked at: messages, pings,
 * rubbish. */
static void
test_behind_close(void **state)
{
	struct eio_bytes all = EIO_LIT("\x81\x81\0\0\0\0a\x88\x84\0\0\0\0\x0f\xa0ok"
				       "\x81\x81\0\0\0\0b\x89\x80\0\0\0\0\xff\xff");
	struct test t;

	(void)state;
	for (size_t n = 1; n <= all.n; n++) {
		start(&t);
		for (size_t at = 0; at < all.n; at += n) {
			size_t k = all.n - at < n ? all.n - at : n;

			send(t.peer, all.p + at, k, MSG_NOSIGNAL);
			for (int i = 0; i < 3; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
		}
		expect_messages(&t, "t1:a;");
		pump(&t, 6);
		assert_int_equal(t.in.n, 6);
		assert_memory_equal(t.in.p, "\x88\x04\x0f\xa0ok", 6);
		assert_int_equal(t.closed, 1);
		assert_false(t.error);
		finish(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_bad_utf8),
		cmocka_unit_test(test_server_close),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_peer_close),
		cmocka_unit_test(test_early_frames),
		cmocka_unit_test(test_deflate),
		cmocka_unit_test(test_deflate_refused),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_plain),
		cmocka_unit_test(test_behind_close),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
