/* SPDX-License-Identifier: MIT */
/* Lines of the log as JSON: what they say, and that they are JSON whatever is said and wherever it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/utf8.h"
#include "src/base/log_format.h"
#include "tests/unit/dice.h"

#include <cjson/cJSON.h>
#include <string.h>

enum { ROUNDS = 20000, LINE = 600 };

static void
expect(const char *line, const char *json)
{
	char out[1000];
	size_t n = log_format_json(out, sizeof out - 1, NULL, "info", eio_cstr(line));

	out[n] = '\0';
	assert_string_equal(out, json);
}

static void
pairs(void **state)
{
	(void)state;
	expect("event=x", "{\"level\":\"info\",\"event\":\"x\"}");
	expect("  redis=[::1]:6379   event=lost ", "{\"level\":\"info\",\"redis\":\"[::1]:6379\",\"event\":\"lost\"}");
	expect("event=a hint=\"b c=d e\" n=3", "{\"level\":\"info\",\"event\":\"a\",\"hint\":\"b c=d e\",\"n\":\"3\"}");
	expect("event=a hint=\"\" n=", "{\"level\":\"info\",\"event\":\"a\",\"hint\":\"\",\"n\":\"\"}");
	expect("no-new-privileges=1 a_b=2 c.d=3",
		"{\"level\":\"info\",\"no-new-privileges\":\"1\",\"a_b\":\"2\",\"c.d\":\"3\"}");
	expect("", "{\"level\":\"info\"}");
}

/* What nobody should write, and somebody will. */
static void
odd_lines(void **state)
{
	(void)state;
	expect("it is late", "{\"level\":\"info\",\"text\":\"it is late\"}");
	expect("it is late event=x", "{\"level\":\"info\",\"text\":\"it is late\",\"event\":\"x\"}");
	expect("error=no such file n=1", "{\"level\":\"info\",\"error\":\"no such file\",\"n\":\"1\"}");
	expect("hint=\"never ends n=1", "{\"level\":\"info\",\"hint\":\"never ends n=1\"}");
	expect("hint=\"say \"a\" twice\" n=1",
		"{\"level\":\"info\",\"hint\":\"say \\\"a\",\"text\":\"twice\\\"\",\"n\":\"1\"}");
	expect("hint=\"a\"b n=1", "{\"level\":\"info\",\"hint\":\"a\\\"b n=1\"}");
	expect("url=/?a=1&b=2", "{\"level\":\"info\",\"url\":\"/?a=1&b=2\"}");
	expect("=x", "{\"level\":\"info\",\"text\":\"=x\"}");
	expect("hint=\"", "{\"level\":\"info\",\"hint\":\"\"}");
}

static void
characters(void **state)
{
	(void)state;
	expect("name=\"\\x22\\x5c\"", "{\"level\":\"info\",\"name\":\"\\\\x22\\\\x5c\"}");
	expect("name=Grüße", "{\"level\":\"info\",\"name\":\"Grüße\"}");
	expect("name=\t\x01\x7f", "{\"level\":\"info\",\"name\":\"\\u0009\\u0001\\u007f\"}");
	expect("name=\xff\xc3", "{\"level\":\"info\",\"name\":\"\\u00ff\\u00c3\"}");
}

static void
with_a_time(void **state)
{
	char out[200];
	size_t n = log_format_json(out, sizeof out, "2026-11-29T13:11:45.111Z", "warn", EIO_LIT("a=b"));

	(void)state;
	out[n] = '\0';
	assert_string_equal(out, "{\"time\":\"2026-11-29T13:11:45.111Z\",\"level\":\"warn\",\"a\":\"b\"}");
}

/* Everything is in it that fits, and it ends as it must. */
static void
check_cut(const char *line, size_t n, size_t size)
{
	char out[LINE * 7];
	cJSON *json;

	memset(out, '!', sizeof out);
	n = log_format_json(out, size, "t", "info", eio_bytes(line, n));
	assert_true(n <= size);
	assert_int_equal(out[size], '!');
	assert_true(eio_utf8_valid(eio_bytes(out, n)));
	out[n] = '\0';
	json = cJSON_Parse(out);
	assert_true(cJSON_IsObject(json));
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "level")->valuestring, "info");
	cJSON_Delete(json);
}

static void
any_line_of_any_length(void **state)
{
	static const char *const pieces[] = { "event=", "\"", " ", "a=b", "ü", "😀", "\\", "\xff", "\x01", "=", "x",
		"\xc3" };
	char line[LINE];

	(void)state;
	dice_state = 29;
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = 0, count = dice(60);

		for (size_t k = 0; k < count; k++) {
			const char *piece = pieces[dice(sizeof pieces / sizeof pieces[0])];

			memcpy(line + n, piece, strlen(piece));
			n += strlen(piece);
		}
		check_cut(line, n, LOG_FORMAT_MIN + dice(100));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(odd_lines),
		cmocka_unit_test(characters),
		cmocka_unit_test(with_a_time),
		cmocka_unit_test(any_line_of_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
