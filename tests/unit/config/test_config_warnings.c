/* SPDX-License-Identifier: MIT */
/* The configuration: what is allowed, and warned of. */
#include "tests/unit/config/reading.h"

/* What is allowed, and what is said about it. */
static const struct {
	int line;
	const char *text, *warnings;
} suspicious[] = {
	{ __LINE__, "{\"trustedProxies\": [\"10.0.0.0/8\", \"10.1.0.0/8\"], \"feeds\": [{\"channel\": \"a\"}]}",
		"t.conf:1:35: warning: trustedProxies[1]: \"10.1.0.0/8\": only the first 8 bits count\n" },
	{ __LINE__,
		"{\"namespaces\": {\"/\": {\"on\": {\"x\": [{\"ack\": [\"{{tls.subject}}\"]},\n{\"ack\": [1, \"of "
		"{tls.subject}\"]}]}}}, \"feeds\": [{\"channel\": \"a\"}]}",
		"t.conf:2:13: warning: namespaces./.on.x[1].ack[1]: {tls.subject} stands for nothing: no address of \"listen\" "
		"has \"clientCA\"\n" },
	{ __LINE__, "{}", "t.conf: warning: feeds: no feeds: nothing that is published would reach anybody\n" },
	{ __LINE__, "{\"feeds\": []}",
		"t.conf:1:11: warning: feeds: no feeds: nothing that is published would reach anybody\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": [\"a.*\", \"b\"]}]}",
		"t.conf:1:25: warning: feeds[0].channel[0]: the one channel called \"a.*\"; for all that match write "
		"\"pattern\"\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\"}, {\"channel\": \"a\", \"event\": \"x\"}, {\"channel\": [\"a\", \"b\"]},\n"
		"{\"channel\": \"a\", \"encode\": \"json\"}]}",
		"t.conf:2:1: warning: feeds[3]: feeds[0] sends the same event of the same messages there: each would come "
		"twice\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\"}, {\"channel\": \"a\", \"where\": {\"/x\": 1, \"/y\": [2]}},\n"
		"{\"where\": {\"/y\": [2], \"/x\": 1}, \"channel\": \"a\"}]}",
		"t.conf:2:1: warning: feeds[2]: feeds[1] sends the same event of the same messages there: each would come "
		"twice\n" },
	{ __LINE__,
		"{\"feeds\": [{\"stream\": \"s\"}, {\"stream\": \"s\", \"event\": \"x\"}, {\"pattern\": \"s\"},\n"
		"{\"stream\": \"s\"}, {\"channel\": [\"a\", \"b\"]}, {\"channel\": [\"b\", \"a\"]},\n"
		"{\"pattern\": \"s\"}, {\"stream\": \"s\"}]}",
		"t.conf:2:1: warning: feeds[3]: feeds[0] sends the same event of the same messages there: each would come "
		"twice\n"
		"t.conf:3:1: warning: feeds[6]: feeds[2] sends the same event of the same messages there: each would come "
		"twice\n"
		"t.conf:3:19: warning: feeds[7]: feeds[0] sends the same event of the same messages there: each would come "
		"twice\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"room\": \"r\"}]}",
		"t.conf:2:9: warning: feeds[0].room: no handler of \"/\" joins such a room, so nobody would hear it; a \"join\" "
		"under \"namespaces\" does that\n" },
	{ __LINE__,
		"{\"feedDefaults\": {\"room\": \"sym.{/s}\"}, \"feeds\": [{\"channel\": \"a\"}],\n"
		"\"namespaces\": {\"/\": {\"on\": {\"s\": [{\"join\": \"symbol.{1}\"}, {\"leave\": \"sym.{1}\"}]}}}}",
		"t.conf:1:27: warning: feeds[0].room: no handler of \"/\" joins such a room, so nobody would hear it; a \"join\" "
		"under \"namespaces\" does that\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": \"false\"},\n\"feeds\": [{\"channel\": \"a\"}]}",
		"t.conf:1:23: warning: engine.cookie: a cookie called \"false\"; write it without quotes to mean the value\n" },
	{ __LINE__,
		"{\"engine\": {\"cookie\": {\"path\": \"false\"}}, \"www\": \"/null\",\n\"feeds\": [{\"channel\": \"a\"}]}",
		"t.conf:1:32: warning: engine.cookie.path: \"false\" in quotes is a text like any other\n" },
	{ __LINE__, "{\"engine\": {\"pingInterval\": 25}, \"feeds\": [{\"channel\": \"a\"}]}",
		"t.conf:1:29: warning: engine.pingInterval: less than a second; where 25 seconds are meant write 25000\n" },
	{ __LINE__, "{\"redis\": [\"h:1\", \"localhost\", \"redis://127.0.0.1/3\"], \"feeds\": [{\"channel\": \"a\"}]}",
		"t.conf:1:32: warning: redis[2]: the same server as redis[1], whatever the database: every message would come "
		"twice\n" },
	{ __LINE__, "{\"cors\": {\"credentials\": true}, \"feeds\": [{\"channel\": \"a\"}]}",
		"t.conf:1:26: warning: cors.credentials: browsers refuse credentials where the origin is \"*\"; name the "
		"origins, or write \"origin\": true\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\"}], \"cors\": {\"origin\": [\"https://a/x\",\n\"https://a/\",\n\"a.example\",\n"
		"\"https://A\",\n\"https://a:443\",\n\"http://[::1]:80\",\n\"null\", \"https://a:8443\", \"http://[::1]\"]}}",
		"t.conf:1:51: warning: cors.origin[0]: \"https://a/x\": an origin ends with its host or port: no page's has a path "
		"or a slash at its end\n"
		"t.conf:2:1: warning: cors.origin[1]: \"https://a/\": an origin ends with its host or port: no page's has a path "
		"or a slash at its end\n"
		"t.conf:3:1: warning: cors.origin[2]: \"a.example\": an origin begins with its scheme, as in "
		"\"https://example.org\"\n"
		"t.conf:4:1: warning: cors.origin[3]: \"https://A\": browsers write origins in small letters\n"
		"t.conf:5:1: warning: cors.origin[4]: \"https://a:443\": browsers leave out the port that goes with the scheme\n"
		"t.conf:6:1: warning: cors.origin[5]: \"http://[::1]:80\": browsers leave out the port that goes with the "
		"scheme\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\"}], \"cors\": {\"origin\": [\"https://u@a\",\n\"https://a b\",\n"
		"\"https://\xc3\xa4.example\",\n\"file://\", \"https://xn--4ca.example\", \"chrome-extension://abc\"]}}",
		"t.conf:1:51: warning: cors.origin[0]: \"https://u@a\": an origin has no name and no password of a user\n"
		"t.conf:2:1: warning: cors.origin[1]: \"https://a b\": there are no spaces in an origin\n"
		"t.conf:3:1: warning: cors.origin[2]: \"https://\xc3\xa4.example\": browsers write other letters than those of "
		"ASCII as \"xn--...\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\"}], \"cors\": {\"origin\": \"https://*.example.org\"}}",
		"t.conf:1:50: warning: cors.origin: \"https://*.example.org\": there are no wildcards: this is the name of no "
		"page's origin\n" },
	{ __LINE__,
		"{\"redis\": \"redis://:$PASS@h\", \"path\": \"/$$\", \"feeds\": [{\"channel\": \"${HOME\"},\n{\"channel\": \"$HOME\"}]}",
		NULL },
	{ __LINE__,
		"{\"redis\": \"redis://:$PASS@h\",\n\"feeds\": [{\"channel\": \"$HOME-$x\"}], \"www\": \"/${home}\"}",
		"t.conf:1:11: warning: redis: a '$' is text here; the environment is written ${NAME}, in capitals\n"
		"t.conf:2:23: warning: feeds[0].channel: $HOME is text here; the environment is written ${NAME}, in capitals\n"
		"t.conf:2:44: warning: www: ${home} is text here; the environment is written ${NAME}, in capitals\n" },
	/* Nothing to say. */
	{ __LINE__,
		"{\"feedDefaults\": {\"room\": \"sym.{/s}\"}, \"feeds\": [{\"pattern\": \"a.*\"}, {\"channel\": \"b\", \"room\": "
		"\"all\"}],\"namespaces\": {\"/\": {\"on\": {\"s\": [{\"join\": [\"sym.{1}\", \"all\"]}]}}}}",
		"" },
	{ __LINE__, "{\"cors\": {\"origin\": true, \"credentials\": true}, \"feeds\": [{\"channel\": \"a\"}]}", "" },
};

static void
warnings_are_told(void **state)
{
	struct config_flags strict = { .strict = true };

	(void)state;
	for (size_t i = 0; i < sizeof suspicious / sizeof suspicious[0]; i++) {
		struct config *c = load_with(suspicious[i].text, NULL);

		if (!suspicious[i].warnings) { /* not even a warning */
			assert_null(c);
			continue;
		}
		if (!c) fail_msg("line %d: %s", suspicious[i].line, errors);
		if (strcmp(warnings, suspicious[i].warnings) != 0)
			fail_msg("line %d:\n got: %s want: %s", suspicious[i].line, warnings, suspicious[i].warnings);
		assert_int_equal(c->warnings > 0, *warnings != '\0');
		config_free(c);
		c = load_with(suspicious[i].text, &strict);
		assert_int_equal(c == NULL, *warnings != '\0');
		config_free(c);
	}
}

/* With mistakes in it, a file is warned of as far as it could be read. */
static const struct {
	int line;
	const char *text, *errors, *warnings;
} half_wrong[] = {
	{ __LINE__,
		"{\"workers\": 99, \"redis\": [\"h:1\", \"http://b\", \"redis://h:1/2\", 5],\n"
		"\"cors\": {\"credentials\": true}, \"engine\": {\"pingInterval\": 25, \"pingTimeout\": 5},\n"
		"\"feeds\": [{\"channel\": \"a\", \"room\": \"r\"}], \"namespaces\": {\"/\": {\"on\": {\"s\": [{\"join\": \"q\"}]}}}}",
		"t.conf:1:13: workers: expected a whole number from 0 to 64\n"
		"t.conf:1:34: redis[1]: unknown scheme; there are redis://, rediss:// and unix://\n"
		"t.conf:1:63: redis[3]: expected an address, or an object with \"url\", not a number\n"
		"t.conf:2:78: engine.pingTimeout: expected a whole number from 10 to 3600000\n",
		"t.conf:1:46: warning: redis[2]: the same server as redis[0], whatever the database: every message would come "
		"twice\n"
		"t.conf:2:25: warning: cors.credentials: browsers refuse credentials where the origin is \"*\"; name the "
		"origins, or write \"origin\": true\n"
		"t.conf:2:59: warning: engine.pingInterval: less than a second; where 25 seconds are meant write 25000\n"
		"t.conf:3:36: warning: feeds[0].room: no handler of \"/\" joins such a room, so nobody would hear it; a "
		"\"join\" under \"namespaces\" does that\n" },
	/* A feed that is wrong itself; those behind it keep their numbers. */
	{ __LINE__,
		"{\"feeds\": [{\"event\": \"x\"}, 1,\n{\"channel\": \"a\", \"encode\": \"x\", \"room\": \"r\"},\n"
		"{\"channel\": \"a\", \"namespace\": \"/x\"},\n{\"channel\": \"a\", \"room\": \"r\"}],\n\"namespaces\": {}}",
		"t.conf:1:12: feeds[0]: a feed needs a \"channel\", a \"pattern\", a \"shard\" or a \"stream\"\n"
		"t.conf:1:28: feeds[1]: expected an object, not a number\n"
		"t.conf:2:28: feeds[2].encode: \"x\" is none of \"binary\", \"json\", \"text\"\n"
		"t.conf:3:31: feeds[3].namespace: namespace \"/x\" is not among \"namespaces\"\n",
		"t.conf:4:26: warning: feeds[4].room: no handler of \"/\" joins such a room, so nobody would hear it; a "
		"\"join\" under \"namespaces\" does that\n" },
	/* The application may put clients into any room. */
	{ __LINE__,
		"{\"workers\": 99, \"feeds\": [{\"channel\": \"a\", \"room\": \"r\", \"namespace\": \"/h\"}, {\"channel\": \"a\", \"room\": \"r\", \"namespace\": \"/c\"},\n"
		"{\"channel\": \"a\", \"room\": \"r\", \"namespace\": \"/j\"}], \"namespaces\": {"
		"\"/h\": {\"auth\": {\"hook\": {\"url\": \"http://h/\"}}}, \"/c\": {\"on\": {\"connection\": [{\"call\": \"http://h/\"}]}},"
		"\"/j\": {\"auth\": {\"hook\": {\"url\": \"http://h/\", \"on\": [\"join\"]}}}}}",
		"t.conf:1:13: workers: expected a whole number from 0 to 64\n",
		"t.conf:2:26: warning: feeds[2].room: no handler of \"/j\" joins such a room, so nobody would hear it; a "
		"\"join\" under \"namespaces\" does that\n" },
	/* Where it could not be read nothing is said about it. */
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"room\": \"r\"}],\n\"namespace\": {\"/\": {\"on\": {\"s\": [{\"join\": \"r\"}]}}}}",
		"t.conf:2:1: namespace: unknown key; did you mean \"namespaces\"?\n", "" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"room\": \"r\"}],\n\"namespaces\": {\"/\": {\"on\": {\"s\": [{\"jion\": \"r\"}]}}}}",
		"t.conf:2:44: namespaces./.on: /s/0/jion: unknown action \"jion\": there are emit, leave, join, ack, broadcast, "
		"publish, call, disconnect, pace and rate\n",
		"" },
	{ __LINE__, "{\"feds\": [{\"channel\": \"a\"}], \"cors\": {\"orign\": \"http://a\",\n\"credentials\": true}}",
		"t.conf:1:2: feds: unknown key; did you mean \"feeds\"?\n"
		"t.conf:1:39: cors.orign: unknown key; did you mean \"origin\"?\n",
		"" },
	{ __LINE__,
		"{\"feedDefaults\": {\"room\": 1}, \"feeds\": [{\"channel\": \"a\", \"room\": \"r\"}],\n\"namespaces\": {}}",
		"t.conf:1:27: feedDefaults.room: expected a string or a list of strings, not a number\n", "" },
};

static void
mistakes_and_warnings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof half_wrong / sizeof half_wrong[0]; i++) {
		assert_null(load_with(half_wrong[i].text, NULL));
		if (strcmp(errors, half_wrong[i].errors) != 0 || strcmp(warnings, half_wrong[i].warnings) != 0)
			fail_msg("line %d:\n got: %s%s want: %s%s", half_wrong[i].line, errors, warnings,
				half_wrong[i].errors, half_wrong[i].warnings);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warnings_are_told),
		cmocka_unit_test(mistakes_and_warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
