/* SPDX-License-Identifier: MIT */
/* The configuration: what is read, and what stands there by default. */
#include "tests/unit/config/reading.h"

static void
defaults(void **state)
{
	struct config_flags none = { 0 };
	struct config *c = config_load(&none, on_report, errors);

	(void)state;
	assert_non_null(c);
	fill(c);
	assert_int_equal(c->n_listen, 1);
	assert_string_equal(c->listen[0].host, "127.0.0.1");
	assert_int_equal(c->listen[0].port, 3000);
	assert_null(c->admin);
	assert_string_equal(c->path, "/socket.io/");
	assert_true(c->workers >= 1 && c->workers <= CONFIG_MAX_WORKERS);
	assert_int_equal(c->n_redis, 1);
	assert_string_equal(feed.redis[0].name, "127.0.0.1:6379");
	assert_int_equal(server.ping_interval, 25000);
	assert_int_equal(server.ping_timeout, 20000);
	assert_int_equal(server.upgrade_timeout, 10000);
	assert_int_equal(clients.connect_timeout_ms, 45000);
	assert_int_equal(server.max_payload, 1000000);
	assert_true(server.polling && server.websocket);
	assert_true(server.allow_upgrades && !server.no_trailing_slash);
	assert_null(server.cookie_name);
	assert_false(server.ws_deflate.on || server.http_deflate.on);
	assert_int_equal(server.cors.origin, EIO_CORS_ANY);
	assert_false(server.cors.credentials);
	assert_string_equal(server.cors.methods, "GET,HEAD,PUT,PATCH,POST,DELETE");
	assert_null(server.cors.allowed_headers);
	assert_int_equal(server.cors.max_age, -1);
	assert_int_equal(c->compat, CONFIG_COMPAT_4);
	assert_true(server.allow_eio3);
	assert_true(c->serve_client);
	assert_string_equal(c->client.version, "4");
	assert_false(c->client.version_given);
	assert_null(c->client.dir);
	assert_int_equal(feed.specs->n, 0);
	assert_int_equal(clients.namespaces->n, 1);
	assert_string_equal(clients.namespaces->v[0].name, "/");
	assert_null(clients.namespaces->v[0].handlers);
	assert_int_equal(clients.limits.queue_bytes, 1048576);
	assert_int_equal(clients.limits.reply_bytes, 1048576);
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	config_free(c);
}

static void
check_full_feeds(void)
{
	const struct feed_spec *f = feed.specs->v;

	assert_int_equal(feed.specs->n, 2);
	assert_true(f[0].is_pattern);
	assert_int_equal(f[0].n_channels, 1);
	assert_string_equal(f[0].channels[0], "ticks.*");
	assert_int_equal(f[0].encode, FEED_ENCODE_JSON);
	assert_int_equal(f[0].slow, FEED_SLOW_LATEST);
	assert_int_equal(f[0].interval_ms, 50);
	assert_int_equal(f[0].max_messages, 10);
	assert_int_equal(f[0].max_bytes, 1000);
	assert_int_equal(f[0].where.n, 2);
	assert_string_equal(f[0].where.v[0].pointer, "/type");
	assert_int_equal(f[0].where.v[0].match.n, 3);
	assert_true(template_uses_message(f[0].rooms[0]));
	assert_false(template_uses_message(f[0].event));
	assert_false(f[1].is_pattern);
	assert_int_equal(f[1].index, 1);
	assert_null(f[0].latest_per);
	assert_false(f[0].lag_event);
	assert_string_equal(f[1].latest_per, "/s");
	assert_int_equal(f[1].latest_max, 7);
	assert_int_equal(f[1].slow, FEED_SLOW_DROP_OLDEST);
	assert_true(f[1].lag_event);
	assert_string_equal(f[1].nsp, "/news");
	assert_int_equal(f[1].format, FEED_FORMAT_LINES);
	assert_int_equal(f[1].interval_ms, 200);
	assert_int_equal(f[1].n_rooms, 0);
}

static void
everything(void **state)
{
	struct config *c = load(full);

	(void)state;
	assert_int_equal(c->n_listen, 4);
	assert_string_equal(c->listen[1].host, "::1");
	assert_string_equal(c->listen[2].path, "/run/s.sock");
	assert_string_equal(c->listen[3].host, "127.0.0.1");
	assert_int_equal(c->admin->port, 9464);
	assert_string_equal(c->path, "/rt/");
	assert_int_equal(c->workers, 3);
	assert_string_equal(feed.redis[0].password, "p@ss");
	assert_string_equal(feed.redis[1].path, "/run/redis.sock");
	assert_int_equal(server.ping_interval, 300);
	assert_true(!server.polling && server.websocket);
	assert_string_equal(server.cookie_name, "sid");
	assert_string_equal(server.cookie_attributes, "; Max-Age=60; Path=/; Secure; SameSite=Strict");
	assert_int_equal(server.cors.origin, EIO_CORS_LIST);
	assert_string_equal(server.cors.origins[1], "http://b");
	assert_string_equal(server.cors.methods, "GET,POST");
	assert_string_equal(server.cors.allowed_headers, "X-A");
	assert_int_equal(server.cors.max_age, 5);
	assert_false(c->serve_client);
	assert_string_equal(c->www, "/srv/www");
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->limits.max_connections, 7);
	check_full_feeds();
	assert_non_null(namespace_specs_find(clients.namespaces, EIO_LIT("/news"))->handlers);
	assert_null(namespace_specs_find(clients.namespaces, EIO_LIT("/nope")));
	config_free(c);
}

static void
cookies_and_origins(void **state)
{
	struct config *c = load("{\"engine\":{\"cookie\":true},\"cors\":{\"origin\":true}}");

	(void)state;
	assert_string_equal(server.cookie_name, "io");
	assert_string_equal(server.cookie_attributes, "; Path=/; HttpOnly; SameSite=Lax");
	assert_int_equal(server.cors.origin, EIO_CORS_REFLECT);
	config_free(c);
	c = load("{\"engine\":{\"cookie\":\"x\",\"addTrailingSlash\":false},\"cors\":{\"origin\":false}}");
	assert_string_equal(server.cookie_name, "x");
	assert_int_equal(server.cors.origin, EIO_CORS_OFF);
	assert_string_equal(c->path, "/socket.io");
	config_free(c);
	c = load("{\"engine\":{\"cookie\":{\"path\":false,\"sameSite\":false}},\"cors\":{\"origin\":\"https://x\"}}");
	assert_string_equal(server.cookie_attributes, "; HttpOnly");
	assert_int_equal(server.cors.origin, EIO_CORS_FIXED);
	config_free(c);
}

static void
generations(void **state)
{
	struct config *c = load("{\"compat\":\"1.x\"}");

	(void)state;
	assert_int_equal(c->compat, CONFIG_COMPAT_1);
	assert_int_equal(server.ping_interval, 25000);
	assert_int_equal(server.ping_timeout, 60000);
	assert_int_equal(server.max_payload, 100000000);
	assert_string_equal(server.cookie_name, "io");
	assert_string_equal(server.cookie_attributes, "; Path=/; HttpOnly");
	assert_true(server.cookie_always);
	assert_int_equal(server.cors.origin, EIO_CORS_LEGACY);
	assert_string_equal(c->client.version, "1");
	assert_false(c->client.version_given);
	config_free(c);

	c = load("{\"compat\":\"2.x\"}");
	assert_int_equal(c->compat, CONFIG_COMPAT_2);
	assert_int_equal(server.ping_timeout, 20000);
	assert_int_equal(server.max_payload, 1000000);
	assert_string_equal(server.cookie_name, "io");
	assert_string_equal(server.cookie_attributes, "; Path=/; HttpOnly; SameSite=Strict");
	assert_int_equal(server.cors.origin, EIO_CORS_LEGACY);
	assert_string_equal(c->client.version, "2");
	config_free(c);

	c = load("{\"compat\":\"4.x\"}");
	assert_int_equal(c->compat, CONFIG_COMPAT_4);
	assert_null(server.cookie_name);
	assert_int_equal(server.cors.origin, EIO_CORS_ANY);
	assert_string_equal(c->client.version, "4");
	config_free(c);
}

/* Whatever the file says stands over the generation's defaults, also when it says so first. */
static void
generations_are_defaults(void **state)
{
	struct config *c = load(
		"{\"engine\":{\"pingTimeout\":7000,\"cookie\":{\"name\":\"lb\"}},"
		"\"client\":{\"version\":\"4.8\"},\"cors\":{\"maxAge\":9,\"origin\":\"*\"},\"compat\":\"1.x\"}");

	(void)state;
	assert_int_equal(server.ping_timeout, 7000);
	assert_int_equal(server.max_payload, 100000000);
	assert_string_equal(server.cookie_name, "lb");
	assert_string_equal(server.cookie_attributes, "; Path=/; HttpOnly");
	assert_int_equal(server.cors.origin, EIO_CORS_ANY);
	assert_string_equal(c->client.version, "4.8");
	assert_true(c->client.version_given);
	config_free(c);

	c = load("{\"compat\":\"2.x\",\"engine\":{\"cookie\":{\"sameSite\":\"lax\"}},\"cors\":{}}");
	assert_string_equal(server.cookie_attributes, "; Path=/; HttpOnly; SameSite=Lax");
	assert_int_equal(server.cors.origin, EIO_CORS_LEGACY);
	config_free(c);
	c = load("{\"compat\":\"2.x\",\"engine\":{\"cookie\":false},\"cors\":{\"origin\":false},"
		 "\"client\":{\"dir\":\"/srv/client\"}}");
	assert_null(server.cookie_name);
	assert_int_equal(server.cors.origin, EIO_CORS_OFF);
	assert_string_equal(c->client.dir, "/srv/client");
	config_free(c);
}

static void
feeds_have_defaults(void **state)
{
	const char *flags[] = { "x=x" };
	const struct config_flags f = { .feeds = { flags, 1 } };
	struct config *c = load_with(
		"{\"feeds\": [{\"channel\": [\"a\", \"b\"]},"
		"{\"pattern\": \"p.*\", \"event\": \"own\", \"batch\": {\"maxBytes\": 7}, \"where\": {\"/b\": {\">\": 1}}}],"
		"\"feedDefaults\": {\"event\": \"ev\", \"encode\": \"json\", \"batch\": {\"interval\": 9}, \"where\": {\"/a\": 1, \"/c\": 2},"
		"\"namespace\": \"/n\"}, \"namespaces\": {\"/n\": {}}}",
		&f);
	const struct feed_spec *v;

	(void)state;
	if (!c) fail_msg("%s", errors);
	fill(c);
	v = feed.specs->v;
	assert_int_equal(feed.specs->n, 3);
	assert_int_equal(v[0].n_channels, 2);
	assert_string_equal(v[0].channels[1], "b");
	for (int i = 0; i < 3; i++) {
		assert_string_equal(v[i].nsp, "/n");
		assert_int_equal(v[i].encode, FEED_ENCODE_JSON);
		assert_int_equal(v[i].interval_ms, 9);
		assert_int_equal(v[i].max_messages, 1000);
		assert_int_equal(v[i].where.n, i == 1 ? 1 : 2);
	}
	assert_int_equal(v[1].max_bytes, 7);
	assert_string_equal(v[1].where.v[0].pointer, "/b");
	assert_string_equal(v[1].where.v[0].match.operators[0].bound.text.p, "1");
	/* "/" is there, whatever the file names. */
	assert_int_equal(clients.namespaces->n, 2);
	assert_non_null(namespace_specs_find(clients.namespaces, EIO_LIT("/")));
	config_free(c);
	c = load("{\"namespaces\": {}}");
	assert_int_equal(clients.namespaces->n, 1);
	config_free(c);
}

static void
compression(void **state)
{
	struct config *c = load("{\"engine\": {\"perMessageDeflate\": true, \"httpCompression\": {}}}");
	const struct eio_deflate *ws = &server.ws_deflate, *http = &server.http_deflate;

	(void)state;
	assert_true(ws->on && http->on);
	assert_int_equal(ws->threshold, 1024);
	assert_int_equal(ws->level, 3);
	assert_int_equal(ws->window_bits, 15);
	assert_int_equal(http->threshold, 1024);
	assert_int_equal(http->level, 3);
	config_free(c);
	c = load("{\"engine\": {\"perMessageDeflate\": {\"threshold\": 0, \"zlibDeflateOptions\": {\"level\": 9},"
		 "\"serverMaxWindowBits\": 9, \"clientNoContextTakeover\": true, \"serverNoContextTakeover\": true},"
		 "\"httpCompression\": {\"threshold\": 7, \"level\": 1}}}");
	assert_true(ws->on && http->on);
	assert_int_equal(ws->threshold, 0);
	assert_int_equal(ws->level, 9);
	assert_int_equal(ws->window_bits, 9);
	assert_int_equal(http->threshold, 7);
	assert_int_equal(http->level, 1);
	config_free(c);
	c = load("{\"compat\": \"1.x\", \"engine\": {\"httpCompression\": false}}");
	assert_false(server.ws_deflate.on || server.http_deflate.on);
	config_free(c);
}

/* A worker alone runs the feed, as long as nothing that it may have to encode at once holds its clients up. */
static void
the_feed_s_thread(void **state)
{
	static const struct {
		int line;
		const char *text;
		bool apart;
	} cases[] = {
		{ __LINE__, "{\"workers\": 1}", false },
		{ __LINE__, "{\"workers\": 2}", true },
		{ __LINE__, "{\"workers\": 1, \"limits\": {\"messageBytes\": 16777216}}", false },
		{ __LINE__, "{\"workers\": 1, \"limits\": {\"messageBytes\": 16777217}}", true },
		{ __LINE__, "{\"workers\": 1, \"publish\": {\"maxBytes\": 16777217}}", false },
		{ __LINE__,
			"{\"workers\": 1, \"admin\": \"127.0.0.1:9464\", \"publish\": {\"tokenFile\": \"/dev/null\", "
			"\"maxBytes\": 16777217}}",
			true },
		{ __LINE__,
			"{\"workers\": 1, \"feeds\": [{\"channel\": \"a\"}, {\"channel\": \"b\", \"batch\": "
			"{\"maxBytes\": 16777217}}]}",
			true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct config *c = load(cases[i].text);

		if (c->feed_apart != cases[i].apart) fail_msg("line %d", cases[i].line);
		if (!cases[i].apart) assert_true(feed.worker_queue_bytes == SIZE_MAX);
		if (cases[i].apart) assert_int_equal(feed.worker_queue_bytes, 67108864);
		config_free(c);
	}
}

static bool
recovers_in(const char *nsp)
{
	return feed.recovery.in(feed.recovery.ctx, eio_cstr(nsp));
}

static void
recovery(void **state)
{
	struct config *c = load(
		"{\"connectionStateRecovery\": {\"maxDisconnectionDuration\": 5000, \"history\": {\"messages\": "
		"7}}, \"namespaces\": {\"/off\": {\"connectionStateRecovery\": false}, \"/s-*\": {}}}");

	(void)state;
	assert_true(feed.recovery.on && recovers_in("/") && recovers_in("/s-1"));
	assert_false(recovers_in("/off") || recovers_in("/none"));
	assert_int_equal(feed.recovery.ms, 5000);
	assert_int_equal(feed.recovery.history.ms, 5000);
	assert_int_equal(feed.recovery.history.messages, 7);
	config_free(c);
	c = load("{\"namespaces\": {\"/on\": {\"connectionStateRecovery\": true}}}");
	assert_true(feed.recovery.on && recovers_in("/on") && !recovers_in("/"));
	assert_int_equal(feed.recovery.ms, 120000);
	config_free(c);
	c = load("{\"connectionStateRecovery\": true}");
	assert_true(feed.recovery.on);
	config_free(c);
	c = load("{}");
	assert_false(feed.recovery.on);
	config_free(c);
	c = load("{\"connectionStateRecovery\": {\"skipMiddlewares\": true}}");
	assert_non_null(strstr(warnings, "connectionStateRecovery.skipMiddlewares: it has no effect"));
	config_free(c);
	c = load("{\"connectionStateRecovery\": {\"elsewhere\": {}}}");
	assert_false(feed.recovery.elsewhere);
	assert_non_null(strstr(warnings, "1:43: warning: connectionStateRecovery.elsewhere: it has no effect"));
	config_free(c);
	c = load(
		"{\"connectionStateRecovery\": true, \"feedDefaults\": {\"history\": {\"messages\": 5, \"bytes\": 70000}},"
		"\"feeds\": [{\"channel\": \"a\", \"history\": {\"seconds\": 9, \"messages\": 6}}, {\"channel\": \"b\"}]}");
	assert_int_equal(feed.specs->v[0].history.seconds, 9);
	assert_int_equal(feed.specs->v[0].history.messages, 6);
	assert_int_equal(feed.specs->v[0].history.bytes, 70000);
	assert_int_equal(feed.specs->v[1].history.seconds, 0);
	assert_int_equal(feed.specs->v[1].history.messages, 5);
	assert_string_equal(warnings, "");
	config_free(c);
	c = load("{\"feeds\": [{\"channel\": \"a\", \"history\": {\"messages\": 6}}]}");
	assert_string_equal(warnings,
		"t.conf:1:40: warning: feeds[0].history: it has no effect: no namespace that the feed "
		"goes to has \"connectionStateRecovery\"\n");
	config_free(c);
	c = load_with(
		"{\"connectionStateRecovery\": true, \"feeds\": [{\"channel\": \"a\", \"history\": {\"messages\": 0, "
		"\"second\": 1, \"bytes\": 1}}]}",
		NULL);
	assert_null(c);
	assert_non_null(strstr(errors, "feeds[0].history.messages: "));
	assert_non_null(strstr(errors, "feeds[0].history.second: "));
	assert_non_null(strstr(errors, "feeds[0].history.bytes: "));
	c = load_with(
		"{\"connectionStateRecovery\": 5, \"namespaces\": {\"/\": {\"connectionStateRecovery\": {}}}}", NULL);
	assert_null(c);
	assert_string_equal(errors,
		"t.conf:1:29: connectionStateRecovery: expected an object such as {\"maxDisconnectionDuration\": 120000}, or "
		"false, not a number\n"
		"t.conf:1:80: namespaces./.connectionStateRecovery: expected true or false, not an object\n");
	c = load_with(
		"{\"connectionStateRecovery\": {\"maxDisconectionDuration\": 1, \"history\": {\"seconds\": 0}}}", NULL);
	assert_null(c);
	assert_non_null(strstr(errors, "maxDisconnectionDuration"));
	assert_non_null(strstr(errors, "connectionStateRecovery.history.seconds"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(recovery),
		cmocka_unit_test(the_feed_s_thread),
		cmocka_unit_test(everything),
		cmocka_unit_test(cookies_and_origins),
		cmocka_unit_test(generations),
		cmocka_unit_test(generations_are_defaults),
		cmocka_unit_test(feeds_have_defaults),
		cmocka_unit_test(compression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
