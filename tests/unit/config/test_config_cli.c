/* SPDX-License-Identifier: MIT */
/* The configuration: what stands over what is in the file, flags and variables. */
#include "tests/unit/config/reading.h"

/* The environment */
static char *const variables[] = { (char *)"NAME=acme", (char *)"PORT=9", (char *)"EMPTY=", (char *)"NAMED=x",
	(char *)"ON=true", NULL };

static void
strings_take_variables(void **state)
{
	const struct config_flags f = { .environment = variables };
	struct config *c = load_with(
		"{\"workers\": \"${PORT}\", \"serveClient\": \"${OFF:-false}\", \"path\": \"/${NAME}/${EMPTY:-x}${EMPTY}\","
		"\"redis\": \"h:${PORT}1\", \"engine\": {\"pingInterval\": \"${PING:-5000}\"},"
		"\"feeds\": [{\"channel\": \"$${NAME}:${NONE:-}\", \"event\": \"${channel}\"}]}",
		&f);

	(void)state;
	if (!c) fail_msg("%s", errors);
	fill(c);
	assert_int_equal(c->workers, 9);
	assert_false(c->serve_client);
	assert_string_equal(c->path, "/acme/x/");
	assert_string_equal(feed.redis[0].name, "h:91");
	assert_int_equal(server.ping_interval, 5000);
	assert_string_equal(feed.specs->v[0].channels[0], "${NAME}:");
	assert_string_equal(warnings, "");
	config_free(c);
	assert_null(load_with(
		"{\"path\": \"/${NONE}\", \"www\": \"${NAME\", \"workers\": \"${NAME}\", \"admin\": \"${X:-a\"}", &f));
	assert_string_equal(errors,
		"t.conf:1:10: path: there is no NONE in the environment; ${NONE:-text} stands for the text where it is not\n"
		"t.conf:1:29: www: a variable of the environment is written ${NAME} or ${NAME:-text}\n"
		"t.conf:1:50: workers: expected a number, not a string\n"
		"t.conf:1:70: admin: a variable of the environment is written ${X} or ${X:-text}\n");
}

static void
options_are_variables(void **state)
{
	char *const env[] = { (char *)"SIOCAST_ENGINE_PING_INTERVAL=7000", (char *)"SIOCAST_ENGINE_ALLOW_EIO3=false",
		(char *)"SIOCAST_ENGINE_IO_URING=true", (char *)"SIOCAST_LISTEN=[::1]:5",
		(char *)"SIOCAST_REDIS=[\"h:1\",\"h:2\"]", (char *)"SIOCAST_ENGINE_COOKIE_SECURE=true",
		(char *)"SIOCAST_ENGINE_COOKIE_MAX_AGE=60", (char *)"SIOCAST_WWW=/true",
		(char *)"SIOCAST_FEEDS=[{\"channel\":\"b\",\"where\":{\"/n\":1}}]",
		(char *)"SIOCAST_FEED_DEFAULTS_BATCH_INTERVAL=5", (char *)"SIOCAST_COMPAT=1.x",
		(char *)"SIOCAST_LIMITS_MAX_CONNECTIONS=", (char *)"SIOCAST=/bin/siocast",
		(char *)"SIOCAST_PORT=tcp://1", (char *)"SIOCAST_SERVICE_HOST=h", NULL };
	struct config_flags f = { .environment = env, .www = "/flag" };
	struct config *c = load_with(
		"{\"engine\": {\"pingInterval\": 6000, \"cookie\": \"lb\"}, \"workers\": 3, \"limits\": {\"maxConnections\": 8},"
		"\"feeds\": [{\"channel\": \"a\"}, {\"channel\": \"c\"}]}",
		&f);

	(void)state;
	if (!c) fail_msg("%s", errors);
	fill(c);
	assert_int_equal(server.ping_interval, 7000);
	assert_int_equal(server.ping_timeout, 60000);
	assert_false(server.allow_eio3);
	assert_string_equal(c->listen[0].host, "::1");
	assert_int_equal(c->n_redis, 2);
	assert_string_equal(server.cookie_name, "lb");
	assert_string_equal(server.cookie_attributes, "; Max-Age=60; Path=/; HttpOnly; Secure");
	assert_string_equal(c->www, "/flag");
	assert_int_equal(feed.specs->n, 1);
	assert_string_equal(feed.specs->v[0].channels[0], "b");
	assert_int_equal(feed.specs->v[0].interval_ms, 5);
	assert_int_equal(c->workers, 3);
	assert_int_equal(c->limits.max_connections, 8);
	assert_string_equal(warnings, "");
	config_free(c);
}

/* No two options share a variable, and none is one that Kubernetes sets. */
static void
variables_have_names(void **state)
{
	const struct config_table *t = &config__main_table;
	char a[128], b[128];

	(void)state;
	config__variable_name("engine.maxHttpBufferSize", a, sizeof a);
	assert_string_equal(a, "SIOCAST_ENGINE_MAX_HTTP_BUFFER_SIZE");
	config__variable_name("engine.allowEIO3", a, sizeof a);
	assert_string_equal(a, "SIOCAST_ENGINE_ALLOW_EIO3");
	for (size_t i = 0; i < t->n; i++) {
		if (t->rows[i].alias) continue;
		config__variable_name(t->rows[i].path, a, sizeof a);
		assert_true(strncmp(a, "SIOCAST_PORT", 12) != 0 && strncmp(a, "SIOCAST_SERVICE", 15) != 0);
		for (size_t k = 0; k < i; k++) {
			config__variable_name(t->rows[k].path, b, sizeof b);
			assert_string_not_equal(a, b);
		}
	}
}

/* Both names of the level, of which one has the variable. */
static void
log_options(void **state)
{
	char *const env[] = { (char *)"SIOCAST_LOG_LEVEL=warn", NULL };
	const struct config_flags f = { .environment = env };
	struct config *c = load_with(
		"{\"logLevel\": \"error\", \"log\": {\"format\": \"json\", \"target\": \"/var/log/s\"}}", &f);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->log_level, LOG_LEVEL_WARN);
	assert_int_equal(c->log_format, LOG_FORMAT_JSON);
	assert_string_equal(c->log_file, "/var/log/s");
	config_free(c);
	assert_non_null(c = load_with("{\"log\": {\"level\": \"debug\", \"target\": \"stderr\"}}",
				&(struct config_flags){ .environment = env + 1 }));
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->log_format, LOG_FORMAT_TEXT);
	assert_null(c->log_file);
	assert_null(c->access_log);
	config_free(c);
	assert_non_null(c = load("{\"accessLog\": \"log\"}"));
	assert_string_equal(c->access_log, "");
	config_free(c);
	assert_non_null(c = load("{\"accessLog\": \"/var/log/a\"}"));
	assert_string_equal(c->access_log, "/var/log/a");
	config_free(c);
	assert_non_null(c = load("{\"accessLog\": \"off\"}"));
	assert_null(c->access_log);
	config_free(c);
}

static void
flags_stand_over_the_file(void **state)
{
	const char *listen[] = { "127.0.0.1:5", "[::]:6" }, *redis[] = { "10.0.0.1" };
	const char *feeds[] = { "ticks.*=ticks", "news={channel}=x" };
	struct config_flags f = { .admin = "127.0.0.1:9",
		.path = "/p",
		.www = "w",
		.log_level = "error",
		.workers = "2",
		.listen = { listen, 2 },
		.redis = { redis, 1 },
		.feeds = { feeds, 2 } };
	struct config *c = load_with(
		"{\"workers\": 9, \"listen\": \"127.0.0.1:1\", \"feeds\": [{\"channel\": \"a\"}]}", &f);

	(void)state;
	assert_non_null(c);
	fill(c);
	assert_int_equal(c->workers, 2);
	assert_int_equal(c->n_listen, 2);
	assert_int_equal(c->listen[1].port, 6);
	assert_string_equal(feed.redis[0].name, "10.0.0.1:6379");
	assert_int_equal(c->admin->port, 9);
	assert_string_equal(c->path, "/p/");
	assert_int_equal(c->log_level, LOG_LEVEL_ERROR);
	assert_int_equal(feed.specs->n, 3);
	assert_true(feed.specs->v[1].is_pattern);
	assert_int_equal(feed.specs->v[1].index, 1);
	assert_false(feed.specs->v[2].is_pattern);
	assert_string_equal(feed.specs->v[2].channels[0], "news");
	config_free(c);
}

static void
files(void **state)
{
	char name[] = "/tmp/test_config.XXXXXX";
	struct config_flags f = { .file = name };
	int fd = mkstemp(name);
	struct config *c;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "{\"workers\":4,\"www\":\"w/x\",\"listen\":\"unix:s\"}", 43), 43);
	*warnings = '\0';
	c = config_load(&f, on_report, errors);
	assert_non_null(c);
	assert_int_equal(c->workers, 4);
	assert_string_equal(c->www, "/tmp/w/x");
	assert_string_equal(c->listen[0].path, "/tmp/s");
	assert_string_equal(c->listen[0].text, "unix:/tmp/s");
	assert_non_null(strstr(warnings, ": warning: www: \"w/x\" is relative to the folder of this file: /tmp/w/x\n"));
	assert_non_null(strstr(warnings, ": warning: listen: \"s\" is relative to the folder of this file: /tmp/s\n"));
	assert_string_equal(c->file, name);
	config_free(c);
	f.look = true;
	*errors = '\0';
	assert_null(config_load(&f, on_report, errors));
	assert_non_null(strstr(errors, ":1:20: www: /tmp/w/x: no such file or directory\n"));
	f.look = false;
	close(fd);
	unlink(name);
	*errors = '\0';
	assert_null(config_load(&f, on_report, errors));
	assert_non_null(strstr(errors, "no such file"));
	f.file = "/";
	assert_null(config_load(&f, on_report, errors));
}

static void
command_line(void **state)
{
	char *argv[] = { (char *)"siocast", (char *)"-c", (char *)"f", (char *)"--feed", (char *)"a=b",
		(char *)"--feed=c=d", (char *)"--listen", (char *)"127.0.0.1:1", (char *)"-t", NULL };
	char *extra[] = { (char *)"siocast", (char *)"stray", NULL },
	     *bad[] = { (char *)"siocast", (char *)"--nope", NULL };
	struct cli cli;

	(void)state;
	cli_parse(&cli, 9, argv, NULL);
	assert_int_equal(cli.action, CLI_TEST);
	assert_string_equal(cli.flags.file, "f");
	assert_int_equal(cli.flags.feeds.n, 2);
	assert_string_equal(cli.flags.feeds.v[1], "c=d");
	assert_int_equal(cli.flags.listen.n, 1);
	cli_deinit(&cli);
	cli_parse(&cli, 2, extra, NULL);
	assert_int_equal(cli.action, CLI_ERROR);
	cli_deinit(&cli);
	cli_parse(&cli, 2, bad, NULL);
	assert_int_equal(cli.action, CLI_ERROR);
	cli_deinit(&cli);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_take_variables),
		cmocka_unit_test(options_are_variables),
		cmocka_unit_test(variables_have_names),
		cmocka_unit_test(log_options),
		cmocka_unit_test(flags_stand_over_the_file),
		cmocka_unit_test(files),
		cmocka_unit_test(command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
