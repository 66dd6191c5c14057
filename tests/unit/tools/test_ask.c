/* SPDX-License-Identifier: MIT */
/* Questions about rooms: each has as many as fit, and together they have all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/admin/rooms.h"
#include "src/tools/ask.h"

#include <stdio.h>
#include <string.h>

enum { ROOMS = 250 };

static void
names_are_encoded(void **state)
{
	const struct eio_bytes rooms[] = { EIO_LIT("a b&c=\xc3\xa9"), EIO_LIT("-._~09AZaz") };
	struct eio_buf out = { 0 };

	(void)state;
	assert_int_equal(ask_rooms_path(EIO_LIT("/"), NULL, 0, 8192, &out), 0);
	assert_string_equal(out.p, "/rooms?namespace=%2F");
	eio_buf_clear(&out);
	assert_int_equal(ask_rooms_path(EIO_LIT("/n"), rooms, 2, 8192, &out), 2);
	assert_string_equal(out.p, "/rooms?namespace=%2Fn&room=a%20b%26c%3D%C3%A9&room=-._~09AZaz");
	eio_buf_deinit(&out);
}

/* However long names are and whatever a head may have: no question is longer, but one about a single room. */
static void
questions_are_bounded(void **state)
{
	static const size_t lengths[] = { 0, 1, 110, 330, 2000 }, mosts[] = { 0, 512, 8192, 1 << 20 };
	static char names[ROOMS][2001];
	struct eio_bytes rooms[ROOMS];
	struct eio_buf out = { 0 };

	(void)state;
	for (size_t k = 0; k < 5 * 4; k++) {
		size_t length = lengths[k % 5], most = mosts[k / 5], at = 0, n;

		for (size_t i = 0; i < ROOMS; i++) {
			memset(names[i], i % 3 ? 'a' : '\xc3', length);
			rooms[i] = eio_bytes(names[i], length);
		}
		for (; at < ROOMS; at += n) {
			eio_buf_clear(&out);
			n = ask_rooms_path(EIO_LIT("/"), rooms + at, ROOMS - at, most, &out);
			assert_in_range(n, 1, ADMIN_ROOMS);
			assert_int_equal(out.p[out.n - 1], '\0');
			if (n > 1) assert_in_range(out.n, 1, most + 1);
		}
		assert_int_equal(at, ROOMS);
	}
	eio_buf_deinit(&out);
}

/* As few as can be: one more would not fit. */
static void
questions_are_full(void **state)
{
	struct eio_bytes rooms[ROOMS];
	struct eio_buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ROOMS; i++) rooms[i] = EIO_LIT("abcd"); /* "&room=abcd": 10 */
	assert_int_equal(ask_rooms_path(EIO_LIT("/"), rooms, ROOMS, 20 + 10 * 7, &out), 7);
	eio_buf_clear(&out);
	assert_int_equal(ask_rooms_path(EIO_LIT("/"), rooms, ROOMS, 20 + 10 * 7 - 1, &out), 6);
	eio_buf_clear(&out);
	assert_int_equal(ask_rooms_path(EIO_LIT("/"), rooms, ROOMS, 1 << 20, &out), ADMIN_ROOMS);
	eio_buf_deinit(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_encoded),
		cmocka_unit_test(questions_are_bounded),
		cmocka_unit_test(questions_are_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
