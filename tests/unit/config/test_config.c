/* SPDX-License-Identifier: MIT */
/* The configuration: what is read, what stands over what, and what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/config/cli.h"
#include "src/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char errors[16384];
static unsigned n_errors;

static void
on_error(void *user, const char *text)
{
	size_t n = strlen(errors);

	assert_ptr_equal(user, errors);
	snprintf(errors + n, sizeof errors - n, "%s\n", text);
	n_errors++;
}

static struct config *
load_with(const char *text, const struct config_flags *flags)
{
	*errors = '\0';
	n_errors = 0;
	return config_load_text("t.conf", eio_cstr(text), flags, on_error, errors);
}

/* What the configuration that was read last says to others; borrowed from it. */
static struct eio_server_options server;
static struct clients_options clients;
static struct feed_options feed;

static void
fill(const struct config *c)
{
	config_fill_server(c, &server);
	config_fill_clients(c, &clients);
	config_fill_feed(c, &feed);
}

static struct config *
load(const char *text)
{
	struct config *c = load_with(text, NULL);

	if (!c) fail_msg("unexpected: %s", errors);
	fill(c);
	return c;
}

static void
defaults(void **state)
{
	struct config_flags none = { 0 };
	struct config *c = config_load(&none, on_error, errors);

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
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	config_free(c);
}

static const char full[] =
	"// a comment with \"quotes\" and {\n"
	"{ /* block\n comment */\n"
	"  \"listen\": [\"0.0.0.0:80\", \"[::1]:8080\", \"unix:/run/s.sock\", \"localhost:1\"],\n"
	"  \"admin\": \"127.0.0.1:9464\", \"path\": \"/rt\", \"workers\": 3,\n"
	"  \"redis\": [\"redis://:p%40ss@db.example:7000/2\", \"unix:///run/redis.sock\"],\n"
	"  \"engine\": { \"pingInterval\": 300, \"transports\": [\"websocket\"], \"perMessageDeflate\": false,\n"
	"     \"cookie\": {\"name\": \"sid\", \"httpOnly\": false, \"sameSite\": \"strict\", \"secure\": true, \"maxAge\": 60} },\n"
	"  \"cors\": {\"origin\": [\"http://a\", \"http://b\"], \"credentials\": true, \"methods\": [\"GET\", \"POST\"],\n"
	"     \"allowedHeaders\": \"X-A\", \"maxAge\": 5},\n"
	"  \"serveClient\": false, \"www\": \"/srv/www\", \"logLevel\": \"debug\",\n"
	"  \"feeds\": [ {\"pattern\": \"ticks.*\", \"event\": \"t {1}\", \"room\": \"{/sym}\", \"encode\": \"json\", \"slow\": \"latest\",\n"
	"      \"batch\": {\"interval\": 50, \"maxMessages\": 10, \"maxBytes\": 1000, \"format\": \"array\"},\n"
	"      \"where\": {\"/type\": [\"trade\", 1, null], \"/x\": true} },\n"
	"    {\"channel\": \"news\", \"namespace\": \"/news\", \"batch\": {\"format\": \"lines\"}} ],\n"
	"  \"namespaces\": {\"/\": {}, \"/news\": {\"on\": {\"subscribe\": [{\"join\": \"{1}\"}]}}},\n"
	"  \"limits\": {\"clientQueueBytes\": 4096, \"maxConnections\": 7}\n"
	"} // \"end";

static void
check_full_feeds(void)
{
	const struct feed_spec *f = feed.specs->v;

	assert_int_equal(feed.specs->n, 2);
	assert_true(f[0].is_pattern);
	assert_string_equal(f[0].channel, "ticks.*");
	assert_int_equal(f[0].encode, FEED_ENCODE_JSON);
	assert_int_equal(f[0].slow, FEED_SLOW_LATEST);
	assert_int_equal(f[0].interval_ms, 50);
	assert_int_equal(f[0].max_messages, 10);
	assert_int_equal(f[0].max_bytes, 1000);
	assert_int_equal(f[0].n_where, 2);
	assert_string_equal(f[0].where[0].pointer, "/type");
	assert_int_equal(f[0].where[0].n, 3);
	assert_true(template_uses_message(f[0].room));
	assert_false(template_uses_message(f[0].event));
	assert_false(f[1].is_pattern);
	assert_int_equal(f[1].index, 1);
	assert_string_equal(f[1].nsp, "/news");
	assert_int_equal(f[1].format, FEED_FORMAT_LINES);
	assert_int_equal(f[1].interval_ms, 200);
	assert_null(f[1].room);
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

/* Each text, and the whole of what is said about it. */
static const struct {
	int line;
	const char *text, *errors;
} mistakes[] = {
	{ __LINE__, "{\n\"engine\": {\n\"pingIntervall\": 5}}",
		"t.conf:3: engine.pingIntervall: unknown key; did you mean \"pingInterval\"?\n" },
	{ __LINE__, "{\"compat\": \"3.x\"}", "t.conf:1: compat: \"3.x\" is none of \"1.x\", \"2.x\", \"4.x\"\n" },
	{ __LINE__, "{\"compat\": \"3\\nx\\u001b\\u009b\\u00a0\", \"a\\tb\": 1}",
		"t.conf:1: compat: \"3?x???\u00a0\" is none of \"1.x\", \"2.x\", \"4.x\"\n"
		"t.conf:1: a?b: unknown key\n" },
	{ __LINE__, "{\"compat\": 1}", "t.conf:1: compat: expected a string, not a number\n" },
	{ __LINE__, "{\"compat\": \"1.x\",\n\"cors\": {\"credentials\": true}}",
		"t.conf:2: cors: with \"compat\": \"1.x\" this needs \"origin\" too\n" },
	{ __LINE__, "{\"client\": {\"version\": \"latest\"}}",
		"t.conf:1: client.version: expected a version such as \"4.8.4\", or the beginning of one\n" },
	{ __LINE__, "{\"client\": {\"version\": 4}}",
		"t.conf:1: client.version: expected a version such as \"4.8.4\", or the beginning of one\n" },
	{ __LINE__, "{\"client\": {\"version\": \"4\",\n\"dir\": \"/x\"}}",
		"t.conf:1: client: \"version\" and \"dir\" exclude each other\n" },
	{ __LINE__, "{\"client\": \"4.8.4\"}", "t.conf:1: client: expected an object, not a string\n" },
	{ __LINE__, "{\"pingInterval\": 5}",
		"t.conf:1: pingInterval: unknown key; did you mean \"engine.pingInterval\"?\n" },
	{ __LINE__, "{\"LISTEN\": 5}", "t.conf:1: LISTEN: unknown key; did you mean \"listen\"?\n" },
	{ __LINE__, "{\"zzzzzz\": 5}", "t.conf:1: zzzzzz: unknown key\n" },
	{ __LINE__, "{\"engine.pingInterval\": 50}", "t.conf:1: engine.pingInterval: unknown key\n" },
	{ __LINE__, "[]", "t.conf:1: expected an object, not a list\n" },
	{ __LINE__, "{\"engine\": []}", "t.conf:1: engine: expected an object, not a list\n" },
	{ __LINE__, "{\"workers\": \"2\"}", "t.conf:1: workers: expected a number, not a string\n" },
	{ __LINE__, "{\"workers\": 65}", "t.conf:1: workers: expected a whole number from 0 to 64\n" },
	{ __LINE__, "{\"workers\": 1.5}", "t.conf:1: workers: expected a whole number from 0 to 64\n" },
	{ __LINE__, "{\"serveClient\": 1}", "t.conf:1: serveClient: expected true or false, not a number\n" },
	{ __LINE__, "{\"logLevel\": \"loud\"}",
		"t.conf:1: logLevel: \"loud\" is none of \"error\", \"warn\", \"info\", \"debug\"\n" },
	{ __LINE__, "{\"workers\": 1,\n \"workers\": 2}", "t.conf:2: workers: the key stands twice\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:1\",\n\n \"example.com:80\"]}",
		"t.conf:3: listen[1]: \"example.com:80\": expected \"127.0.0.1:3000\", \"[::]:3000\" or \"unix:/path\"\n" },
	{ __LINE__, "{\"listen\": \"127.0.0.1:70000\"}",
		"t.conf:1: listen: \"127.0.0.1:70000\": the port is not a number from 0 to 65535\n" },
	{ __LINE__, "{\"listen\": []}", "t.conf:1: listen: an empty list\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:1\", 7]}",
		"t.conf:1: listen[1]: expected a string that is not empty\n" },
	{ __LINE__, "{\"redis\": \"rediss://:secret@h\"}",
		"t.conf:1: redis: TLS is not spoken here; put a tunnel such as stunnel between\n" },
	{ __LINE__, "{\"path\": \"socket.io\"}", "t.conf: path: \"socket.io\" is no path such as \"/socket.io/\"\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": 1}}",
		"t.conf:1: engine.perMessageDeflate: expected true, false or an object, not a number\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"treshold\": 1}}}",
		"t.conf:1: engine.perMessageDeflate.treshold: unknown key; did you mean \"threshold\"?\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"level\": 1}}}",
		"t.conf:1: engine.perMessageDeflate.level: unknown key; did you mean \"zlibDeflateOptions.level\"?\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"zlibDeflateOptions\": {\"level\": 0}}}}",
		"t.conf:1: engine.perMessageDeflate.zlibDeflateOptions.level: expected a whole number from 1 to 9\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"zlibDeflateOptions\": {\"memLevel\": 7}}}}",
		"t.conf:1: engine.perMessageDeflate.zlibDeflateOptions.memLevel: there is nothing to set by this; leave it out\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"serverMaxWindowBits\": 8}}}",
		"t.conf:1: engine.perMessageDeflate.serverMaxWindowBits: expected a whole number from 9 to 15\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"clientNoContextTakeover\": false}}}",
		"t.conf:1: engine.perMessageDeflate.clientNoContextTakeover: only true can stand here: no context is kept for a connection\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"clientMaxWindowBits\": 10}}}",
		"t.conf:1: engine.perMessageDeflate.clientMaxWindowBits: there is nothing to set by this; leave it out\n" },
	{ __LINE__, "{\"engine\": {\"httpCompression\": {\"threshold\": -1}}}",
		"t.conf:1: engine.httpCompression.threshold: expected a whole number from 0 to 1073741824\n" },
	{ __LINE__, "{\"engine\": {\"transports\": [\"flashsocket\"]}}",
		"t.conf:1: engine.transports: \"flashsocket\" is none of \"polling\", \"websocket\"\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": {\"nam\": \"x\"}}}",
		"t.conf:1: engine.cookie.nam: unknown key; did you mean \"name\"?\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": \"a b\"}}",
		"t.conf:1: engine.cookie: expected a cookie name: letters, digits and -_.!#$%&'*+^`|~\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": {\"sameSite\": \"none\"}}}",
		"t.conf:1: engine.cookie: browsers refuse \"sameSite\": \"none\" without \"secure\": true\n" },
	{ __LINE__, "{\"cors\": {\"origin\": [\"*\"]}}",
		"t.conf:1: cors.origin: \"*\": no wildcards in a list; \"*\" alone allows every origin\n" },
	{ __LINE__, "{\"cors\": {\"methods\": \"GET\\r\\nX: y\"}}",
		"t.conf:1: cors.methods: control characters cannot stand in a header\n" },
	{ __LINE__, "{\"feeds\": [\n{\"channel\": \"a\"},\n{\"chanel\": \"b\"}]}",
		"t.conf:3: feeds[1].chanel: unknown key; did you mean \"channel\"?\n"
		"t.conf:3: feeds[1]: a feed needs a \"channel\" or a \"pattern\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"pattern\": \"b\"}]}",
		"t.conf:1: feeds[0]: \"channel\" and \"pattern\" exclude each other\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"retain\": 1}]}", "t.conf:2: feeds[0].retain: unknown key\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"event\": \"{1}\"}]}",
		"t.conf:2: feeds[0].event: {1} stands for nothing: the feed's pattern has 0 stars\n" },
	{ __LINE__, "{\"feeds\": [{\"pattern\": \"a*\",\n\"room\": \"{2}\"}]}",
		"t.conf:2: feeds[0].room: {2} stands for nothing: the feed's pattern has 1 star\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"event\": \"x{\"}]}",
		"t.conf:1: feeds[0].event: '{' stands alone; write it twice to mean the character\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"event\": \"{chan}\"}]}",
		"t.conf:1: feeds[0].event: unknown placeholder {chan}: in a feed there are {channel}, {1} … {9} and "
		"{/json/pointer}; \"{{\" is a brace\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {\"on\": {\"x\": [\n{\"join\": \"$1\"}]}}}}",
		"t.conf:2: namespaces./.on: /x/0/join: \"$1\" of siocast 0.1 is \"{1}\" now; where the text is meant write "
		"\"{$}1\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"event\": \"disconnect\"}]}",
		"t.conf:1: feeds[0].event: \"disconnect\" is a reserved name, clients would refuse it\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"encode\": \"json\",\n\"batch\": {\n\"format\": \"lines\"}}]}",
		"t.conf:3: feeds[0].batch.format: \"encode\": \"json\" needs \"array\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"encode\": \"text\", \"batch\": {\"format\": \"frames\"}}]}",
		"t.conf:1: feeds[0].batch.format: \"encode\": \"text\" needs \"array\" or \"lines\": frames are binary\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"batch\": {\"intervall\": 1}}]}",
		"t.conf:1: feeds[0].batch.intervall: unknown key; did you mean \"interval\"?\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"where\": {\"type\": 1,\n\"/a\": [1,\n{}], \"/b\": 9007199254740992}}]}",
		"t.conf:1: feeds[0].where.type: not a JSON pointer; it starts with '/' as in \"/type\"\n"
		"t.conf:3: feeds[0].where./a: expected a string, a number, true, false or null, not an object\n"
		"t.conf:3: feeds[0].where./b: numbers from 2^53 on cannot be compared exactly\n" },
	{ __LINE__, "{\"namespaces\": {\"/a\": {}},\n\"feeds\": [{\"channel\": \"x\"}]}",
		"t.conf:2: feeds[0]: namespace \"/\" is not among \"namespaces\"\n" },
	{ __LINE__, "{\"namespaces\": {\"a\": {}}}",
		"t.conf:1: namespaces.a: a namespace starts with \"/\" and holds no ',' and no '?'\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {\"of\": {}}}}",
		"t.conf:1: namespaces./.of: unknown key; did you mean \"on\"?\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {}, \"/\": {}}}", "t.conf:1: namespaces./: the key stands twice\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {\"on\": {},\n\"on\": {}, \"retain\": 1}, \"/a\": []}}",
		"t.conf:2: namespaces./.on: the key stands twice\n"
		"t.conf:2: namespaces./.retain: unknown key\n"
		"t.conf:2: namespaces./a: expected an object, not a list\n" },
	/* What is not JSON. */
	{ __LINE__, "", "t.conf:1: the file ends in the middle\n" },
	{ __LINE__, "{\n\"workers\": 1,\n}", "t.conf:3: a comma with nothing after it\n" },
	{ __LINE__, "{\n\"workers\": 1\n\"path\": \"/\"}", "t.conf:3: expected ',' or '}'\n" },
	{ __LINE__, "{\n\"workers\" 1}", "t.conf:2: expected ':' after a key\n" },
	{ __LINE__, "{\nworkers: 1}", "t.conf:2: expected a key in double quotes\n" },
	{ __LINE__, "{\"a\": \"x\n\"}", "t.conf:1: a string that does not end on its line\n" },
	{ __LINE__, "{\"a\": \"\\x\"}", "t.conf:1: a bad escape in a string\n" },
	{ __LINE__, "{\"a\": \"\\u0000\"}", "t.conf:1: \\u0000 cannot be used here\n" },
	{ __LINE__, "{\"a\":\n \"\\ud800\"}", "t.conf:2: half of a surrogate pair\n" },
	{ __LINE__, "{\"a\": \"\\ud83d\\u0041\"}", "t.conf:1: half of a surrogate pair\n" },
	{ __LINE__, "{\"a\": \"\\ude00\\ud83d\"}", "t.conf:1: half of a surrogate pair\n" },
	{ __LINE__, "{\"\\uD83D\\uDE00\": 1}", "t.conf:1: \xf0\x9f\x98\x80: unknown key\n" },
	{ __LINE__, "{\"a\": 01}", "t.conf:1: not a number as JSON writes them\n" },
	{ __LINE__, "{\"a\": yes}", "t.conf:1: expected a value\n" },
	{ __LINE__, "{\"a\": [1 2]}", "t.conf:1: expected ',' or ']'\n" },
	{ __LINE__, "{} {}", "t.conf:1: something stands after the end of the configuration\n" },
	{ __LINE__, "{}\n /* open", "t.conf:2: a comment that does not end\n" },
	{ __LINE__, "{\"a\": \"\xff\"}", "t.conf:1: the file is not UTF-8\n" },
};

static void
mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		struct config *c = load_with(mistakes[i].text, NULL);

		if (c) fail_msg("line %d: accepted", mistakes[i].line);
		if (strcmp(errors, mistakes[i].errors) != 0)
			fail_msg("line %d:\n got: %s want: %s", mistakes[i].line, errors, mistakes[i].errors);
	}
}

static void
handler_mistakes_have_lines(void **state)
{
	static const char text[] = "{\"namespaces\": {\"/\": {\"on\": {\n\"a\": [\n{\"jion\": \"x\"}]}}}}";

	(void)state;
	assert_null(load_with(text, NULL));
	assert_int_equal(strncmp(errors, "t.conf:3: namespaces./.on: ", 27), 0);
	assert_int_equal(n_errors, 1);
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
	assert_int_equal(n_errors, 20);
}

static void
nesting_is_bounded(void **state)
{
	static char text[400001];

	(void)state;
	memset(text, '[', sizeof text - 1);
	assert_null(load_with(text, NULL));
	assert_string_equal(errors, "t.conf:1: nested too deeply\n");
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
	assert_string_equal(feed.specs->v[2].channel, "news");
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

static void
bad_flags(void **state)
{
	const char *feeds[] = { "ticks" }, *listen[] = { "nowhere" };
	struct config_flags f = { .workers = "many", .log_level = "x", .listen = { listen, 1 }, .feeds = { feeds, 1 } };

	(void)state;
	assert_null(load_with("{}", &f));
	assert_string_equal(errors,
		"--listen: \"nowhere\": expected \"127.0.0.1:3000\", \"[::]:3000\" or \"unix:/path\"\n"
		"--log-level: \"x\" is none of \"error\", \"warn\", \"info\", \"debug\"\n"
		"--workers: \"many\" is not a number\n"
		"--feed: \"ticks\": expected CHANNEL=EVENT\n");
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
	assert_int_equal(write(fd, "{\"workers\":4}", 13), 13);
	c = config_load(&f, on_error, errors);
	assert_non_null(c);
	assert_int_equal(c->workers, 4);
	assert_string_equal(c->file, name);
	config_free(c);
	close(fd);
	unlink(name);
	*errors = '\0';
	assert_null(config_load(&f, on_error, errors));
	assert_non_null(strstr(errors, "no such file"));
	f.file = "/";
	assert_null(config_load(&f, on_error, errors));
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
	cli_parse(&cli, 9, argv);
	assert_int_equal(cli.action, CLI_TEST);
	assert_string_equal(cli.flags.file, "f");
	assert_int_equal(cli.flags.feeds.n, 2);
	assert_string_equal(cli.flags.feeds.v[1], "c=d");
	assert_int_equal(cli.flags.listen.n, 1);
	cli_deinit(&cli);
	cli_parse(&cli, 2, extra);
	assert_int_equal(cli.action, CLI_ERROR);
	cli_deinit(&cli);
	cli_parse(&cli, 2, bad);
	assert_int_equal(cli.action, CLI_ERROR);
	cli_deinit(&cli);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(cookies_and_origins),
		cmocka_unit_test(generations),
		cmocka_unit_test(generations_are_defaults),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(handler_mistakes_have_lines),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(errors_are_bounded),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(flags_stand_over_the_file),
		cmocka_unit_test(compression),
		cmocka_unit_test(bad_flags),
		cmocka_unit_test(files),
		cmocka_unit_test(command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
