/* SPDX-License-Identifier: MIT */
/* What the application's answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/auth/verdict.h"
#include "tests/unit/failmalloc.h"

#include <stdlib.h>

#define UNAVAILABLE "authentication unavailable", "{\"code\":\"unavailable\",\"retryAfter\":5}"

static const struct {
	int line;
	unsigned status, retry_after_s;
	const char *body, *claims; /* those that are known */
	bool in;
	const char *a, *b; /* in: claims, rooms and emit one after the other; refused: message, data */
} answers[] = {
	{ __LINE__, 200, 0, "", "", true, "", "" },
	{ __LINE__, 204, 0, "", "{\"sub\":1}", true, "{\"sub\":1}", "" },
	{ __LINE__, 200, 0, " {} ", "{ }", true, "{}", "" },
	{ __LINE__, 200, 0, "{\"user\":\"u\"}", "", true, "{\"sub\":\"u\"}", "" },
	{ __LINE__, 200, 0, "{\"user\":\"u\"}", "{\"sub\":1,\"x\":2}", true, "{\"x\":2,\"sub\":\"u\"}", "" },
	{ __LINE__, 200, 0, "{\"user\":7}", "{ \"x\" : [1] , \"s\\u0075b\":1}", true, "{\"x\":[1],\"sub\":7}", "" },
	{ __LINE__, 201, 0, "{\"claims\":{\"a\":1}}", "{\"sub\":1}", true, "{\"a\":1}", "" },
	{ __LINE__, 200, 0, "{\"claims\":null,\"rooms\":null,\"emit\":null,\"user\":null}", "{\"a\":1}", true,
		"{\"a\":1}", "" },
	{ __LINE__, 200, 0, "{\"rooms\":[\"a\"],\"emit\":[[\"e\"]]}", "", true, "", "[\"a\"][[\"e\"]]" },
	{ __LINE__, 200, 0, "{\"claims\":[]}", "", false, UNAVAILABLE },
	{ __LINE__, 200, 0, "{\"rooms\":\"a\"}", "", false, UNAVAILABLE },
	{ __LINE__, 200, 0, "{\"emit\":{}}", "", false, UNAVAILABLE },
	{ __LINE__, 200, 0, "[]", "", false, UNAVAILABLE },
	{ __LINE__, 200, 0, "{", "", false, UNAVAILABLE },
	{ __LINE__, 200, 0, "<html>", "", false, UNAVAILABLE },
	{ __LINE__, 302, 0, "", "", false, UNAVAILABLE },
	{ __LINE__, 500, 0, "{\"message\":\"x\"}", "", false, UNAVAILABLE },
	{ __LINE__, 0, 0, "", "", false, UNAVAILABLE },
	{ __LINE__, 503, 9, "", "", false, "authentication unavailable",
		"{\"code\":\"unavailable\",\"retryAfter\":9}" },
	{ __LINE__, 401, 0, "", "", false, "Unauthorized", "" },
	{ __LINE__, 403, 0, "no JSON", "", false, "Forbidden", "" },
	{ __LINE__, 404, 0, "{\"message\":7,\"data\":null}", "", false, "Forbidden", "" },
	{ __LINE__, 403, 0, "{\"message\":\"a\\u0062\",\"data\":[1,{\"b\":2}]}", "", false, "ab", "[1,{\"b\":2}]" },
};

static bool
same(const struct eio_buf *got, const char *want)
{
	return eio_bytes_eq(eio_buf_bytes(got), eio_cstr(want));
}

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct hook_answer a = { .status = answers[i].status,
			.body = eio_cstr(answers[i].body),
			.retry_after_s = answers[i].retry_after_s };
		struct auth_verdict v;
		struct eio_buf lists = { 0 };

		assert_true(auth_verdict_read(&v, &a, eio_cstr(answers[i].claims)));
		eio_buf_add(&lists, v.rooms);
		eio_buf_add(&lists, v.emit);
		assert_int_equal(auth_verdict_lets_in(&a, false), v.in);
		if (v.in != answers[i].in) fail_msg("line %d: %s", answers[i].line, v.in ? "in" : "refused");
		if (!same(v.in ? &v.claims : &v.message, answers[i].a))
			fail_msg("line %d: not %s", answers[i].line, answers[i].a);
		if (!same(v.in ? &lists : &v.data, answers[i].b))
			fail_msg("line %d: not %s", answers[i].line, answers[i].b);
		eio_buf_deinit(&lists);
		auth_verdict_deinit(&v);
	}
}

static void
test_large_claims(void **state)
{
	struct auth_verdict v;
	struct eio_buf body = { 0 };
	struct hook_answer a = { .status = 200 };

	(void)state;
	EIO_BUF_ADD_LIT(&body, "{\"claims\":{\"x\":\"");
	for (int i = 0; i < AUTH_CLAIMS_BYTES; i++) eio_buf_addc(&body, 'x');
	EIO_BUF_ADD_LIT(&body, "\"}}");
	a.body = eio_buf_bytes(&body);
	assert_true(auth_verdict_read(&v, &a, eio_bytes("", 0)));
	assert_false(v.in);
	assert_string_equal(v.odd, "the claims are larger than 16 KB");
	auth_verdict_deinit(&v);
	eio_buf_deinit(&body);
}

/* Laravel's */
static const struct {
	int line;
	unsigned status;
	const char *body, *claims;
	bool in;
	const char *want; /* the claims, or the message */
} channels[] = {
	{ __LINE__, 200, "true", "{\"a\":1}", true, "{\"a\":1}" },
	{ __LINE__, 200, "", "", true, "" },
	{ __LINE__, 200, "<html>", "", true, "" },
	{ __LINE__, 200, "{\"auth\":\"x\"}", "", true, "" },
	{ __LINE__, 200, "{\"channel_data\":{\"user_id\":5,\"user_info\":{\"name\":\"A\"}}}", "{\"old\":1}", true,
		"{\"user_id\":5,\"user_info\":{\"name\":\"A\"},\"sub\":5}" },
	{ __LINE__, 200, "{\"channel_data\":\"{\\\"user_id\\\":\\\"u\\\"}\"}", "", true,
		"{\"user_id\":\"u\",\"sub\":\"u\"}" },
	{ __LINE__, 200, "{\"channel_data\":{}}", "", true, "{}" },
	{ __LINE__, 200, "{\"channel_data\":[1]}", "", false, "authentication unavailable" },
	{ __LINE__, 200, "{\"channel_data\":\"{\"}", "", false, "authentication unavailable" },
	{ __LINE__, 403, "{\"message\":\"no\"}", "", false, "no" },
	{ __LINE__, 419, "", "", false, "Forbidden" },
	{ __LINE__, 302, "", "", false, "authentication unavailable" },
	{ __LINE__, 0, "", "", false, "authentication unavailable" },
};

static void
test_laravel(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
		struct hook_answer a = { .status = channels[i].status, .body = eio_cstr(channels[i].body) };
		struct auth_verdict v;

		assert_true(auth_verdict_read_laravel(&v, &a, eio_cstr(channels[i].claims)));
		if (v.in != channels[i].in) fail_msg("line %d: %s", channels[i].line, v.in ? "in" : "refused");
		if (!same(v.in ? &v.claims : &v.message, channels[i].want))
			fail_msg("line %d: not %s", channels[i].line, channels[i].want);
		assert_int_equal(auth_verdict_lets_in(&a, true), v.in);
		auth_verdict_deinit(&v);
	}
}

static int
read_channels(void)
{
	for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
		struct hook_answer a = { .status = channels[i].status, .body = eio_cstr(channels[i].body) };
		struct auth_verdict v;
		bool read = auth_verdict_read_laravel(&v, &a, eio_cstr(channels[i].claims));

		auth_verdict_deinit(&v);
		if (!read) return 1;
	}
	return 0;
}

static int
read_all(void)
{
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct hook_answer a = { .status = answers[i].status, .body = eio_cstr(answers[i].body) };
		struct auth_verdict v;
		bool read = auth_verdict_read(&v, &a, eio_cstr(answers[i].claims));

		auth_verdict_deinit(&v);
		if (!read) return 1;
	}
	return 0;
}

static void
test_verdicts_out_of_memory(void **state)
{
	(void)state;
	failmalloc_every(read_all, 1, 20);
	failmalloc_every(read_channels, 1, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_large_claims),
		cmocka_unit_test(test_laravel),
		cmocka_unit_test(test_verdicts_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
