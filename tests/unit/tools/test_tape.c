/* SPDX-License-Identifier: MIT */
/* Recordings: what is written is read again, byte for byte; what others write is read or told. And counting by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/tools/tally.h"
#include "src/tools/tape.h"
#include "src/tools/visible.h"

#include <stdio.h>
#include <string.h>

static void
what_is_written_is_read(void **state)
{
	static const struct tape_line lines[] = {
		{ 0, EIO_LIT("c"), EIO_LIT("") },
		{ 1520125, EIO_LIT("a\"\\ \xc3\xa9"), EIO_LIT("{\"x\":\"\\u0000\"}\n") },
		{ 9999999999999, EIO_LIT("n"), EIO_LIT("\0\xff\x01 ab") },
		{ 7, EIO_LIT("z"), EIO_LIT("\0") },
	};
	struct eio_buf text = { 0 }, scratch = { 0 };
	struct tape_line got;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		eio_buf_clear(&text);
		tape_write(&text, &lines[i]);
		assert_int_equal(text.p[text.n - 1], '\n');
		assert_null(tape_read(eio_buf_bytes(&text), &scratch, &got));
		assert_int_equal(got.us, lines[i].us);
		assert_true(eio_bytes_eq(got.channel, lines[i].channel));
		assert_true(eio_bytes_eq(got.message, lines[i].message));
	}
	eio_buf_clear(&text);
	tape_write(&text, &lines[1]);
	assert_true(eio_bytes_starts(eio_buf_bytes(&text), EIO_LIT("{\"ms\":1520.125,\"channel\":\"a\\\"")));
	eio_buf_deinit(&text);
	eio_buf_deinit(&scratch);
}

static void
what_others_write(void **state)
{
	static const struct {
		int line;
		const char *text, *why;
	} cases[] = {
		{ __LINE__, "{\"note\":1,\"message\":\"m\",\"channel\":\"c\",\"ms\":1e3}", NULL },
		{ __LINE__, "{\"ms\":0,\"channel\":\"c\",\"base64\":\"AA\"}", NULL },
		{ __LINE__, "", "not one JSON value" },
		{ __LINE__, "{} {}", "not one JSON value" },
		{ __LINE__, "[]", "\"ms\" is missing" },
		{ __LINE__, "{\"channel\":\"c\",\"message\":\"m\"}", "\"ms\" is missing" },
		{ __LINE__, "{\"ms\":\"1\",\"channel\":\"c\",\"message\":\"m\"}", "\"ms\" is missing" },
		{ __LINE__, "{\"ms\":-1,\"channel\":\"c\",\"message\":\"m\"}", "\"ms\" is missing" },
		{ __LINE__, "{\"ms\":1e300,\"channel\":\"c\",\"message\":\"m\"}", "\"ms\" is missing" },
		{ __LINE__, "{\"ms\":1,\"channel\":1,\"message\":\"m\"}", "\"channel\" is missing" },
		{ __LINE__, "{\"ms\":1,\"channel\":\"c\",\"message\":{}}", "neither" },
		{ __LINE__, "{\"ms\":1,\"channel\":\"c\",\"base64\":\"!\"}", "\"base64\" is not" },
	};
	struct eio_buf scratch = { 0 };
	struct tape_line got;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *why = tape_read(eio_cstr(cases[i].text), &scratch, &got);

		if (!why != !cases[i].why || (why && strncmp(why, cases[i].why, strlen(cases[i].why)) != 0))
			fail_msg("line %d: %s", cases[i].line, why ? why : "read");
	}
	eio_buf_deinit(&scratch);
}

static void
rates(void **state)
{
	struct eio_buf out = { 0 };
	struct tally t = { 0 };
	char name[16];

	(void)state;
	for (unsigned i = 0; i < TALLY_NAMES + 5; i++) {
		snprintf(name, sizeof name, "n%u", i);
		assert_int_equal(tally_add(&t, eio_cstr(name), 10), 0);
	}
	assert_int_equal(t.n, TALLY_NAMES + 1);
	assert_int_equal(t.lines[TALLY_NAMES].messages, 5);
	tally_write_rates(&t, 2, &out);
	eio_buf_clear(&out);
	tally_add(&t, EIO_LIT("n7"), 5);
	tally_add(&t, EIO_LIT("n7"), 5);
	tally_write_rates(&t, 2, &out);
	eio_buf_addc(&out, '\0');
	assert_string_equal(out.p, "         2 messages          1.0/s              5 bytes/s  n7\n"
				   "         2 messages          1.0/s              5 bytes/s  in all\n");
	tally_deinit(&t);
	eio_buf_deinit(&out);
}

static void
terminals(void **state)
{
	struct eio_buf out = { 0 };

	(void)state;
	write_visible(&out, EIO_LIT("a\xc3\xa9\x1b[2J\x7f\xc2\x9b\xff\xe2\x80\xaez"));
	eio_buf_addc(&out, '\0');
	assert_string_equal(out.p, "a\xc3\xa9\\u001b[2J\\u007f\\u009b\xef\xbf\xbd\\u202ez");
	eio_buf_deinit(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_others_write),
		cmocka_unit_test(rates),
		cmocka_unit_test(terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
