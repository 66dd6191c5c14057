/* SPDX-License-Identifier: MIT */
/* The log: one line per event, whatever a peer's bytes are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* stderr goes into a pipe while a line is written. */
static int saved, ends[2];

static void
begin(void)
{
	assert_int_equal(pipe(ends), 0);
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
}

static const char *
end(void)
{
	static char text[8192];
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], text, sizeof text - 1);
	close(ends[0]);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void
a_line(void **state)
{
	const char *text;
	int year, used = 0;

	(void)state;
	begin();
	log_info("conn=%d event=%s", 7, "open\nforged");
	text = end();
	assert_int_equal(sscanf(text, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ info  %n", &year, &used), 1);
	assert_true(year >= 2024 && used == 31);
	assert_string_equal(text + used, "conn=7 event=open forged\n");
}

static void
levels(void **state)
{
	(void)state;
	begin();
	log_debug("not this");
	log_set_level(LOG_LEVEL_ERROR);
	log_info("nor this");
	log_warn("nor this");
	assert_string_equal(end(), "");
	begin();
	log_error_errno(ENOENT, "event=x");
	assert_string_equal(end() + 25, "error event=x error=\"no such file or directory\"\n");
	log_set_level(LOG_LEVEL_INFO);
	assert_true(log_enabled(LOG_LEVEL_INFO) && !log_enabled(LOG_LEVEL_DEBUG));
	assert_int_equal(log_level_by_name("warn"), LOG_LEVEL_WARN);
	assert_int_equal(log_level_by_name("loud"), -1);
}

static void
long_lines_are_cut(void **state)
{
	char big[6000];
	const char *text;

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	begin();
	log_warn_errno(-EPIPE, "%s", big);
	text = end();
	assert_int_equal(strlen(text), 4096);
	assert_int_equal(text[4095], '\n');
}

static void
escaping(void **state)
{
	char out[12], four[4];

	(void)state;
	assert_string_equal(log_escape(EIO_LIT("a b"), out, sizeof out), "a b");
	assert_string_equal(log_escape(EIO_LIT("\"\\\n"), out, sizeof out), "\\x22\\x5c...");
	assert_string_equal(LOG_ESCAPE(EIO_LIT("\"\\\n\xff")), "\\x22\\x5c\\x0a\\xff");
	assert_string_equal(log_escape(EIO_LIT("12345678901"), out, sizeof out), "12345678901");
	assert_string_equal(log_escape(EIO_LIT("123456789012"), out, sizeof out), "12345678...");
	assert_string_equal(log_escape(EIO_LIT("abcd"), four, sizeof four), "...");
	assert_string_equal(log_escape(EIO_LIT("abc"), four, sizeof four), "abc");
	assert_string_equal(log_escape(EIO_LIT(""), four, sizeof four), "");
	/* No length overflows, wherever the cut falls. */
	for (size_t size = 4; size < 40; size++) {
		char s[40];

		log_escape(EIO_LIT("ab\x01\x02gh\x03ijk\x04mno\x05"), s, size);
		assert_true(strlen(s) < size);
	}
}

static void
limits(void **state)
{
	struct log_limit l = { 0 };
	uint64_t left_out = 99;

	(void)state;
	for (int i = 0; i < LOG_LIMIT_BURST; i++) assert_true(log_limit_pass(&l, 1000, &left_out));
	assert_int_equal(left_out, 0);
	for (int i = 0; i < 7; i++) assert_false(log_limit_pass(&l, 1000 + LOG_LIMIT_MS - 1, &left_out));
	assert_true(log_limit_pass(&l, 1000 + LOG_LIMIT_MS, &left_out));
	assert_int_equal(left_out, 7);
	assert_true(log_limit_pass(&l, 1000 + LOG_LIMIT_MS, &left_out));
	assert_int_equal(left_out, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line),
		cmocka_unit_test(levels),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(escaping),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
