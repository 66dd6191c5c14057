/* SPDX-License-Identifier: MIT */
/* WebSocket messages out of pieces: however they are cut, whatever is wrong with them. */
#include "eio/inbound.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX = 100, RSV1 = 0x40, RSV3 = 0x10 };

static const char hello[] = "\xf2\x48\xcd\xc9\xc9\x07\x00"; /* "Hello", compressed (RFC 7692 section 7.2.3.1) */

/* Gives one frame, its pieces `step` bytes long. Returns what the last of them is. */
static enum eio_inbound_result
give(struct eio_inbound *in, struct eio_piece frame, struct eio_bytes data, size_t step, struct eio_inbound_message *m)
{
	static char copy[MAX * 2];
	enum eio_inbound_result rc;
	size_t at = 0;

	memcpy(copy, data.p, data.n);
	do {
		frame.data = copy + at;
		frame.n = data.n - at < step ? data.n - at : step;
		at += frame.n;
		frame.left = data.n - at;
		rc = eio_inbound_take(in, &frame, MAX, m);
	} while (rc == EIO_INBOUND_MORE && frame.left > 0);
	return rc;
}

/* One message in one, two or many pieces of one, two or three frames, plain and compressed. */
static void
test_pieces(void **state)
{
	static const struct {
		struct eio_bytes sent, plain;
		unsigned rsv;
	} messages[] = {
		{ { "4\xd0\x9f", 3 }, { "4\xd0\x9f", 3 }, 0 },
		{ { hello, 7 }, { "Hello", 5 }, RSV1 },
	};
	struct eio_inbound in = { 0 };
	struct eio_inbound_message m;

	(void)state;
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
		struct eio_bytes s = messages[i].sent;

		for (size_t cut = 0; cut <= s.n; cut++) {
			for (size_t step = 1; step <= s.n; step++) {
				struct eio_piece first = { .first = true, .rsv = messages[i].rsv },
						 last = { .final = true };

				assert_int_equal(give(&in, first, eio_bytes(s.p, cut), step, &m), EIO_INBOUND_MORE);
				assert_int_equal(give(&in, (struct eio_piece){ 0 }, eio_bytes("", 0), step, &m),
					EIO_INBOUND_MORE);
				assert_int_equal(give(&in, last, eio_bytes(s.p + cut, s.n - cut), step, &m),
					EIO_INBOUND_MESSAGE);
				assert_true(eio_bytes_eq(eio_bytes(m.data, m.n), messages[i].plain));
				eio_buf_deinit(&m.owned);
				assert_null(in.pieces.p);
			}
		}
	}
}

/* A message in one piece lies where it came. */
static void
test_no_copy(void **state)
{
	char data[] = "4x";
	struct eio_piece piece = { .data = data, .n = 2, .first = true, .final = true };
	struct eio_inbound in = { 0 };
	struct eio_inbound_message m;

	(void)state;
	assert_int_equal(eio_inbound_take(&in, &piece, 2, &m), EIO_INBOUND_MESSAGE);
	assert_ptr_equal(m.data, data);
	assert_null(m.owned.p);
	assert_int_equal(eio_inbound_take(&in, &piece, 1, &m), EIO_INBOUND_TOO_BIG);
}

static void
test_refused(void **state)
{
	static const char bad_block[] = "\x07"; /* a block of the type that does not exist */
	const struct eio_piece alone = { .first = true, .final = true }, rest = { .final = true };
	struct eio_piece bad;
	struct eio_inbound in = { 0 };
	struct eio_inbound_message m;

	(void)state;
	bad = alone;
	bad.rsv = RSV3;
	assert_int_equal(give(&in, bad, EIO_LIT("x"), 1, &m), EIO_INBOUND_BAD_FRAME);
	bad = rest;
	bad.rsv = RSV1;
	assert_int_equal(give(&in, bad, EIO_LIT("x"), 1, &m), EIO_INBOUND_BAD_FRAME);
	assert_int_equal(give(&in, alone, EIO_LIT("\xff"), 1, &m), EIO_INBOUND_BAD_DATA);
	bad = alone;
	bad.binary = true;
	assert_int_equal(give(&in, bad, EIO_LIT("\xff"), 1, &m), EIO_INBOUND_MESSAGE);
	bad.rsv = RSV1;
	assert_int_equal(give(&in, bad, EIO_LIT(bad_block), 3, &m), EIO_INBOUND_BAD_DATA);
	eio_inbound_deinit(&in);
}

/* The length that a frame announces counts, and so does what came before. */
static void
test_limit(void **state)
{
	const struct eio_piece first = { .first = true }, rest = { 0 };
	char data[MAX] = { 0 };
	struct eio_piece piece = { .data = data, .n = 1, .left = MAX, .first = true };
	struct eio_inbound in = { 0 };
	struct eio_inbound_message m;

	(void)state;
	assert_int_equal(eio_inbound_take(&in, &piece, MAX, &m), EIO_INBOUND_TOO_BIG);
	in = (struct eio_inbound){ 0 };
	assert_int_equal(give(&in, first, eio_bytes(data, MAX / 2), MAX, &m), EIO_INBOUND_MORE);
	assert_int_equal(give(&in, rest, eio_bytes(data, MAX / 2), MAX, &m), EIO_INBOUND_MORE);
	assert_int_equal(give(&in, rest, eio_bytes(data, 1), MAX, &m), EIO_INBOUND_TOO_BIG);
	eio_inbound_deinit(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_no_copy),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
