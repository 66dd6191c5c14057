/* SPDX-License-Identifier: MIT */
/* What is another one in a configuration that was read anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/config/changes.h"
#include "src/config/options.h"
#include "tests/unit/configured.h"

#include <stdio.h>
#include <string.h>

/* "path,path", those that a restart takes with a "!" before them. */
static const char *
changes(const char *before, const char *now)
{
	static char text[4096];
	struct config *a = configured(before), *b = configured(now);
	struct config_change all[CONFIG_MAX_CHANGES];
	size_t n = config_changes(a, b, all);

	*text = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s", i ? "," : "",
			all[i].group == CONFIG_GROUP_NONE ? "!" : "", all[i].path);
	config_free(a);
	config_free(b);
	return text;
}

/* No option can be forgotten: each says whether it changes live, and nothing else does. */
static void
every_option_says_how(void **state)
{
	const struct config_table *t = &config__main_table;

	(void)state;
	for (size_t i = 0; i < t->n; i++) {
		bool is_option = t->rows[i].type != CONFIG_TYPE_SECTION && !t->rows[i].alias;

		if ((config_group_of(t->rows[i].path) >= 0) != is_option)
			fail_msg("%s is %s src/config/changes.c", t->rows[i].path, is_option ? "not in" : "in");
	}
	assert_int_equal(config_group_of("nothing"), -1);
}

/* Each kind of row: a number, a name, a string, a switch, and what functions read. */
static void
each_kind(void **state)
{
	(void)state;
	assert_string_equal(changes("{}", "{\"workers\": 3}"), "!workers");
	assert_string_equal(changes("{\"log\": {\"level\": \"warn\"}}", "{\"logLevel\": \"debug\"}"), "log.level");
	assert_string_equal(changes("{}", "{\"path\": \"/x\"}"), "!path");
	assert_string_equal(changes("{\"node\": \"a\"}", "{\"node\": \"b\"}"), "!node");
	assert_string_equal(changes("{\"user\": \"a\"}", "{\"user\": \"b\"}"), "!user");
	assert_string_equal(changes("{\"user\": \"a\"}", "{}"), "!user");
	assert_string_equal(changes("{}", "{\"drain\": {\"seconds\": 5}}"), "drain.seconds");
	assert_string_equal(changes("{\"listen\": \"127.0.0.1:1\"}", "{\"listen\": \"127.0.0.1:2\"}"), "listen");
	assert_string_equal(changes("{\"admin\": \"127.0.0.1:1\"}", "{\"admin\": false}"), "admin");
	assert_string_equal(
		changes("{}", "{\"cors\": {\"origin\": \"http://a\", \"maxAge\": 5}}"), "cors.origin,cors.maxAge");
	assert_string_equal(changes("{\"stateFile\": \"/a\"}", "{\"stateFile\": \"/b\"}"), "!stateFile");
	assert_string_equal(
		changes("{\"engine\": {\"ioUring\": true}}", "{\"engine\": {\"ioUring\": false}}"), "!engine.ioUring");
}

/* What means the same is no change: defaults that are written out, other names, other white space, comments. */
static void
nothing_changes(void **state)
{
	(void)state;
	assert_string_equal(changes("{}", "{}"), "");
	assert_string_equal(
		changes("{}", "{\"workers\": 0, \"path\": \"/socket.io\", \"redis\": \"redis://127.0.0.1:6379/0\","
			      "\"listen\": [\"127.0.0.1:3000\"], \"log\": {\"level\": \"info\"}}"),
		"");
	assert_string_equal(changes("{\"log\": {\"level\": \"warn\"}}", "{\"logLevel\": \"warn\"}"), "");
	assert_string_equal(changes("{\"feeds\":[{\"channel\":\"a\",\"event\":\"b\"}]}",
				    "{ // the one feed\n \"feeds\": [ { \"channel\": \"a\", \"event\": \"b\" } ] }"),
		"");
}

/* What takes a restart is as it was at the start, whatever the rest was computed from. */
static void
the_first_is_kept(void **state)
{
	struct config *first = configured("{\"workers\": 2, \"path\": \"/a\", \"limits\": {\"maxSessions\": 100}}");
	struct config *now = configured("{\"workers\": 5, \"path\": \"/b\", \"limits\": {\"maxSessions\": 50},"
					"\"engine\": {\"pingInterval\": 77, \"maxHttpBufferSize\": 5}}");
	struct eio_server_options o;

	(void)state;
	config_keep(now, first);
	config_fill_server(now, &o);
	assert_int_equal(now->workers, 2);
	assert_string_equal(o.path, "/a/");
	assert_int_equal(o.max_sessions, 25);
	assert_int_equal(o.ping_interval, 77);
	assert_int_equal(o.max_payload, 1000000);
	config_free(now);
	config_free(first);
}

/* Why others cannot take the place of the first; "": they can. */
static const char *
stay(const char *before, const char *now)
{
	struct config *a = configured(before), *b = configured(now);
	const char *why = config_namespaces_stay(a, b);

	config_free(a);
	config_free(b);
	return why ? why : "";
}

static void
namespaces_that_stay(void **state)
{
	static const char called
		[] = "{\"namespaces\": {\"/\": {\"on\": {\"a\": [{\"call\": \"http://h/\"}]}}}}",
	  counted[] = "{\"namespaces\": {\"/\": {\"count\": {\"rooms\": \"c\", \"event\": \"n\"}}, \"/b\": {}}}",
	  recovered[] = "{\"connectionStateRecovery\": {}, \"namespaces\": {\"/\": {}}}",
	  more[] = "{\"connectionStateRecovery\": {}, \"namespaces\": {\"/\": {}, \"/b\": {}}}",
	  own[] = "{\"namespaces\": {\"/\": {\"on\": {\"a\": [{\"broadcast\": {\"room\": \"{1}\", \"event\": \"x\"}}]}}}}";

	(void)state;
	assert_string_equal(
		stay("{}", "{\"namespaces\": {\"/\": {\"on\": {\"a\": [{\"ack\": [1]}]}}, \"/b\": {}}}"), "");
	assert_string_equal(stay(called, "{}"), "the application is asked in some");
	assert_string_equal(stay("{}", called), "the application is asked in some");
	assert_string_equal(stay("{}", counted), "presence or count is another");
	assert_string_equal(stay(counted, "{}"), "presence or count is another");
	assert_string_equal(stay(counted, counted), "");
	assert_string_equal(stay(recovered, recovered), "");
	assert_string_equal(stay(more, recovered), "");
	assert_string_equal(stay(recovered, more), "connectionStateRecovery is another");
	assert_string_equal(stay(recovered, "{}"), "connectionStateRecovery is another");
	assert_string_equal(stay("{}", "{\"adminUI\": {\"auth\": false}}"), "the Admin UI is another");
	assert_string_equal(stay("{\"adminUI\": {\"auth\": false}}", "{}"), "the Admin UI is another");
	assert_string_equal(
		stay("{\"adminUI\": {\"auth\": false}}", "{\"adminUI\": {\"auth\": false, \"namespaceName\": \"/b\"}}"),
		"the Admin UI is another");
	assert_string_equal(stay("{\"adminUI\": {\"auth\": false, \"serverId\": \"a\"}}",
				    "{\"adminUI\": {\"auth\": false}, \"namespaces\": {\"/b\": {}}}"),
		"");
	assert_string_equal(stay("{}", own), "single sockets are reached, which nothing did before");
	assert_string_equal(stay(own, "{}"), "");
}

/* Why the feeds of one have to stay when there are those of the other; "": they need not. */
static const char *
feeds_stay(const char *one, const char *other)
{
	struct config *first = configured(one), *now = configured(other);
	const char *why = config_feeds_stay(first, now);

	config_free(first);
	config_free(now);
	return why ? why : "";
}

static void
feeds_that_stay(void **state)
{
#define PRIMED "{\"channel\": \"p\", \"event\": \"p\", \"prime\": {\"hash\": \"h\"}, \"retain\": {\"key\": \"/k\"}"
	static const char plain[] = "{\"feeds\": [{\"channel\": \"a\", \"event\": \"b\"}]}",
			  own[] = "{\"feeds\": [{\"channel\": \"a\", \"event\": \"b\", \"room\": \"{/to}\"}]}",
			  primed[] = "{\"feeds\": [" PRIMED "}]}",
			  slower[] = "{\"feeds\": [{\"channel\": \"a\", \"event\": \"b\"}, " PRIMED
				     ", \"batch\": {\"interval\": 7}}]}";

	(void)state;
	assert_string_equal(feeds_stay(plain, "{}"), "");
	assert_string_equal(feeds_stay("{}", plain), "");
	assert_string_equal(feeds_stay(plain, own), "single sockets are reached, which nothing did before");
	assert_string_equal(feeds_stay(own, plain), "");
	assert_string_equal(feeds_stay(primed, plain), "");
	assert_string_equal(feeds_stay(plain, primed), "");
	assert_string_equal(feeds_stay(primed, slower), "");
}

/* Why Redis stays as it was, as above; where other feeds than those that were read will be at work. */
static const char *
redis_stays_with(const char *one, const char *other, const char *at_work)
{
	struct config *first = configured(one), *now = configured(other), *feeds = configured(at_work);
	const char *why = config_redis_stays(first, now, config_feeds(feeds));

	config_free(first);
	config_free(now);
	config_free(feeds);
	return why ? why : "";
}

static const char *
redis_stays(const char *one, const char *other)
{
	return redis_stays_with(one, other, other);
}

static void
redis_that_stays(void **state)
{
#define AT(host, ...) "{\"redis\": \"redis://" host "\"" __VA_ARGS__ "}"
#define TWO(one, other) "{\"redis\": [\"redis://" one "\", \"redis://" other "\"]}"
#define SHARED \
	", \"namespaces\": {\"/\": {\"presence\": {\"rooms\": \"r\", \"member\": \"{auth.u}\", \"events\": {\"here\": \"h\"}}}}"
#define ADAPTER ", \"adapter\": {\"mode\": \"member\"}"
	static const char *const ok[][2] = {
		{ AT("a"), AT("b") },
		{ AT("a/1"), AT("a/2") },
		{ AT("u:p@a"), AT("u:q@a") },
		{ AT("a", SHARED), AT("b", SHARED) },
		{ AT("a", ADAPTER), AT("b", ADAPTER) },
	};
	static const char *const numbers[][3] = {
		{ AT("a"), TWO("b", "a"),
			"there are more or less servers, and those that stay are not the first ones as they were" },
		{ TWO("a", "b"), AT("b"),
			"there are more or less servers, and those that stay are not the first ones as they were" },
		{ AT("a"), "{\"redis\": [\"redis://a\", {\"cluster\": [\"b:1\"]}]}", "one of them is a Redis Cluster" },
		{ AT("a"),
			"{\"redis\": [\"redis://a\", \"redis://b\"], \"feeds\": [{\"channel\": \"c\", \"retain\": {\"key\": \"/n\"}, "
			"\"prime\": {\"hash\": \"h\"}}]}",
			"there are more or less servers, of all of which something retained is read" },
	};
	static const char *const places[] = { TWO("b", "localhost"), TWO("b", "c"), TWO("c", "localhost"),
		TWO("c", "127.0.0.1/3"), TWO("b/1", "d") };

	(void)state;
	for (size_t i = 0; i < sizeof ok / sizeof *ok; i++) assert_string_equal(redis_stays(ok[i][0], ok[i][1]), "");
	assert_string_equal(redis_stays(AT("a"), TWO("a", "b")), "");
	assert_string_equal(redis_stays(TWO("a", "b"), AT("a")), "");
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		assert_string_equal(redis_stays(numbers[i][0], numbers[i][1]), numbers[i][2]);
	assert_string_equal(redis_stays(AT("a"), "{\"redis\": {\"url\": \"redis://a\", \"source\": \"psync\"}}"),
		"the source of one is another");
	assert_string_equal(redis_stays(TWO("a", "b"), TWO("a", "c")), "");
	assert_string_equal(redis_stays(TWO("a", "b"), TWO("a/1", "b")), "");
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		assert_string_equal(redis_stays(TWO("localhost", "b"), places[i]),
			"a server is to be where another one of them was");
}

/* Feeds that have to stay themselves need it as it is, whatever was read. */
static void
redis_that_feeds_need(void **state)
{
	static const char primed[] = AT("a", ", \"feeds\": [" PRIMED "}]"),
			  sharded[] = AT("a", ", \"feeds\": [{\"shard\": \"s\", \"event\": \"s\"}]");

	(void)state;
	assert_string_equal(redis_stays_with(primed, TWO("a", "b"), primed),
		"there are more or less servers, of all of which something retained is read");
	assert_string_equal(redis_stays_with(sharded, AT("b"), sharded), "feeds have shard channels there");
	assert_string_equal(redis_stays_with(primed, TWO("a", "b"), "{}"), "");
	assert_string_equal(redis_stays_with(sharded, AT("b"), "{}"), "");
}

/* One server is exchanged with all that belongs to it; the others, and the first one's text, stay. */
static void
another_address(void **state)
{
	struct config *first = configured("{\"redis\": [\"redis://u:p@a:1/2\", \"redis://b\"]}"),
		      *now = configured("{\"redis\": [\"redis://v:q@c:3/4\", \"redis://b\"]}");
	struct redis_url url;

	(void)state;
	assert_int_equal(redis_url_copy(config_redis(now, 0), &url), 0);
	config_free(now);
	config_swap_redis(first, 0, &url);
	assert_string_equal(config_redis(first, 0)->name, "c:3/4");
	assert_string_equal(config_redis(first, 0)->host, "c");
	assert_string_equal(config_redis(first, 0)->user, "v");
	assert_string_equal(config_redis(first, 0)->password, "q");
	assert_int_equal(config_redis(first, 0)->port, 3);
	assert_int_equal(config_redis(first, 0)->db, 4);
	assert_string_equal(config_redis(first, 1)->host, "b");
	assert_string_equal(url.host, "a");
	assert_string_equal(url.password, "p");
	redis_url_deinit(&url);
	config_free(first);
}

/* In the order of the table, whatever that of the file is. */
static void
several_changes(void **state)
{
	(void)state;
	assert_string_equal(
		changes("{}", "{\"log\": {\"format\": \"json\"}, \"drain\": {\"seconds\": 1}, \"workers\": 9}"),
		"!workers,drain.seconds,log.format");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_says_how),
		cmocka_unit_test(each_kind),
		cmocka_unit_test(nothing_changes),
		cmocka_unit_test(the_first_is_kept),
		cmocka_unit_test(namespaces_that_stay),
		cmocka_unit_test(feeds_that_stay),
		cmocka_unit_test(redis_that_stays),
		cmocka_unit_test(redis_that_feeds_need),
		cmocka_unit_test(another_address),
		cmocka_unit_test(several_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
