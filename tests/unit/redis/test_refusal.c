/* SPDX-License-Identifier: MIT */
/* Errors of the server in the log: readable, and without a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/redis/refusal.h"

#include <string.h>

static const struct {
	int line;
	bool answers_auth;
	const char *error, *want;
} refusals[] = {
	{ __LINE__, true, "WRONGPASS invalid username-password pair or user is disabled.",
		"WRONGPASS invalid username-password pair" },
	{ __LINE__, true, "ERR unknown command 'AUTH', with args beginning with: 'hunter2' ", "ERR unknown command" },
	{ __LINE__, true, "ERR unknown command `AUTH`, with args beginning with: `hun", "ERR unknown command" },
	{ __LINE__, true,
		"ERR AUTH <password> called without any password configured for the default user. Are you sure?",
		"ERR AUTH <password> called without any password configured" },
	{ __LINE__, true, "ERR hunter2", "ERR" },
	{ __LINE__, true, "DENIED Redis is running in protected mode because",
		"DENIED Redis is running in protected mode" },
	{ __LINE__, true, "ERR max number of clients reached", "ERR max number of clients" },
	{ __LINE__, true, "hunter2", "an error" },
	{ __LINE__, true, "", "an error" },
	{ __LINE__, false, "NOPERM this user has no permissions to run the 'ping' command",
		"NOPERM this user has no permissions to run the 'ping' command" },
	{ __LINE__, false, "ERR what is \"this\"\r?", "ERR what is \\x22this\\x22\\x0d?" },
	{ __LINE__, false, "NOPERM of hunter2, of all", "NOPERM" },
	{ __LINE__, false, "hunter2", "an error" },
	{ __LINE__, false, "", "" },
};

static void
tells_no_secret(void **state)
{
	struct redis_url u = { .password = (char *)(uintptr_t) "hunter2" };
	char out[128];

	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		redis_refusal(eio_cstr(refusals[i].error), &u, refusals[i].answers_auth, out, sizeof out);
		if (strcmp(out, refusals[i].want) != 0) fail_msg("line %d: %s", refusals[i].line, out);
	}
	u.password = NULL;
	redis_refusal(EIO_LIT("ERR hunter2"), &u, false, out, sizeof out);
	assert_string_equal(out, "ERR hunter2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
