/* SPDX-License-Identifier: MIT */
/* What clients say on WebSockets, out of bytes: however they are cut, whatever is wrong with them. */
#include "eio/inbound.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX = 100, FIN = 0x80, RSV1 = 0x40 };

static const char hello[] = "\xf2\x48\xcd\xc9\xc9\x07\x00"; /* "Hello", compressed (RFC 7692 section 7.2.3.1) */
static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d }; /* of RFC 6455 section 5.7 */

/* Adds a client's frame. */
static void
put_frame(struct eio_buf *out, int first, struct eio_bytes data)
{
	if (data.n < 126) {
		eio_buf_addc(out, (char)first);
		eio_buf_addc(out, (char)(0x80 | data.n));
	} else {
		eio_buf_addc(out, (char)first);
		eio_buf_addc(out, (char)(0x80 | 126));
		eio_buf_addc(out, (char)(data.n >> 8));
		eio_buf_addc(out, (char)data.n);
	}
	eio_buf_append(out, mask, sizeof mask);
	for (size_t i = 0; i < data.n; i++) eio_buf_addc(out, (char)((unsigned char)data.p[i] ^ mask[i % 4]));
}

static void
put_found(struct eio_buf *out, enum eio_inbound_result what, struct eio_inbound_message *m)
{
	static const char *const names[] = { "", "message", "ping", "close", "bad-frame", "bad-data", "too-big" };

	eio_buf_add(out, eio_cstr(names[what]));
	if (what == EIO_INBOUND_MESSAGE) eio_buf_add(out, eio_cstr(m->binary ? "-b" : "-t"));
	if (what <= EIO_INBOUND_CLOSE) {
		eio_buf_printf(out, "%zu:", m->n);
		eio_buf_append(out, m->data, m->n);
		eio_buf_deinit(&m->owned);
	}
	eio_buf_addc(out, ';');
}

/* What is found in the bytes when they arrive in pieces of this size, the first of which has another; up to the first
 * result after which there is none. */
static void
feed(struct eio_buf *out, struct eio_bytes bytes, size_t first, size_t step, bool deflate)
{
	struct eio_inbound in = { .deflate = deflate };
	enum eio_inbound_result what = EIO_INBOUND_MORE;

	for (size_t at = 0, n; at < bytes.n && what < EIO_INBOUND_CLOSE; at += n) {
		char copy[1000];
		struct eio_arrived arrived = { copy, 0 };
		struct eio_inbound_message m;

		n = at == 0 ? first : step;
		if (n > bytes.n - at) n = bytes.n - at;
		memcpy(copy, bytes.p + at, n);
		arrived.n = n;
		do {
			what = eio_inbound_take(&in, &arrived, MAX, &m);
			if (what != EIO_INBOUND_MORE) put_found(out, what, &m);
		} while (what != EIO_INBOUND_MORE && what < EIO_INBOUND_CLOSE);
		if (what == EIO_INBOUND_MORE) assert_int_equal(arrived.n, 0);
	}
	eio_inbound_deinit(&in);
	eio_buf_addc(out, '\0');
}

/* The same is found however the bytes are cut. The buffer is emptied. */
static void
expect(struct eio_buf *sent, bool deflate, const char *expected)
{
	for (size_t first = 1; first <= sent->n; first++) {
		for (size_t step = 1; step <= sent->n; step += step < 8 ? 1 : sent->n) {
			struct eio_buf found;

			eio_buf_init(&found);
			feed(&found, eio_buf_bytes(sent), first, step, deflate);
			assert_string_equal(found.p, expected);
			eio_buf_deinit(&found);
		}
	}
	eio_buf_clear(sent);
}

static void
test_frames(void **state)
{
	struct eio_buf b;

	(void)state;
	eio_buf_init(&b);
	put_frame(&b, FIN | EIO__FRAME_TEXT, EIO_LIT("4\xd0\x9f"));
	put_frame(&b, FIN | EIO__FRAME_BINARY, EIO_LIT("\xff\x01"));
	put_frame(&b, FIN | EIO__FRAME_TEXT, eio_bytes("", 0));
	put_frame(&b, FIN | EIO__FRAME_PONG, EIO_LIT("nobody asked"));
	put_frame(&b, FIN | EIO__FRAME_PING, EIO_LIT("\x80hi"));
	put_frame(&b, FIN | EIO__FRAME_PING, eio_bytes("", 0));
	expect(&b, false, "message-t3:4\xd0\x9f;message-b2:\xff\x01;message-t0:;ping3:\x80hi;ping0:;");
	/* Fragments: a character is cut, some are empty, and a ping goes before the rest. */
	put_frame(&b, EIO__FRAME_TEXT, EIO_LIT("4\xd0"));
	put_frame(&b, EIO__FRAME_CONTINUATION, eio_bytes("", 0));
	put_frame(&b, FIN | EIO__FRAME_PING, EIO_LIT("p"));
	put_frame(&b, EIO__FRAME_CONTINUATION, EIO_LIT("\x9f"));
	put_frame(&b, FIN | EIO__FRAME_CONTINUATION, eio_bytes("", 0));
	put_frame(&b, EIO__FRAME_BINARY, eio_bytes("", 0));
	put_frame(&b, FIN | EIO__FRAME_CONTINUATION, eio_bytes("", 0));
	expect(&b, false, "ping1:p;message-t3:4\xd0\x9f;message-b0:;");
	eio_buf_deinit(&b);
}

static void
test_compressed(void **state)
{
	struct eio_buf b;

	(void)state;
	eio_buf_init(&b);
	put_frame(&b, FIN | RSV1 | EIO__FRAME_TEXT, eio_bytes(hello, 7));
	put_frame(&b, FIN | EIO__FRAME_TEXT, EIO_LIT("x"));
	put_frame(&b, RSV1 | EIO__FRAME_BINARY, eio_bytes(hello, 3));
	put_frame(&b, FIN | EIO__FRAME_PING, eio_bytes("", 0));
	put_frame(&b, FIN | EIO__FRAME_CONTINUATION, eio_bytes(hello + 3, 4));
	expect(&b, true, "message-t5:Hello;message-t1:x;ping0:;message-b5:Hello;");
	eio_buf_deinit(&b);
}

/* A message that arrives whole lies where it came. */
static void
test_no_copy(void **state)
{
	struct eio_inbound in = { 0 };
	struct eio_inbound_message m;
	struct eio_arrived arrived;
	struct eio_buf b;

	(void)state;
	eio_buf_init(&b);
	put_frame(&b, FIN | EIO__FRAME_TEXT, EIO_LIT("4x"));
	arrived = (struct eio_arrived){ b.p, b.n };
	assert_int_equal(eio_inbound_take(&in, &arrived, 2, &m), EIO_INBOUND_MESSAGE);
	assert_ptr_equal(m.data, b.p + 6);
	assert_null(m.owned.p);
	assert_true(eio_inbound_at_rest(&in));
	eio_buf_deinit(&b);
}

/* It is at rest where nothing is under way, and nowhere else: not within a header, a frame, a message of two frames,
 * or a ping between them. */
static void
test_at_rest(void **state)
{
	struct eio_inbound in = { .deflate = true };
	struct eio_inbound_message m;
	struct eio_buf b;

	(void)state;
	eio_buf_init(&b);
	for (int i = 0; i < 2; i++) {
		size_t ends = b.n;

		put_frame(&b, EIO__FRAME_TEXT, EIO_LIT("ab"));
		put_frame(&b, FIN | EIO__FRAME_PING, EIO_LIT("p"));
		put_frame(&b, FIN | EIO__FRAME_CONTINUATION, EIO_LIT(""));
		for (size_t at = ends; at < b.n; at++) {
			struct eio_arrived arrived = { b.p + at, 1 };
			enum eio_inbound_result what = eio_inbound_take(&in, &arrived, 10, &m);

			assert_true(what < EIO_INBOUND_CLOSE);
			if (what != EIO_INBOUND_MORE) eio_buf_deinit(&m.owned);
			assert_int_equal(eio_inbound_at_rest(&in), at + 1 == b.n);
		}
	}
	eio_buf_deinit(&b);
	eio_inbound_deinit(&in);
}

static void
refuse(int first, struct eio_bytes data, bool deflate, const char *expected)
{
	struct eio_buf b;

	eio_buf_init(&b);
	put_frame(&b, first, data);
	put_frame(&b, FIN | EIO__FRAME_TEXT, EIO_LIT("behind it"));
	expect(&b, deflate, expected);
	eio_buf_deinit(&b);
}

static void
test_refused(void **state)
{
	static const int bits[] = { 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70 };

	(void)state;
	for (int opcode = 0; opcode < 16; opcode++) {
		bool data = opcode == EIO__FRAME_TEXT || opcode == EIO__FRAME_BINARY;
		bool control = opcode == EIO__FRAME_PING || opcode == EIO__FRAME_PONG || opcode == EIO__FRAME_CLOSE;

		if (!data && !control) refuse(FIN | opcode, eio_bytes("", 0), true, "bad-frame;");
		if (control) refuse(opcode, eio_bytes("", 0), true, "bad-frame;");
		for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
			if (!data || bits[i] != RSV1)
				refuse(FIN | bits[i] | opcode, eio_bytes("", 0), true, "bad-frame;");
			refuse(FIN | bits[i] | opcode, eio_bytes("", 0), false, "bad-frame;");
		}
	}
	refuse(FIN | EIO__FRAME_TEXT, EIO_LIT("\xff"), false, "bad-data;");
	refuse(FIN | RSV1 | EIO__FRAME_BINARY, EIO_LIT("\x07"), true, "bad-data;"); /* a block that does not exist */
}

/* How many bytes of this text, a byte in each fragment, are taken before it is refused. */
static size_t
taken_of(struct eio_bytes text)
{
	struct eio_inbound in = { 0 };
	size_t taken = 0;

	for (enum eio_inbound_result what = EIO_INBOUND_MORE; taken < text.n; taken++) {
		struct eio_inbound_message m;
		struct eio_arrived arrived;
		struct eio_buf b;

		eio_buf_init(&b);
		put_frame(&b, taken ? EIO__FRAME_CONTINUATION : EIO__FRAME_TEXT, eio_bytes(text.p + taken, 1));
		arrived = (struct eio_arrived){ b.p, b.n };
		what = eio_inbound_take(&in, &arrived, MAX, &m);
		eio_buf_deinit(&b);
		if (what != EIO_INBOUND_MORE) {
			assert_int_equal(what, EIO_INBOUND_BAD_DATA);
			break;
		}
	}
	eio_inbound_deinit(&in);
	return taken;
}

/* Text is refused at the first byte with which it cannot be text any more, wherever that is. */
static void
test_fails_fast(void **state)
{
	static const struct {
		const char *text;
		size_t taken;
	} cases[] = {
		{ "4\xce\xba\xe1\xbd\xb9", 6 },
		{ "4\xf0\x9f\x98\x80 \xef\xbf\xbd", 9 },
		{ "4\x80", 1 },
		{ "4\xc0\x80", 1 },
		{ "4\xc1\xbf", 1 },
		{ "4\xf5\x80", 1 },
		{ "4\xff", 1 },
		{ "4\xe0\x9f\xbf", 2 },
		{ "4\xe0\xa0\x80", 4 },
		{ "4\xed\x9f\xbf", 4 },
		{ "4\xed\xa0\x80", 2 },
		{ "4\xf0\x8f\xbf\xbf", 2 },
		{ "4\xf0\x90\x80\x80", 5 },
		{ "4\xf4\x8f\xbf\xbf", 5 },
		{ "4\xf4\x90\x80\x80", 2 },
		{ "4\xe2\x82"
		  "a",
			3 },
		{ "4\xf0\x9f\x98\xc2\x80", 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(taken_of(eio_cstr(cases[i].text)), cases[i].taken);
}

/* Without a mask, or too long for a control frame: the first two bytes tell. */
static void
test_first_two_bytes(void **state)
{
	struct eio_inbound_message m;

	(void)state;
	for (int length = 0; length < 256; length++) {
		char bytes[2] = { (char)(FIN | EIO__FRAME_PING), (char)length };
		struct eio_arrived arrived = { bytes, 2 };
		struct eio_inbound in = { 0 };
		bool right = length >= 0x80 && length <= 0x80 + EIO__FRAME_CONTROL_MAX;

		assert_int_equal(
			eio_inbound_take(&in, &arrived, MAX, &m), right ? EIO_INBOUND_MORE : EIO_INBOUND_BAD_FRAME);
	}
}

/* Between its fragments a message lets nothing pass but control frames; and continuing needs a beginning. */
static void
test_fragments_refused(void **state)
{
	struct eio_buf b;

	(void)state;
	eio_buf_init(&b);
	put_frame(&b, EIO__FRAME_TEXT, EIO_LIT("a"));
	put_frame(&b, FIN | EIO__FRAME_TEXT, EIO_LIT("b"));
	expect(&b, false, "bad-frame;");
	put_frame(&b, EIO__FRAME_TEXT, EIO_LIT("a"));
	put_frame(&b, FIN | EIO__FRAME_CONTINUATION, EIO_LIT("b"));
	put_frame(&b, FIN | EIO__FRAME_CONTINUATION, EIO_LIT("c"));
	expect(&b, false, "message-t2:ab;bad-frame;");
	put_frame(&b, RSV1 | EIO__FRAME_TEXT, eio_bytes(hello, 3));
	put_frame(&b, FIN | RSV1 | EIO__FRAME_CONTINUATION, eio_bytes(hello + 3, 4));
	expect(&b, true, "bad-frame;");
	eio_buf_deinit(&b);
}

/* Every code there is, and what may stand behind it. */
static void
test_close(void **state)
{
	struct eio_buf b;

	(void)state;
	eio_buf_init(&b);
	put_frame(&b, FIN | EIO__FRAME_CLOSE, eio_bytes("", 0));
	put_frame(&b, FIN | EIO__FRAME_TEXT, EIO_LIT("behind it"));
	expect(&b, false, "close0:;");
	refuse(FIN | EIO__FRAME_CLOSE, EIO_LIT("\x03"), false, "bad-frame;");
	refuse(FIN | EIO__FRAME_CLOSE, EIO_LIT("\x03\xe8\xd0"), false, "bad-data;");
	refuse(FIN | EIO__FRAME_CLOSE, EIO_LIT("\x03\xe8ok\xd0\x9f"), false, "close6:\x03\xe8ok\xd0\x9f;");
	for (unsigned code = 0; code <= UINT16_MAX; code++) {
		/* Those of ws 8, the server of the reference. */
		bool right = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
			     (code >= 3000 && code <= 4999);
		char data[2] = { (char)(code >> 8), (char)code };
		struct eio_inbound in = { 0 };
		struct eio_inbound_message m;
		struct eio_arrived arrived;

		put_frame(&b, FIN | EIO__FRAME_CLOSE, eio_bytes(data, 2));
		arrived = (struct eio_arrived){ b.p, b.n };
		assert_int_equal(
			eio_inbound_take(&in, &arrived, MAX, &m), right ? EIO_INBOUND_CLOSE : EIO_INBOUND_BAD_FRAME);
		eio_buf_clear(&b);
	}
	eio_buf_deinit(&b);
}

/* The length that a frame announces counts, and so does what came before. */
static void
test_limit(void **state)
{
	char data[MAX + 1] = { 0 };
	char announced[] = "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xffzzzz";
	struct eio_buf b, found;

	(void)state;
	eio_buf_init(&b);
	eio_buf_init(&found);
	put_frame(&b, FIN | EIO__FRAME_BINARY, eio_bytes(data, MAX));
	b.n -= 1;
	feed(&found, eio_buf_bytes(&b), 1, 1, false);
	assert_string_equal(found.p, "");
	eio_buf_clear(&b);
	put_frame(&b, FIN | EIO__FRAME_BINARY, eio_bytes(data, MAX + 1));
	expect(&b, false, "too-big;");
	put_frame(&b, EIO__FRAME_BINARY, eio_bytes(data, MAX / 2));
	put_frame(&b, EIO__FRAME_CONTINUATION, eio_bytes(data, MAX / 2));
	put_frame(&b, FIN | EIO__FRAME_CONTINUATION, eio_bytes(data, 1));
	expect(&b, false, "too-big;");
	eio_buf_append(&b, announced, sizeof announced - 1);
	expect(&b, false, "too-big;");
	eio_buf_deinit(&b);
	eio_buf_deinit(&found);
}

/* With skip on, messages are passed over, whatever their size and bytes, and what is no message is not. */
static void
test_skip(void **state)
{
	char data[MAX + 1];
	struct eio_inbound in = { 0 };
	struct eio_inbound_message m;
	struct eio_arrived arrived;
	struct eio_buf b;

	(void)state;
	memset(data, 0xff, sizeof data);
	eio_buf_init(&b);
	put_frame(&b, EIO__FRAME_TEXT, EIO_LIT("begun"));
	arrived = (struct eio_arrived){ b.p, b.n };
	assert_int_equal(eio_inbound_take(&in, &arrived, MAX, &m), EIO_INBOUND_MORE);
	in.skip = true;
	eio_buf_clear(&b);
	put_frame(&b, FIN | EIO__FRAME_CONTINUATION, eio_bytes(data, sizeof data));
	put_frame(&b, FIN | EIO__FRAME_TEXT, eio_bytes(data, sizeof data));
	put_frame(&b, FIN | EIO__FRAME_CLOSE, EIO_LIT("\x03\xe8"));
	arrived = (struct eio_arrived){ b.p, b.n };
	assert_int_equal(eio_inbound_take(&in, &arrived, MAX, &m), EIO_INBOUND_CLOSE);
	assert_null(in.pieces.p);
	eio_inbound_deinit(&in);
	eio_buf_deinit(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_no_copy),
		cmocka_unit_test(test_at_rest),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fails_fast),
		cmocka_unit_test(test_first_two_bytes),
		cmocka_unit_test(test_fragments_refused),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_skip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
