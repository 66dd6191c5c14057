/* SPDX-License-Identifier: MIT */
/* Frames between hub and edge: what they look like, whole, a byte at a time and cut at each place; and what is none. */
#include "src/relay/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOST = 300 };

static void
test_numbers(void **state)
{
	static const struct {
		int line;
		uint64_t v;
		struct eio_bytes wire;
	} good[] = {
		{ __LINE__, 0, { "\0", 1 } },
		{ __LINE__, 127, { "\x7f", 1 } },
		{ __LINE__, 128, { "\x80\x01", 2 } },
		{ __LINE__, 300, { "\xac\x02", 2 } },
		{ __LINE__, UINT64_MAX, { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 } },
	};
	static const struct eio_bytes bad[] = { { "", 0 }, { "\x80", 1 }, { "\x80\0", 2 }, { "\xff\0", 2 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 } };
	struct eio_bytes s;
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct eio_buf out = { 0 };

		relay_put_number(&out, good[i].v);
		if (!eio_bytes_eq(eio_buf_bytes(&out), good[i].wire)) fail_msg("line %d", good[i].line);
		s = good[i].wire;
		if (!relay_take_number(&s, &v) || v != good[i].v || s.n) fail_msg("line %d", good[i].line);
		eio_buf_deinit(&out);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		s = bad[i];
		if (relay_take_number(&s, &v)) fail_msg("bad number %zu", i);
	}
}

/* Reads all of it in pieces of that length, the first of another; what was found, as text. */
static void
read_pieces(struct eio_bytes in, size_t first, size_t piece, struct eio_buf *to)
{
	struct relay_reader r = { .most = MOST };
	struct relay_frame f;
	enum relay_read what = RELAY_READ_MORE;

	for (size_t n = first; in.n && what != RELAY_READ_BAD; n = piece) {
		size_t len = n < in.n ? n : in.n;
		char *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, in.p, len);
		relay_reader_feed(&r, eio_bytes(copy, len));
		while ((what = relay_reader_next(&r, &f)) == RELAY_READ_FRAME || what == RELAY_READ_LONG) {
			eio_buf_printf(to, "%s %u %llu ", what == RELAY_READ_LONG ? "long" : "frame", f.type,
				(unsigned long long)f.n);
			eio_buf_add(to, f.body);
			eio_buf_addc(to, '\n');
		}
		free(copy);
		in = eio_bytes(in.p + len, in.n - len);
	}
	if (what == RELAY_READ_BAD) EIO_BUF_ADD_LIT(to, "bad\n");
	relay_reader_deinit(&r);
}

static void
check_pieces(struct eio_bytes in, struct eio_bytes want)
{
	struct eio_buf got = { 0 };

	for (size_t first = 0; first <= in.n; first++) {
		for (size_t piece = 1; piece <= in.n + 1; piece += in.n ? in.n : 1) {
			eio_buf_clear(&got);
			read_pieces(in, first ? first : 1, piece, &got);
			assert_int_equal(got.n, want.n);
			assert_memory_equal(got.p, want.p, want.n);
		}
	}
	eio_buf_deinit(&got);
}

static void
test_frames(void **state)
{
	struct eio_buf in = { 0 };
	char large[MOST + 50];

	(void)state;
	memset(large, 'x', sizeof large);
	relay_put_frame(&in, RELAY_PING, eio_bytes("", 0));
	relay_put_frame(&in, RELAY_JOIN, EIO_LIT("abc"));
	relay_put_frame(&in, RELAY_BATCH, eio_bytes(large, sizeof large));
	relay_put_frame(&in, 200, EIO_LIT("d"));
	assert_int_equal(in.p[0], 1);
	assert_int_equal(in.p[1], RELAY_PING);
	check_pieces(eio_buf_bytes(&in), EIO_LIT("frame 10 1 \nframe 5 4 abc\nlong 13 351 \nframe 200 2 d\n"));
	eio_buf_deinit(&in);
}

/* Of a question and an answer that are too long there is the number, for who waits. */
static void
test_long_answer(void **state)
{
	struct eio_buf in = { 0 };
	char large[MOST + 50];

	(void)state;
	memset(large, 'y', sizeof large);
	memcpy(large, "\x81\x01", 2);
	relay_put_frame(&in, RELAY_ANSWER, eio_bytes(large, sizeof large));
	relay_put_frame(&in, RELAY_ASK, eio_bytes(large, sizeof large));
	relay_put_frame(&in, RELAY_ANSWER, eio_bytes(large, 12));
	check_pieces(eio_buf_bytes(&in),
		EIO_LIT("long 19 351 \x81\x01yyyyyyyy\nlong 18 351 \x81\x01yyyyyyyy\nframe 19 13 \x81\x01yyyyyyyyyy\n"));
	eio_buf_deinit(&in);
}

static void
test_what_is_no_frame(void **state)
{
	(void)state;
	check_pieces(EIO_LIT("\x02\x05"
			     "a\0"),
		EIO_LIT("frame 5 2 a\nbad\n"));
	check_pieces(EIO_LIT("\x01\x05\x80\0"), EIO_LIT("frame 5 1 \nbad\n"));
	check_pieces(EIO_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), EIO_LIT("bad\n"));
	/* As long as nothing can be: it is passed over for ever, and takes no memory. */
	check_pieces(EIO_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x0d"
			     "abc"),
		EIO_LIT("long 13 18446744073709551615 \n"));
}

static void
test_keys(void **state)
{
	static const struct eio_bytes bad[] = { { "", 0 }, { "\0", 1 }, { "\2\1/\0", 4 }, { "\0\1a\0", 4 },
		{ "\1\1/\1r", 5 }, { "\0\1/\2r", 5 }, { "\0\0\0", 3 } };
	struct eio_buf out = { 0 };
	struct eio_bytes s;
	struct sio_room_key key;

	(void)state;
	relay_put_key(&out, sio_room_named(EIO_LIT("/a"), EIO_LIT("room")));
	relay_put_key(&out, sio_room_everyone(EIO_LIT("/")));
	assert_memory_equal(out.p, "\0\2/a\4room\1\1/\0", 12);
	s = eio_buf_bytes(&out);
	assert_true(relay_take_key(&s, &key));
	assert_true(sio_room_key_eq(key, sio_room_named(EIO_LIT("/a"), EIO_LIT("room"))));
	assert_true(relay_take_key(&s, &key));
	assert_true(key.everyone && s.n == 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		s = bad[i];
		if (relay_take_key(&s, &key)) fail_msg("bad key %zu", i);
	}
	eio_buf_deinit(&out);
}

/* For the hub's end of a WebSocket: one frame of that around it. */
static void
test_block(void **state)
{
	struct eio_block *b = relay_frame_block(RELAY_LEFT, EIO_LIT("xy"));

	(void)state;
	assert_non_null(b);
	assert_int_equal(b->n, 6);
	assert_memory_equal(b->data, "\x82\4\3\x0cxy", 6);
	eio_block_unref(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_long_answer),
		cmocka_unit_test(test_what_is_no_frame),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
