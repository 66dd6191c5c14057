/* SPDX-License-Identifier: MIT */
/* Configured handlers: every mistake a configuration can hold, and what is out of memory. */
#include "tests/unit/handlers/doing.h"

static const struct {
	const char *on, *path, *text; /* text: part of the message */
} mistakes[] = {
	{ "[]", "", "must be an object" },
	{ "{\"a\":{}}", "/a", "must be an array of actions" },
	{ "{\"a\":[1]}", "/a/0", "one action" },
	{ "{\"a\":[{}]}", "/a/0", "one action" },
	{ "{\"a\":[{\"join\":\"x\",\"leave\":\"y\"}]}", "/a/0", "one action" },
	{ "{\"a\":[{\"join\":\"x\"},{\"joim\":\"x\"}]}", "/a/1/joim", "unknown action \"joim\"" },
	{ "{\"a\":[],\"b\":[],\"a\":[]}", "/a", "given twice" },
	{ "{\"connect\":[]}", "/connect", "stands under \"connection\"" },
	{ "{\"newListener\":[]}", "/newListener", "cannot send" },
	{ "{\"a/b~\":[{\"emit\":\"x\"}]}", "/a~1b~0/0/emit", "array" },
	{ "{\"a\":[{\"emit\":[]}]}", "/a/0/emit", "event name" },
	{ "{\"a\":[{\"emit\":[1]}]}", "/a/0/emit/0", "string" },
	{ "{\"a\":[{\"emit\":[\"connect\"]}]}", "/a/0/emit/0", "clients refuse" },
	{ "{\"a\":[{\"emit\":[\"{args}\"]}]}", "/a/0/emit/0", "{args} is a list" },
	{ "{\"a\":[{\"emit\":[\"{auth}\"]}]}", "/a/0/emit/0", "{auth.name}" },
	{ "{\"a\":[{\"emit\":[\"x\",\"{nope}\"]}]}", "/a/0/emit/1", "unknown placeholder {nope}" },
	{ "{\"a\":[{\"emit\":[\"x\",{\"k\":[0,\"a {10}\"]}]}]}", "/a/0/emit/1/k/1", "unknown placeholder {10}" },
	{ "{\"a\":[{\"emit\":[\"x\",\"$1\"]}]}", "/a/0/emit/1", "\"{1}\" now" },
	{ "{\"a\":[{\"emit\":[\"x\",\"cost: $$\"]}]}", "/a/0/emit/1", "\"$\" now" },
	{ "{\"a\":[{\"emit\":[\"x\",\"...{1}\"]}]}", "/a/0/emit/1", "spread" },
	{ "{\"a\":[{\"emit\":[\"x\",{\"k\":\"...{args}\"}]}]}", "/a/0/emit/1/k", "spread" },
	{ "{\"a\":[{\"emit\":[\"x\",9007199254740994]}]}", "/a/0/emit/1", "2^53" },
	{ "{\"a\":[{\"ack\":true}]}", "/a/0/ack", "array" },
	{ "{\"a\":[{\"join\":1}]}", "/a/0/join", "string or an array" },
	{ "{\"a\":[{\"join\":[\"x\",1]}]}", "/a/0/join/1", "string" },
	{ "{\"a\":[{\"leave\":\"\"}]}", "/a/0/leave", "empty" },
	{ "{\"a\":[{\"leave\":\"x}\"}]}", "/a/0/leave", "twice" },
	{ "{\"a\":[{\"leave\":\"x$args\"}]}", "/a/0/leave", "{args}" },
	{ "{\"a\":[{\"leave\":\"...{1}\"}]}", "/a/0/leave", "spread" },
	{ "{\"a\":[{\"join\":\"{args}{rooms}\"}]}", "/a/0/join", "two lists" },
	{ "{\"a\":[{\"join\":\"x.{query}\"}]}", "/a/0/join", "{query.name}" },
	{ "{\"a\":[{\"join\":\"{channel}\"}]}", "/a/0/join", "in the handler of an event" },
	{ "{\"a\":[{\"join\":\"{/a}\"}]}", "/a/0/join", "in a feed's message" },
	{ "{\"a\":[{\"publish\":\"{args}\"}]}", "/a/0/publish", "list" },
	{ "{\"a\":[{\"publish\":\"{rooms}\"}]}", "/a/0/publish", "list" },
	{ "{\"a\":[{\"publish\":[\"x\"]}]}", "/a/0/publish", "must be a string or an object" },
	{ "{\"a\":[{\"publish\":{\"message\":1}}]}", "/a/0/publish", "needs a \"channel\"" },
	{ "{\"a\":[{\"publish\":{\"channel\":1}}]}", "/a/0/publish/channel", "must be a string" },
	{ "{\"a\":[{\"publish\":{\"channel\":\"x\",\"text\":1}}]}", "/a/0/publish/text",
		"channel, message and headers" },
	{ "{\"a\":[{\"publish\":{\"channel\":\"x\",\"message\":{\"a\":\"{b}\"}}}]}", "/a/0/publish/message/a",
		"unknown placeholder" },
	{ "{\"a\":[{\"publish\":{\"channel\":\"x\",\"headers\":[]}}]}", "/a/0/publish/headers",
		"only the envelope of \"connection\"" },
	{ "{\"connection\":[{\"publish\":{\"channel\":\"x\",\"headers\":1}}]}", "/connection/0/publish/headers",
		"array" },
	{ "{\"connection\":[{\"publish\":{\"channel\":\"x\",\"headers\":[\"a\",1]}}]}", "/connection/0/publish/headers",
		"name of a header" },
	{ "{\"connection\":[{\"publish\":{\"channel\":\"x\",\"headers\":[\"a} {sid\"]}}]}", "/connection/0/publish",
		"no name of a header" },
	{ "{\"connection\":[{\"publish\":{\"channel\":\"x\",\"message\":1,\"headers\":[]}}]}",
		"/connection/0/publish/headers", "replaces" },
	{ "{\"a\":[{\"disconnect\":1}]}", "/a/0/disconnect", "true" },
	{ "{\"connection\":[{\"emit\":[\"x\",\"{1}\"]}]}", "/connection/0/emit/1", "at \"connection\"" },
	{ "{\"connection\":[{\"emit\":[\"x\",\"...{args}\"]}]}", "/connection/0/emit/1", "at \"connection\"" },
	{ "{\"connection\":[{\"join\":\"{event}\"}]}", "/connection/0/join", "at \"connection\"" },
	{ "{\"connection\":[{\"join\":\"{reason}\"}]}", "/connection/0/join", "at \"connection\"" },
	{ "{\"disconnect\":[{\"publish\":\"{1}\"}]}", "/disconnect/0/publish", "{reason}" },
	{ "{\"connection\":[{\"ack\":[]}]}", "/connection/0/ack", "no ack" },
	{ "{\"a\":[{\"broadcast\":{\"room\":\"x\",\"event\":\"x\",\"joined\":1}}]}", "/a/0/broadcast/joined",
		"must be true or false" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"joined\":true}}]}", "/a/0/broadcast", "which is not given" },
	{ "{\"disconnect\":[{\"emit\":[\"x\"]}]}", "/disconnect/0/emit", "only broadcast, call and publish" },
	{ "{\"a\":[{\"pace\":true}]}", "/a/0/pace", "from 0 to 1000" },
	{ "{\"a\":[{\"pace\":1001}]}", "/a/0/pace", "from 0 to 1000" },
	{ "{\"a\":[{\"pace\":0.5}]}", "/a/0/pace", "from 0 to 1000" },
	{ "{\"a\":[{\"pace\":\"{b}\"}]}", "/a/0/pace", "unknown placeholder" },
	{ "{\"disconnect\":[{\"pace\":1}]}", "/disconnect/0/pace", "only broadcast, call and publish" },
	{ "{\"a\":[{\"rate\":1}]}", "/a/0/rate", "an object such as" },
	{ "{\"a\":[{\"rate\":{\"events\":1}}]}", "/a/0/rate", "an object such as" },
	{ "{\"a\":[{\"rate\":{\"events\":0,\"per\":1}}]}", "/a/0/rate/events", "from 1 to 1000000" },
	{ "{\"a\":[{\"rate\":{\"events\":1,\"per\":1.5}}]}", "/a/0/rate/per", "from 1 to 86400000" },
	{ "{\"a\":[{\"rate\":{\"events\":1,\"per\":1,\"then\":\"x\"}}]}", "/a/0/rate/then", "\"drop\", \"count\"" },
	{ "{\"a\":[{\"rate\":{\"events\":1,\"each\":1}}]}", "/a/0/rate/each", "events, per and then" },
	{ "{\"connection\":[{\"rate\":{\"events\":1,\"per\":1}}]}", "/connection/0/rate", "only events" },
	{ "{\"disconnect\":[{\"rate\":{\"events\":1,\"per\":1}}]}", "/disconnect/0/rate", "only events" },
	{ "{\"a\":[{\"if\":1,\"join\":\"x\"}]}", "/a/0/if", "an object such as" },
	{ "{\"a\":[{\"if\":{},\"join\":\"x\"}]}", "/a/0/if", "an object such as" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"}}]}", "/a/0", "\"then\", a list" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"},\"join\":\"x\",\"leave\":\"x\"}]}", "/a/0", "one action" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"},\"then\":{}}]}", "/a/0/then", "array" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"},\"then\":[{\"joim\":1}]}]}", "/a/0/then/0/joim", "unknown action" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"},\"join\":\"x\",\"else\":{}}]}", "/a/0/else", "array" },
	{ "{\"a\":[{\"join\":\"x\",\"else\":[]}]}", "/a/0", "no \"if\"" },
	{ "{\"a\":[{\"then\":[]}]}", "/a/0", "no \"if\"" },
	{ "{\"a\":[{\"if\":{\"/args/9\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "/args/0 to /args/8" },
	{ "{\"a\":[{\"if\":{\"/args/01\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "names no value" },
	{ "{\"a\":[{\"if\":{\"/a}{b\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "names no value" },
	{ "{\"a\":[{\"if\":{\"/type\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "unknown placeholder {type}" },
	{ "{\"a\":[{\"if\":{\"/reason\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "in the handler of an event" },
	{ "{\"connection\":[{\"if\":{\"/args/0\":\"x\"},\"join\":\"x\"}]}", "/connection/0/if", "at \"connection\"" },
	{ "{\"disconnect\":[{\"if\":{\"/reason\":\"x\"},\"join\":\"x\"}]}", "/disconnect/0/join", "only broadcast" },
	{ "{\"a\":[{\"broadcast\":\"x\"}]}", "/a/0/broadcast", "an object such as" },
	{ "{\"a\":[{\"broadcast\":{\"room\":\"x\"}}]}", "/a/0/broadcast", "needs an \"event\"" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"rooms\":\"y\"}}]}", "/a/0/broadcast/rooms",
		"there are room, except" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"event\":\"y\"}}]}", "/a/0/broadcast/event", "twice" },
	{ "{\"a\":[{\"broadcast\":{\"event\":1}}]}", "/a/0/broadcast/event", "string" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"disconnect\"}}]}", "/a/0/broadcast/event", "clients refuse" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"args\":{}}}]}", "/a/0/broadcast/args", "array" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"args\":[1,\"{x}\"]}}]}", "/a/0/broadcast/args/1",
		"unknown placeholder" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"self\":1}}]}", "/a/0/broadcast/self", "true or false" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"room\":[]}}]}", "/a/0/broadcast/room", "empty list" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"room\":{}}}]}", "/a/0/broadcast/room", "string or an array" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"except\":[\"a\",\"{args\"]}}]}", "/a/0/broadcast/except/1",
		"stands alone" },
	{ "{\"disconnect\":[{\"broadcast\":{\"event\":\"x\",\"args\":[\"{1}\"]}}]}", "/disconnect/0/broadcast/args/0",
		"{reason}" },
};

static void
test_mistakes(void **state)
{
	struct handlers_error err = { .item = NULL };
	cJSON *json;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		json = cJSON_Parse(mistakes[i].on);
		assert_non_null(json);
		*err.text = '\0';
		assert_null(handlers_compile(json, 0, keep_error, read_where, &err));
		if (strcmp(err.path, mistakes[i].path) != 0 || !strstr(err.text, mistakes[i].text))
			fail_msg("%s: %s: %s", mistakes[i].on, err.path, err.text);
		assert_non_null(err.item);
		cJSON_Delete(json);
	}
}

static void
add_path(void *user, const struct handlers_error *e)
{
	strcat(strcat(user, e->path), " ");
}

/* One mistake of each action and of each entry. */
static void
test_all_mistakes(void **state)
{
	cJSON *json = cJSON_Parse("{\"a\":[{\"jion\":1},{\"join\":\"x\"},{\"join\":\"{\"},5],\"b\":1,\"connect\":[],"
				  "\"a\":[{\"ack\":1}],\"c\":[{\"emit\":[]}]}");
	char paths[400] = "";

	(void)state;
	assert_non_null(json);
	assert_null(handlers_compile(json, 0, add_path, read_where, paths));
	assert_string_equal(paths, "/a/0/jion /a/2/join /a/3 /b /connect /a/0/ack /a /c/0/emit ");
	cJSON_Delete(json);
}

/* Arguments may be nested as deep as clients read them, and no deeper; the list of arguments itself counts. */
static void
test_depth(void **state)
{
	(void)state;
	for (int depth = SIO_JSON_MAX_DEPTH - 1; depth <= SIO_JSON_MAX_DEPTH; depth++) {
		struct eio_buf on = { 0 };
		struct handlers_error err = { .item = NULL };
		struct handlers *h;
		cJSON *json;

		EIO_BUF_ADD_LIT(&on, "{\"a\":[{\"ack\":[");
		for (int i = 0; i < depth; i++) eio_buf_addc(&on, '[');
		for (int i = 0; i < depth; i++) eio_buf_addc(&on, ']');
		eio_buf_append(&on, "]}]}", 5);
		json = cJSON_Parse(on.p);
		assert_non_null(json);
		h = handlers_compile(json, 0, keep_error, read_where, &err);
		assert_int_equal(h != NULL, depth < SIO_JSON_MAX_DEPTH);
		if (!h) assert_non_null(strstr(err.text, "nested deeper than 256"));
		handlers_free(h);
		cJSON_Delete(json);
		eio_buf_deinit(&on);
	}
}

/* A path longer than its place is cut, not overrun. */
static void
test_long_path(void **state)
{
	struct handlers_error err = { .item = NULL };
	cJSON *json = cJSON_CreateObject();
	char name[400];

	(void)state;
	memset(name, '~', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	cJSON_AddNumberToObject(json, name, 1);
	assert_null(handlers_compile(json, 0, keep_error, read_where, &err));
	assert_int_equal(strlen(err.path), sizeof(err.path) - 1);
	cJSON_Delete(json);
}

static cJSON *everything;

static struct fixture *running;

static int
compiling(void)
{
	struct handlers_error err = { .item = NULL };
	struct handlers *h = handlers_compile(everything, 0, keep_error, read_where, &err);

	if (!h && strcmp(err.text, "out of memory") != 0) return 1;
	handlers_free(h);
	return h ? 0 : -1;
}

static int
running_it(void)
{
	enum handlers_result r = handlers_run_event(running->h, &running->call, &running->ev);

	return r == HANDLERS_NOMEM ? -1 : r == HANDLERS_DONE ? 0 : 1;
}

static int
leaving(void)
{
	enum handlers_result r = handlers_run_disconnect(running->h, &running->call, "ping timeout");

	return r == HANDLERS_NOMEM ? -1 : r == HANDLERS_DONE ? 0 : 1;
}

static struct eio_request *kept;

static int
keeping(void)
{
	struct handlers_needs needs = { 0 };
	struct eio_buf out = { 0 };
	int rc = handlers_needs_add(&needs, running->h);

	if (rc == 0) {
		handlers_keep(&needs, kept, &out);
		rc = eio_buf_failed(&out) ? -1 : 0;
		eio_buf_deinit(&out);
	}
	handlers_needs_deinit(&needs);
	return rc;
}

static void
test_keep_without_memory(void **state)
{
	struct eio_http *http = eio_http_new(10000, 10000);
	struct fixture f;
	size_t used;

	(void)state;
	setup(&f, "{\"a\":[{\"emit\":[\"x\",\"{header.x-user}\",\"{cookie.a}\",\"{cookie.c}\",\"{header.cookie}\"]}]}",
		"/");
	running = &f;
	assert_int_equal(eio_http_feed(http, request, sizeof request - 1, &used), EIO_HTTP_COMPLETE);
	kept = eio_http_take(http);
	failmalloc_every(keeping, -1, 5);
	eio_request_free(kept);
	eio_http_free(http);
	teardown(&f);
}

static void
test_no_memory(void **state)
{
	static const char on[] =
		"{\"m\":[{\"if\":{\"/query/x\":\"last one\",\"/nsp\":\"/\"},\"then\":[],\"else\":[{\"join\":\"z\"}]},"
		"{\"emit\":[\"x\",{\"a\":[\"...{args}\",\"{query.x}\",\"-{args}-{query.x}-\",\"{query}\",\"{rooms}\"]},\"{sid}\"]},"
		"{\"ack\":[\"{args}\"]},{\"join\":[\"{args}\",\"r {query.x}\",\"{rooms}\",\"r.{args}.{query.x}\"]},{\"publish\":\"{query.x}\"},"
		"{\"publish\":{\"channel\":\"c\",\"message\":\"{query.x}\"}},{\"publish\":{\"channel\":\"c\",\"message\":\"<{1}>\"}},"
		"{\"publish\":{\"channel\":\"c\",\"message\":[\"{1}\",\"{query}\"]}},"
		"{\"broadcast\":{\"room\":[\"{args}\",\"q\"],\"except\":\"{sid}\",\"event\":\"y\",\"args\":[\"...{args}\",{\"a\":\"{1}\"}]}}],"
		"\"disconnect\":[{\"publish\":\"gone\"}]}";
	struct fixture f;

	(void)state;
	everything = cJSON_Parse(on);
	assert_non_null(everything);
	failmalloc_every(compiling, -1, 20);
	cJSON_Delete(everything);
	setup(&f, on, "/");
	running = &f;
	assert_int_equal(event(&f, "52-1[\"m\",\"a\",\"b\"]"), HANDLERS_DONE);
	deaf = true;
	failmalloc_every(running_it, -1, 10);
	failmalloc_every(leaving, -1, 3);
	deaf = false;
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_all_mistakes),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_keep_without_memory),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, free_heard);
}
