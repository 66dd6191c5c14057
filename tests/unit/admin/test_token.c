/* SPDX-License-Identifier: MIT */
/* Who may publish. */
#include "src/admin/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef"
#define OTHER "a-second-token-of-more-bytes"

static void
test_matches(void **state)
{
	static const struct {
		const char *file, *authorization;
		bool good;
	} cases[] = {
		{ TOKEN, "Bearer " TOKEN, true },
		{ TOKEN "\n", "bearer   " TOKEN, true },
		{ TOKEN " \r\n\n" OTHER "\r\n", "BEARER " OTHER, true },
		{ TOKEN "\n" OTHER, "Bearer " TOKEN, true },
		{ TOKEN, TOKEN, false },
		{ TOKEN, "Basic " TOKEN, false },
		{ TOKEN, "Bearer " TOKEN "0", false },
		{ TOKEN, "Bearer 0123456789abcde", false },
		{ TOKEN, "Bearer 0123456789abcdeg", false },
		{ TOKEN, "Bearer " TOKEN " ", false },
		{ TOKEN "\n" OTHER, "Bearer " TOKEN "\n" OTHER, false },
		{ TOKEN, "Bearer ", false },
		{ TOKEN, "Bearer", false },
		{ TOKEN, "", false },
		{ "", "Bearer ", false },
		{ "\n\n", "Bearer  ", false },
		{ "short", "Bearer short", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (admin_token_matches(eio_cstr(cases[i].file), eio_cstr(cases[i].authorization)) != cases[i].good)
			fail_msg("case %zu", i);
}

static void
write_file(const char *name, const char *text, size_t n)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static enum admin_token_result
ask(const char *name, const char *authorization, const char *wanted)
{
	const char *why;
	enum admin_token_result result = admin_token_ask(name, eio_cstr(authorization), &why);

	if (wanted)
		assert_string_equal(why, wanted);
	else
		assert_null(why);
	return result;
}

static void
test_file(void **state)
{
	char dir[] = "/tmp/test_token.XXXXXX", name[64];
	static char large[ADMIN_TOKEN_FILE_BYTES + 1];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(name, sizeof name, "%s/token", dir);
	assert_int_equal(ask(name, "Bearer " TOKEN, "no such file or directory"), ADMIN_TOKEN_NONE);
	write_file(name, TOKEN "\n", strlen(TOKEN) + 1);
	assert_int_equal(ask(name, "Bearer " TOKEN, NULL), ADMIN_TOKEN_GOOD);
	assert_int_equal(ask(name, "Bearer " OTHER, NULL), ADMIN_TOKEN_WRONG);
	assert_int_equal(ask(name, "", NULL), ADMIN_TOKEN_WRONG);
	/* A change counts at once. */
	write_file(name, OTHER "\n", strlen(OTHER) + 1);
	assert_int_equal(ask(name, "Bearer " OTHER, NULL), ADMIN_TOKEN_GOOD);
	assert_int_equal(ask(name, "Bearer " TOKEN, NULL), ADMIN_TOKEN_WRONG);
	write_file(name, "\n", 1);
	assert_int_equal(ask(name, "Bearer ", "the file holds no token"), ADMIN_TOKEN_NONE);
	write_file(name, TOKEN "\nshort\n", strlen(TOKEN) + 7);
	assert_int_equal(ask(name, "Bearer " TOKEN, "a token has less than 16 bytes"), ADMIN_TOKEN_NONE);
	memset(large, 'x', sizeof large);
	write_file(name, large, sizeof large);
	assert_int_equal(ask(name, "Bearer x", "the file is longer than 4096 bytes"), ADMIN_TOKEN_NONE);
	assert_int_equal(ask(dir, "Bearer " TOKEN, "illegal operation on a directory"), ADMIN_TOKEN_NONE);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_matches), cmocka_unit_test(test_file) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
