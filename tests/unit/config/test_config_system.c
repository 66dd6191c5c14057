/* SPDX-License-Identifier: MIT */
/* What the configuration takes from the system: passwords in files, users and groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char errors[4096], folder[] = "/tmp/test_config_system.XXXXXX", folder_variable[64];
static char *const environment[] = { folder_variable, NULL };

static void
on_report(void *user, const struct config_report *r)
{
	size_t n = strlen(errors);

	(void)user;
	if (r->warning) return;
	snprintf(errors + n, sizeof errors - n, "%s\n", r->text);
}

/* ${DIR} in the text is the folder with the files. */
static struct config *
load(const char *text, bool look)
{
	const struct config_flags flags = { .environment = environment, .look = look };

	*errors = '\0';
	return config_load_text("t.conf", eio_cstr(text), &flags, on_report, NULL);
}

static void
write_password(const char *name, const char *bytes, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static int
make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder)) return -1;
	snprintf(folder_variable, sizeof folder_variable, "DIR=%s", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	static const char *const names[] = { "good", "bad", "pipe", "t.conf" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void
expect_password(const char *text, const char *user, const char *password)
{
	struct feed_options feed;
	struct config *c = load(text, false);

	if (!c) fail_msg("%s: %s", text, errors);
	config_fill_feed(c, &feed);
	assert_string_equal(errors, "");
	if (user)
		assert_string_equal(feed.redis[0].user, user);
	else
		assert_null(feed.redis[0].user);
	assert_string_equal(feed.redis[0].password, password);
	assert_string_equal(feed.redis[0].name, "h:6379");
	config_free(c);
}

/* As editors leave it, as other programs do, and with what an address would have to escape. */
static void
passwords_in_files(void **state)
{
	static const char *const files[] = { "p@:/%41 s", "p@:/%41 s\n", "p@:/%41 s\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		write_password("good", files[i], strlen(files[i]));
		expect_password(
			"{\"redis\": {\"url\": \"redis://h\", \"passwordFile\": \"${DIR}/good\"}}", NULL, "p@:/%41 s");
		expect_password("{\"redis\": [{\"url\": \"redis://me@h\", \"passwordFile\": \"${DIR}/good\"}, \"g\"]}",
			"me", "p@:/%41 s");
	}
	expect_password("{\"redis\": [{\"url\": \"redis://me:x@h\", \"passwordFile\": null}]}", "me", "x");
}

/* The address is that of a string's default when only the file is named. */
static void
without_an_address(void **state)
{
	struct feed_options feed;
	struct config *c;

	(void)state;
	write_password("good", "secret", 6);
	c = load("{\"redis\": {\"passwordFile\": \"${DIR}/good\"}}", false);
	assert_non_null(c);
	config_fill_feed(c, &feed);
	assert_string_equal(feed.redis[0].name, "127.0.0.1:6379");
	assert_string_equal(feed.redis[0].password, "secret");
	config_free(c);
}

/* Text, and what is said about it behind the file's folder, which is left out. */
static void
bad_password_files(void **state)
{
	static char long_line[4098];
	static const struct {
		const char *bytes;
		size_t n;
	} files[] = { { "", 0 }, { "\n", 1 }, { "a\nb", 3 }, { "a\n\n", 3 }, { "a\0b", 3 }, { long_line, 4097 } };

	(void)state;
	memset(long_line, 'x', sizeof long_line);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		write_password("bad", files[i].bytes, files[i].n);
		assert_null(load("{\"redis\": {\"passwordFile\": \"${DIR}/bad\"}}", false));
		assert_non_null(strstr(errors, "t.conf:1:28: redis.passwordFile: "));
		assert_non_null(strstr(errors, "/bad: expected one line of 1 to 4096 bytes\n"));
	}
	write_password("good", long_line, 4096);
	config_free(load("{\"redis\": {\"passwordFile\": \"${DIR}/good\"}}", false));
	assert_string_equal(errors, "");
}

static void
no_password_files(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/pipe", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(load("{\"redis\": [{\"passwordFile\": \"${DIR}/none\"}, {\"passwordFile\": \"${DIR}\"},"
			 "{\"passwordFile\": \"${DIR}/pipe\"}]}",
		false));
	assert_non_null(strstr(errors, "redis[0].passwordFile: "));
	assert_non_null(strstr(errors, "/none: no such file or directory\n"));
	assert_non_null(strstr(errors, ": illegal operation on a directory\n"));
	assert_non_null(strstr(errors, "/pipe: invalid argument\n"));
}

static const struct {
	int line;
	const char *text, *errors;
} mistakes[] = {
	{ __LINE__, "{\"redis\": [\"a\", 1]}",
		"t.conf:1:17: redis[1]: expected an address, or an object with \"url\", not a number\n" },
	{ __LINE__, "{\"redis\": \"\"}",
		"t.conf:1:11: redis: expected an address, or an object with \"url\", not an empty string\n" },
	{ __LINE__, "{\"redis\": []}", "t.conf:1:11: redis: an empty list\n" },
	{ __LINE__, "{\"redis\": {\"url\": \"redis://me@h\"}}",
		"t.conf:1:11: redis: a user without a password; write user:password@ or :password@\n" },
	{ __LINE__, "{\"redis\": {\"pasword\": 1}}", "t.conf:1:12: redis.pasword: unknown key\n" },
	{ __LINE__, "{\"redis\": {\"passwordFile\": \"\"}}",
		"t.conf:1:28: redis.passwordFile: expected the path of a file, not an empty string\n" },
	{ __LINE__, "{\"redis\": {\"passwordFile\": 1}}",
		"t.conf:1:28: redis.passwordFile: expected the path of a file, not a number\n" },
	{ __LINE__, "{\"redis\": {\"url\": \"redis://:x@h\", \"passwordFile\": \"${DIR}/good\"}}",
		"t.conf:1:11: redis: a password here, and another one in a file\n" },
	{ __LINE__, "{\"user\": \"no such user\"}", "t.conf:1:10: user: \"no such user\": there is no such user\n" },
	{ __LINE__, "{\"user\": \"root\"}",
		"t.conf:1:10: user: \"root\": that is root, who keeps what this key is there to drop\n" },
	{ __LINE__, "{\"user\": \"3999999999\"}",
		"t.conf:1:10: user: \"3999999999\": a number that is no user's has no group of its own: name one in \"group\"\n" },
	{ __LINE__, "{\"user\": \"daemon\",\n\"group\": \"no such group\"}",
		"t.conf:2:10: group: \"no such group\": there is no such group\n" },
	{ __LINE__, "{\"group\": \"daemon\"}", "t.conf:1:11: group: the group of \"user\", which is not given\n" },
	{ __LINE__, "{\"user\": 1}", "t.conf:1:10: user: expected a string, not a number\n" },
};

static void
mistakes_are_named(void **state)
{
	(void)state;
	write_password("good", "x", 1);
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		if (load(mistakes[i].text, true)) fail_msg("line %d: no error", mistakes[i].line);
		if (strcmp(errors, mistakes[i].errors) != 0)
			fail_msg("line %d:\n got: %s want: %s", mistakes[i].line, errors, mistakes[i].errors);
	}
}

static void
users_and_groups(void **state)
{
	struct config *c = load("{\"user\": \"daemon\", \"group\": \"0\"}", true);

	(void)state;
	if (!c) fail_msg("%s", errors);
	assert_string_equal(c->user, "daemon");
	assert_string_equal(c->group, "0");
	config_free(c);
	c = load("{}", true);
	assert_null(c->user);
	assert_null(c->group);
	config_free(c);
}

/* The file of states need not be there, but its folder. */
static void
where_states_are(void **state)
{
	struct config *c = load("{\"stateFile\": \"${DIR}/state\"}", true);
	char path[128];

	(void)state;
	assert_string_equal(errors, "");
	assert_non_null(c);
	snprintf(path, sizeof path, "%s/state", folder);
	assert_string_equal(c->state_file, path);
	config_free(c);
	c = load("{\"stateFile\": null}", true);
	assert_null(c->state_file);
	config_free(c);
	assert_null(load("{\"stateFile\": \"/nowhere/state\"}", true));
	assert_string_equal(errors, "t.conf:1:15: stateFile: /nowhere: no such file or directory\n");
	assert_null(load("{\n \"stateFile\": \"${DIR}\"}", true));
	snprintf(path, sizeof path, "t.conf:2:15: stateFile: %s: it is no file\n", folder);
	assert_string_equal(errors, path);
	assert_null(load("{\"stateFile\": \"\"}", false));
	assert_string_equal(
		errors, "t.conf:1:15: stateFile: expected the path of a file or null, not an empty string\n");
}

#define ELSEWHERE "\"connectionStateRecovery\": {\"elsewhere\": {\"secretFile\": \"${DIR}/good\"}}"
#define FEED(n, interval) "{\"stream\": \"" #n "\", \"batch\": {\"interval\": " #interval "}}"

static void
expect_elsewhere(const char *more, const char *error)
{
	char text[2048];
	struct feed_options feed;
	struct config *c;

	snprintf(text, sizeof text, "{" ELSEWHERE "%s}", more);
	c = load(text, false);
	if (error) {
		assert_null(c);
		assert_non_null(strstr(errors, "connectionStateRecovery.elsewhere"));
		assert_non_null(strstr(errors, error));
		return;
	}
	if (!c) fail_msg("%s: %s", text, errors);
	config_fill_feed(c, &feed);
	assert_true(feed.recovery.elsewhere);
	config_free(c);
}

/* Several siocasts share a secret, and offsets have room for so much. */
static void
other_siocasts(void **state)
{
	struct feed_options feed;
	struct config *c;
	uint64_t who;

	(void)state;
	write_password("good", "0123456789abcde\n", 16);
	expect_elsewhere("", "a secret of fewer than 16 characters could be guessed");
	write_password("good", "0123456789abcdef\n", 17);
	expect_elsewhere("", NULL);
	c = load("{" ELSEWHERE "}", false);
	assert_non_null(c);
	config_fill_feed(c, &feed);
	who = feed.recovery.secret.who[0];
	config_free(c);
	write_password("good", "0123456789abcdeg\n", 17);
	c = load("{" ELSEWHERE ", \"namespaces\": {\"/\": {\"connectionStateRecovery\": true}}}", false);
	assert_non_null(c);
	config_fill_feed(c, &feed);
	assert_true(feed.recovery.elsewhere && feed.recovery.secret.who[0] != who);
	config_free(c);
	c = load("{" ELSEWHERE ", \"namespaces\": {\"/\": {\"connectionStateRecovery\": false}}}", false);
	assert_non_null(c);
	config_fill_feed(c, &feed);
	assert_false(feed.recovery.on || feed.recovery.elsewhere);
	config_free(c);
	expect_elsewhere(", \"feeds\": [" FEED(a, 0) "," FEED(a, 10) "," FEED(b, 20) "," FEED(c, 30) "," FEED(
				 c, 40) "," FEED(c, 50) "]",
		NULL);
	expect_elsewhere(
		", \"feeds\": [" FEED(a, 0) "," FEED(b, 10) "," FEED(c, 20) "," FEED(d, 30) "," FEED(d, 40) "]",
		"4 sources");
	expect_elsewhere(
		", \"feeds\": [{\"channel\": \"x\"}," FEED(a, 0) "], \"redis\": [\"redis://a\", \"redis://b\", "
								 "\"redis://c\"]",
		"6 sources");
	expect_elsewhere(", \"admin\": 1, \"publish\": {\"tokenFile\": \"/t\"}", "\"publish\" is set");
	expect_elsewhere(
		", \"redis\": {\"cluster\": \"h\"}", "that is in keys, which are not looked for in a Redis Cluster");
	expect_elsewhere(", \"feeds\": [{\"shard\": \"s\"}]", "no order that all siocasts see alike");
	c = load("{\"connectionStateRecovery\": {\"elsewhere\": {\"secretFile\": \"${DIR}/none\"}}}", false);
	assert_null(c);
	assert_non_null(strstr(errors, "No such file") ? errors : strstr(errors, "no such file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_states_are),
		cmocka_unit_test(passwords_in_files),
		cmocka_unit_test(without_an_address),
		cmocka_unit_test(other_siocasts),
		cmocka_unit_test(bad_password_files),
		cmocka_unit_test(no_password_files),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(users_and_groups),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
