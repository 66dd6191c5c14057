/* SPDX-License-Identifier: MIT */
/* The configuration: where mistakes are told to be, in files, variables and flags, and how many of them. */
#include "tests/unit/config/reading.h"

/* Text, what of it is shown, and the caret below. */
static void
lines_are_shown(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "{\n\t\"workers\":\t\"x\" // no\r\n}", " \"workers\": \"x\" // no\n            ^\n" },
		{ "\xef\xbb\xbf{\"w\": 1}", "{\"w\": 1}\n ^\n" },
		{ "{\"\u00e4\": 1}", "{\"\u00e4\": 1}\n ^\n" },
		{ "{\"redis\": \"redis://me:secret@h:0\"}", "{\"redis\": \"redis://*********@h:0\"}\n          ^\n" },
		{ "{\"redis\": \":secret@h:0\"}", "{\"redis\": \"*******@h:0\"}\n          ^\n" },
		/* ESC, DEL, the C1 control CSI, a byte that is not UTF-8, and an override of the direction. */
		{ "{\"\x1b[2J\x7f\xc2\x9b\x9b\xe2\x80\xae\": 1}",
			"{\"?[2J????\": 1}\n  ^\n{\"?[2J????\": 1}\n        ^\n" },
		{ "", "\n^\n" },
		{ "{\r", "{\n ^\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_null(load_with(cases[i].text, NULL));
		assert_string_equal(excerpts, cases[i].shown);
	}
}

static void
long_lines_are_cut(void **state)
{
	char text[1000];
	const char *caret;

	(void)state;
	memset(text, ' ', sizeof text);
	sprintf(text + 300, "{\"qqqqqq\": 1}");
	memset(text + strlen(text), ' ', 100);
	text[999] = '\0';
	assert_null(load_with(text, NULL));
	assert_string_equal(errors, "t.conf:1:302: qqqqqq: unknown key\n");
	assert_int_equal(strncmp(excerpts, "...  ", 5), 0);
	caret = strchr(excerpts, '\n') + 1;
	assert_int_equal(excerpts[strchr(caret, '^') - caret], '"');
	assert_true(strlen(caret) < 100 && caret - excerpts < 140);
}

static void
bad_variables(void **state)
{
	char *const env[] = { (char *)"SIOCAST_WORKERS=two", (char *)"SIOCAST_SERVE_CLIENT=yes",
		(char *)"SIOCAST_LOG_LEVEL=loud", (char *)"SIOCAST_FEEDS=[{\"channel\":\"b\",\"evnt\":1}]",
		(char *)"SIOCAST_ENGINE_PING_TIMEOUT=5s", NULL };
	char *const late[] = { (char *)"SIOCAST_PATH=x",
		(char *)"SIOCAST_LISTEN=[\"127.0.0.1:5\",\"localhost:5\",\"[::]:6\"]", (char *)"SIOCAST_ADMIN=[::1]:6",
		NULL };
	char *const near[] = { (char *)"SIOCAST_LISTN=1", (char *)"SIOCAST_ZZZZZZZ=1", NULL };
	struct config_flags f = { .environment = env };

	(void)state;
	assert_null(load_with("{\n}", &f));
	assert_string_equal(errors,
		"SIOCAST_WORKERS: workers: expected a number, not a string\n"
		"SIOCAST_ENGINE_PING_TIMEOUT: engine.pingTimeout: expected a number, not a string; write 5000\n"
		"SIOCAST_SERVE_CLIENT: serveClient: expected true or false, not a string; write true\n"
		"SIOCAST_FEEDS: feeds[0].evnt: unknown key; did you mean \"event\"?\n"
		"SIOCAST_LOG_LEVEL: log.level: \"loud\" is none of \"error\", \"warn\", \"info\", \"debug\"\n");
	/* What is found when all has been read is still theirs, an element of a list, too. */
	f.environment = late;
	assert_null(load_with("{\n}", &f));
	assert_string_equal(errors, "SIOCAST_PATH: path: \"x\" is no path such as \"/socket.io/\"\n"
				    "SIOCAST_LISTEN: listen[1]: \"localhost:5\": the same address as listen[0]\n"
				    "SIOCAST_ADMIN: admin: \"[::1]:6\": clients connect there, by listen[2]\n");
	f.environment = near;
	config_free(load_with("{\"feeds\": [{\"channel\": \"a\"}]}", &f));
	assert_string_equal(warnings, "warning: SIOCAST_LISTN: no option is called so; did you mean SIOCAST_LISTEN?\n"
				      "warning: SIOCAST_ZZZZZZZ: no option is called so\n");
}

/* Every prefix and every single changed byte of a good file is answered, by a configuration or by errors. */
static void
damaged_files(void **state)
{
	char text[sizeof full];

	(void)state;
	for (size_t n = 0; n < sizeof full - 1; n++) {
		memcpy(text, full, n);
		text[n] = '\0';
		config_free(load_with(text, NULL));
		assert_true(n_errors > 0 || n + 10 > sizeof full);
		memcpy(text, full, sizeof full);
		text[n] = '"';
		config_free(load_with(text, NULL));
		text[n] = '}';
		config_free(load_with(text, NULL));
	}
}

static void
errors_are_bounded(void **state)
{
	char text[2000] = "{";

	(void)state;
	for (int i = 0; i < 50; i++) sprintf(text + strlen(text), "\"qqq%d\": 1,\n", i);
	strcat(text, "\"workers\": 1}");
	assert_null(load_with(text, NULL));
	assert_int_equal(n_errors, 21);
	assert_non_null(strstr(errors, "\nt.conf: 30 more mistakes are not shown\n"));
}

static void
nesting_is_bounded(void **state)
{
	static char text[400001];

	(void)state;
	memset(text, '[', sizeof text - 1);
	assert_null(load_with(text, NULL));
	assert_string_equal(errors, "t.conf:1:65: nested too deeply\n");
}

static void
bad_flags(void **state)
{
	const char *feeds[] = { "ticks" }, *listen[] = { "nowhere" }, *two[] = { "127.0.0.1:4000", "localhost:4000" };
	struct config_flags f = { .workers = "many", .log_level = "x", .listen = { listen, 1 }, .feeds = { feeds, 1 } };

	(void)state;
	assert_null(load_with("{}", &f));
	assert_string_equal(errors,
		"--listen: \"nowhere\": expected \"127.0.0.1:3000\", \"[::]:3000\" or \"unix:/path\"\n"
		"--log-level: \"x\" is none of \"error\", \"warn\", \"info\", \"debug\"\n"
		"--workers: \"many\" is not a number\n"
		"--feed: \"ticks\": expected CHANNEL=EVENT\n");
	/* What is found when all has been read is theirs, and no line of the file. */
	f = (struct config_flags){ .admin = "127.0.0.1:4000", .path = "x", .listen = { two, 2 } };
	assert_null(
		load_with("{\"listen\": \"127.0.0.1:4000\", \"admin\": \"127.0.0.1:4001\", \"path\": \"/x/\"}", &f));
	assert_string_equal(errors, "--path: \"x\" is no path such as \"/socket.io/\"\n"
				    "--admin: \"127.0.0.1:4000\": clients connect there, by listen[0]\n"
				    "--listen: \"localhost:4000\": the same address as listen[0]\n"
				    "--admin: \"127.0.0.1:4000\": clients connect there, by listen[1]\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_shown),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(bad_variables),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(errors_are_bounded),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(bad_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
