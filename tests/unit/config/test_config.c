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
#include "src/config/environment.h"
#include "src/config/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char errors[16384], warnings[16384], excerpts[16384];
static unsigned n_errors;

static void
note_text(char *all, const char *text)
{
	size_t n = strlen(all);

	snprintf(all + n, sizeof errors - n, "%s\n", text);
}

static void
on_report(void *user, const struct config_report *r)
{
	assert_ptr_equal(user, errors);
	note_text(r->warning ? warnings : errors, r->text);
	assert_int_equal(!r->line, !r->caret);
	if (r->line) note_text(excerpts, r->line);
	if (r->line) note_text(excerpts, r->caret);
	n_errors += !r->warning;
}

static struct config *
load_with(const char *text, const struct config_flags *flags)
{
	*errors = *warnings = *excerpts = '\0';
	n_errors = 0;
	return config_load_text("t.conf", eio_cstr(text), flags, on_report, errors);
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
	"    {\"channel\": \"news\", \"namespace\": \"/news\", \"batch\": {\"format\": \"lines\"}, \"lagEvent\": true,\n"
	"      \"slow\": {\"latestPer\": \"/s\", \"max\": 7}} ],\n"
	"  \"namespaces\": {\"/\": {}, \"/news\": {\"on\": {\"subscribe\": [{\"join\": \"{1}\"}]}}},\n"
	"  \"limits\": {\"clientQueueBytes\": 4096, \"maxConnections\": 7}\n"
	"} // \"end";

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

/* Each text, and the whole of what is said about it. */
static const struct {
	int line;
	const char *text, *errors;
} mistakes[] = {
	{ __LINE__, "{\n\"engine\": {\n\"pingIntervall\": 5}}",
		"t.conf:3:1: engine.pingIntervall: unknown key; did you mean \"pingInterval\"?\n" },
	{ __LINE__, "{\"compat\": \"3.x\"}", "t.conf:1:12: compat: \"3.x\" is none of \"1.x\", \"2.x\", \"4.x\"\n" },
	{ __LINE__, "{\"compat\": \"3\\nx\\u001b\", \"a\\tb\": 1}",
		"t.conf:1:12: compat: \"3?x?\" is none of \"1.x\", \"2.x\", \"4.x\"\n"
		"t.conf:1:26: a b: unknown key\n" },
	{ __LINE__, "{\"compat\": 1}", "t.conf:1:12: compat: expected a string, not a number\n" },
	{ __LINE__, "{\"compat\": \"1.x\",\n\"cors\": {\"credentials\": true}}",
		"t.conf:2:9: cors: with \"compat\": \"1.x\" this needs \"origin\" too\n" },
	{ __LINE__, "{\"client\": {\"version\": \"latest\"}}",
		"t.conf:1:24: client.version: expected a version such as \"4.8.4\", or the beginning of one\n" },
	{ __LINE__, "{\"client\": {\"version\": 4}}",
		"t.conf:1:24: client.version: expected a version such as \"4.8.4\", or the beginning of one; write it in quotes\n" },
	{ __LINE__, "{\"client\": {\"version\": \"4\",\n\"dir\": \"/x\"}}",
		"t.conf:1:12: client: \"version\" and \"dir\" exclude each other\n" },
	{ __LINE__, "{\"client\": \"4.8.4\"}", "t.conf:1:12: client: expected an object, not a string\n" },
	{ __LINE__, "{\"pingInterval\": 5}",
		"t.conf:1:2: pingInterval: unknown key; did you mean \"engine.pingInterval\"?\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:3000\", \"unix:/a\"],\n\"admin\": \"127.0.0.1:3000\"}",
		"t.conf:2:10: admin: \"127.0.0.1:3000\": clients connect there, by listen[0]\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:3000\", \"unix:/a\"], \"admin\": \"unix:/a\"}",
		"t.conf:1:52: admin: \"unix:/a\": clients connect there, by listen[1]\n" },
	{ __LINE__, "{\"listen\": \"0.0.0.0:3000\", \"admin\": \"localhost:3000\"}",
		"t.conf:1:37: admin: \"localhost:3000\": clients connect there, by listen[0]\n" },
	{ __LINE__, "{\"listen\": [\"[::]:3000\", \"127.0.0.1:3000\"]}",
		"t.conf:1:26: listen[1]: \"127.0.0.1:3000\": the same address as listen[0]\n" },
	{ __LINE__, "{\"adminHosts\": [\"a.example\", \"http://b.example\"]}",
		"t.conf:1:30: adminHosts[1]: \"http://b.example\": expected a name without scheme and port\n" },
	{ __LINE__, "{\"LISTEN\": 5}", "t.conf:1:2: LISTEN: unknown key; did you mean \"listen\"?\n" },
	{ __LINE__, "{\"zzzzzz\": 5}", "t.conf:1:2: zzzzzz: unknown key\n" },
	{ __LINE__, "{\"engine.pingInterval\": 50}", "t.conf:1:2: engine.pingInterval: unknown key\n" },
	{ __LINE__, "[]", "t.conf:1:1: expected an object, not a list\n" },
	{ __LINE__, "{\"engine\": []}", "t.conf:1:12: engine: expected an object, not a list\n" },
	{ __LINE__, "{\"workers\": \"2\"}", "t.conf:1:13: workers: expected a number, not a string; write 2\n" },
	{ __LINE__, "{\"workers\": 65}", "t.conf:1:13: workers: expected a whole number from 0 to 64\n" },
	{ __LINE__, "{\"workers\": 1.5}", "t.conf:1:13: workers: expected a whole number from 0 to 64\n" },
	{ __LINE__, "{\"serveClient\": 1}",
		"t.conf:1:17: serveClient: expected true or false, not a number; write true\n" },
	{ __LINE__, "{\"log\": {\"level\": \"info\", \"target\": \"\", \"format\": \"xml\"}, \"logLevel\": \"info\"}",
		"t.conf:1:37: log.target: expected \"stderr\" or the path of a file, not an empty string\n"
		"t.conf:1:51: log.format: \"xml\" is none of \"text\", \"json\"\n"
		"t.conf:1:71: logLevel: \"log.level\" says the same; keep one of them\n" },
	{ __LINE__, "{\"accessLog\": true}",
		"t.conf:1:15: accessLog: expected \"off\", \"log\" or the path of a file, not a boolean\n" },
	{ __LINE__, "{\"logLevel\": \"loud\"}",
		"t.conf:1:14: logLevel: \"loud\" is none of \"error\", \"warn\", \"info\", \"debug\"\n" },
	{ __LINE__, "{\"workers\": 1,\n \"workers\": 2}", "t.conf:2:2: workers: the key stands twice\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:1\",\n\n \"example.com:80\"]}",
		"t.conf:3:2: listen[1]: \"example.com:80\": expected \"127.0.0.1:3000\", \"[::]:3000\" or \"unix:/path\"\n" },
	{ __LINE__, "{\"listen\": \"127.0.0.1:70000\"}",
		"t.conf:1:12: listen: \"127.0.0.1:70000\": the port is not a number from 0 to 65535\n" },
	{ __LINE__, "{\"listen\": []}", "t.conf:1:12: listen: an empty list\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:1\", 7]}",
		"t.conf:1:28: listen[1]: expected a string that is not empty\n" },
	{ __LINE__, "{\"redis\": \"rediss://:secret@h:x\"}",
		"t.conf:1:11: redis: the port is not a number from 1 to 65535\n" },
	{ __LINE__, "{\"redis\": {\"url\": \"redis://h\", \"tls\": {\"serverName\": \"x\"}}}",
		"t.conf:1:39: redis.tls: this is for an address that begins with rediss://\n" },
	{ __LINE__, "{\"redis\": {\"url\": \"rediss://h\", \"tls\": {\"cert\": \"/x\", \"serverName\": \"\"}}}",
		"t.conf:1:69: redis.tls.serverName: an empty string\n" },
	{ __LINE__, "{\"redis\": {\"url\": \"rediss://h\", \"tls\": {\"cert\": \"/x\"}}}",
		"t.conf:1:40: redis.tls: \"cert\" and \"key\" belong together\n" },
	{ __LINE__,
		"{\"redis\": {\"url\": \"rediss://h\", \"tls\": {\"cert\": \"/nowhere/c\", \"key\": \"/nowhere/k\", \"ca\": \"/\"}}}",
		"t.conf:1:49: redis.tls.cert: /nowhere/c: no such file or directory\n"
		"t.conf:1:90: redis.tls.ca: /: illegal operation on a directory\n" },
	{ __LINE__, "{\"trustedProxies\": [\"10.0.0.0/8\", \"10.0.0.0/33\", \"proxy.example\", 5]}",
		"t.conf:1:67: trustedProxies[3]: expected a string that is not empty\n" },
	{ __LINE__, "{\"trustedProxies\": [\"10.0.0.0/8\", \"10.0.0.0/33\",\n\"proxy.example\"]}",
		"t.conf:1:35: trustedProxies[1]: \"10.0.0.0/33\": more bits than an address has\n"
		"t.conf:2:1: trustedProxies[2]: \"proxy.example\": expected a network such as \"10.0.0.0/8\" or \"2001:db8::/32\", an address, or \"unix\"\n" },
	{ __LINE__, "{\"trustedProxies\": true}",
		"t.conf:1:20: trustedProxies: expected a string or a list of strings, not a boolean\n" },
	{ __LINE__, "{\"path\": \"socket.io\"}",
		"t.conf:1:10: path: \"socket.io\" is no path such as \"/socket.io/\"\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": 1}}",
		"t.conf:1:34: engine.perMessageDeflate: expected true, false or an object, not a number\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"treshold\": 1}}}",
		"t.conf:1:35: engine.perMessageDeflate.treshold: unknown key; did you mean \"threshold\"?\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"level\": 1}}}",
		"t.conf:1:35: engine.perMessageDeflate.level: unknown key; did you mean \"zlibDeflateOptions.level\"?\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"zlibDeflateOptions\": {\"level\": 0}}}}",
		"t.conf:1:67: engine.perMessageDeflate.zlibDeflateOptions.level: expected a whole number from 1 to 9\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"zlibDeflateOptions\": {\"memLevel\": 7}}}}",
		"t.conf:1:70: engine.perMessageDeflate.zlibDeflateOptions.memLevel: there is nothing to set by this; leave it out\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"serverMaxWindowBits\": 8}}}",
		"t.conf:1:58: engine.perMessageDeflate.serverMaxWindowBits: expected a whole number from 9 to 15\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"clientNoContextTakeover\": false}}}",
		"t.conf:1:62: engine.perMessageDeflate.clientNoContextTakeover: only true can stand here: no context is kept for a connection\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"clientMaxWindowBits\": 10}}}",
		"t.conf:1:58: engine.perMessageDeflate.clientMaxWindowBits: there is nothing to set by this; leave it out\n" },
	{ __LINE__, "{\"engine\": {\"httpCompression\": {\"threshold\": -1}}}",
		"t.conf:1:46: engine.httpCompression.threshold: expected a whole number from 0 to 1073741824\n" },
	{ __LINE__, "{\"engine\": {\"transports\": [\"flashsocket\"]}}",
		"t.conf:1:28: engine.transports: \"flashsocket\" is none of \"polling\", \"websocket\"\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": {\"nam\": \"x\"}}}",
		"t.conf:1:24: engine.cookie.nam: unknown key; did you mean \"name\"?\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": \"a b\"}}",
		"t.conf:1:23: engine.cookie: expected a cookie name: letters, digits and -_.!#$%&'*+^`|~\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": {\"sameSite\": \"none\"}}}",
		"t.conf:1:23: engine.cookie: browsers refuse \"sameSite\": \"none\" without \"secure\": true\n" },
	{ __LINE__, "{\"cors\": {\"origin\": [\"*\"]}}",
		"t.conf:1:22: cors.origin[0]: \"*\": no wildcards in a list; \"*\" alone allows every origin\n" },
	{ __LINE__, "{\"cors\": {\"methods\": \"GET\\r\\nX: y\"}}",
		"t.conf:1:22: cors.methods: control characters cannot stand in a header\n" },
	{ __LINE__, "{\"feeds\": [\n{\"channel\": \"a\"},\n{\"chanel\": \"b\"}]}",
		"t.conf:3:1: feeds[1]: a feed needs a \"channel\", a \"pattern\" or a \"stream\"\n"
		"t.conf:3:2: feeds[1].chanel: unknown key; did you mean \"channel\"?\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"pattern\": \"b\"}]}",
		"t.conf:1:12: feeds[0]: \"channel\" and \"pattern\" exclude each other\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"stream\": \"b\"}]}",
		"t.conf:1:12: feeds[0]: \"channel\" and \"stream\" exclude each other\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"field\": \"b\", \"from\": \"0\", \"position\": \"p\"}]}",
		"t.conf:2:1: feeds[0]: \"field\" is for a feed of a \"stream\"\n"
		"t.conf:2:15: feeds[0]: \"from\" is for a feed of a \"stream\"\n"
		"t.conf:2:28: feeds[0]: \"position\" is for a feed of a \"stream\"\n" },
	{ __LINE__, "{\"feeds\": [{\"stream\": \"a\",\n\"from\": \"now\"}]}",
		"t.conf:2:9: feeds[0].from: expected \"$\", \"0\" or the id of an entry, such as \"1526919030474-55\"\n" },
	{ __LINE__, "{\"feeds\": [{\"stream\": \"a\"}, {\"stream\": [\"b\", \"a\"],\n\"from\": \"0\"}]}",
		"t.conf:2:9: feeds[1].from: feeds[0] has another \"from\" for the stream \"a\", which is read once\n" },
	{ __LINE__, "{\"feeds\": [{\"stream\": \"a\"}, {\"stream\": [\"b\", \"a\"],\n\"position\": \"p\"}]}",
		"t.conf:2:13: feeds[1].position: feeds[0] has another \"position\" for the stream \"a\", which is read once\n" },
	{ __LINE__,
		"{\"feeds\": [{\"stream\": \"a\",\n\"event\": \"{1}\"}, {\"channel\": \"a\",\n\"event\": \"{id}\"}]}",
		"t.conf:2:10: feeds[0].event: {1} stands for nothing in a feed of a stream: there are {channel}, {id}, "
		"{message}, {text} and {/json/pointer}\n"
		"t.conf:3:10: feeds[1].event: {id} stands for nothing in a feed: there are {channel}, {1} … {9}, "
		"{message}, {text} and {/json/pointer}\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"namespace\": \"/{/n}\",\n\"gapEvent\": true}], \"namespaces\": {\"/*\": {}}}",
		"t.conf:2:13: feeds[0].gapEvent: needs a \"namespace\" without placeholders\n" },
	{ __LINE__, "{\"feeds\": [], \"redis\": {\n\"source\": \"sync\"}}",
		"t.conf:2:11: redis.source: \"sync\" is none of \"subscribe\", \"psync\"; did you mean \"psync\"?\n" },
	{ __LINE__, "{\"feedDefaults\": {\n\"stream\": \"a\"}, \"feeds\": []}",
		"t.conf:2:1: feedDefaults: each feed has its own \"stream\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"replay\": 1}]}",
		"t.conf:2:1: feeds[0].replay: unknown key\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"prime\": {\"hash\": \"h\"}},\n"
		"{\"stream\": \"a\", \"retain\": \"last\", \"prime\": {\"hash\": \"h\"}},\n"
		"{\"channel\": \"a\", \"retain\": \"last\", \"prime\": {\"hash\": \"h\", \"string\": \"s\"}},\n"
		"{\"channel\": \"a\", \"retain\": \"last\", \"prime\": {\"hash\": \"h\", \"count\": 0, \"newest\": \"first\", \"field\": 1}},\n"
		"{\"channel\": [\"a\", \"b\"], \"retain\": {\"key\": \"/s\"}, \"prime\": [{\"hash\": \"h\"}, {\"list\": \"l\", \"channel\": \"c\"}]},\n"
		"{\"pattern\": \"a.*\", \"retain\": \"last\", \"prime\": {\"list\": \"l\", \"channel\": \"a.{field}\"}},\n"
		"{\"pattern\": \"a.*\", \"retain\": \"last\", \"prime\": {\"scan\": \"a.*\", \"channel\": \"a.{2}\"}},\n"
		"{\"channel\": \"a\", \"retain\": 5, \"prime\": {\"hash\": \"h\"}},\n"
		"{\"channel\": \"a\", \"retain\": 5, \"room\": \"{/r}\", \"prime\": {\"list\": \"h\"}},\n"
		"{\"channel\": \"a\", \"retain\": 5, \"prime\": [{\"list\": \"h\"}, {\"list\": \"i\"}]},\n"
		"{\"channel\": \"a\", \"retain\": \"last\", \"prime\": [{}, 1]},\n"
		"{\"channel\": \"{a}\", \"retain\": \"last\", \"prime\": {\"string\": \"s\"}}]}",
		"t.conf:1:38: feeds[0].prime: needs \"retain\": nothing else keeps what is read\n"
		"t.conf:2:44: feeds[1].prime: a feed of a \"stream\" reads what was there before: see \"from\"\n"
		"t.conf:3:45: feeds[2].prime: \"hash\" and \"string\" exclude each other\n"
		"t.conf:4:59: feeds[3].prime: \"count\" is for a \"list\", a \"zset\" or a \"stream\"\n"
		"t.conf:4:68: feeds[3].prime.count: expected a whole number from 1 to 100000\n"
		"t.conf:4:71: feeds[3].prime: \"newest\" is for a \"list\"\n"
		"t.conf:4:90: feeds[3].prime: \"field\" is for a \"stream\"\n"
		"t.conf:4:99: feeds[3].prime.field: expected a string that is not empty\n"
		"t.conf:5:60: feeds[4].prime[0]: needs a \"channel\", by which these values would have come, such as \"quotes:{field}\"\n"
		"t.conf:5:100: feeds[4].prime[1].channel: \"c\" is no channel of this feed\n"
		"t.conf:6:72: feeds[5].prime.channel: {field} stands for nothing: only a \"hash\" has fields\n"
		"t.conf:7:74: feeds[6].prime.channel: {2} stands for nothing: the pattern has 1 star\n"
		"t.conf:8:40: feeds[7].prime: the newest 5 messages have an order: they are read of a \"list\", a \"zset\" or a \"stream\", unless \"retain\" has a \"key\" or is \"last\"\n"
		"t.conf:9:56: feeds[8].prime: event and room are made of the message, so there are several lists; one is read, unless \"retain\" has a \"key\"\n"
		"t.conf:10:40: feeds[9].prime: one list is read, unless \"retain\" has a \"key\" or is \"last\"\n"
		"t.conf:11:46: feeds[10].prime[0]: expected a \"hash\", \"string\", \"list\", \"zset\", \"stream\" or \"scan\", such as {\"hash\": \"state\"}\n"
		"t.conf:11:50: feeds[10].prime[1]: expected an object, not a number\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"retain\": 0},\n"
		"{\"channel\": \"a\", \"retain\": \"first\", \"snapshotEvent\": \"connect\"},\n"
		"{\"channel\": \"a\", \"retain\": {\"key\": \"s\", \"max\": 0, \"ttl\": -1, \"min\": 1}},\n"
		"{\"channel\": \"a\", \"retain\": 3, \"remove\": {\"where\": {\"/d\": true}}, \"snapshotEvent\": \"{channel}\"},\n"
		"{\"channel\": \"a\", \"snapshotEvent\": \"x\", \"retainBytes\": 1},\n"
		"{\"channel\": \"a\", \"retain\": {\"max\": 200000}, \"snapshotEvent\": \"connect\"},\n"
		"{\"channel\": \"a\", \"retain\": {\"key\": \"/s\"}, \"remove\": {}, \"snapshotEvent\": 1},\n"
		"{\"channel\": \"a\", \"retain\": {\"key\": \"/s\"}, \"remove\": {\"where\": {\"d\": 1}}}]}",
		"t.conf:1:39: feeds[0].retain: expected a number of messages from 1 to 100000\n"
		"t.conf:2:28: feeds[1].retain: expected \"last\", a number of messages, or an object such as {\"key\": \"/symbol\"}\n"
		"t.conf:2:54: feeds[1].snapshotEvent: needs \"retain\": without it there are no snapshots\n"
		"t.conf:3:36: feeds[2].retain.key: expected a JSON pointer; it starts with '/' as in \"/symbol\"\n"
		"t.conf:3:48: feeds[2].retain.max: expected a whole number from 1 to 1000000\n"
		"t.conf:3:58: feeds[2].retain.ttl: expected a whole number from 0 to 31536000000\n"
		"t.conf:3:62: feeds[2].retain.min: unknown key\n"
		"t.conf:4:41: feeds[3].remove: needs a \"retain\" with a \"key\", by which it finds what goes\n"
		"t.conf:4:83: feeds[3].snapshotEvent: {channel} stands for nothing in \"snapshotEvent\": there are {event}\n"
		"t.conf:5:35: feeds[4].snapshotEvent: needs \"retain\": without it there are no snapshots\n"
		"t.conf:5:55: feeds[4].retainBytes: expected a whole number from 65536 to 68719476736\n"
		"t.conf:6:36: feeds[5].retain.max: more than 100000 messages; that many only with a \"key\"\n"
		"t.conf:6:62: feeds[5].snapshotEvent: \"connect\" is a reserved name, clients would refuse it\n"
		"t.conf:7:53: feeds[6].remove: expected a \"where\", such as {\"where\": {\"/type\": \"delete\"}}\n"
		"t.conf:7:74: feeds[6].snapshotEvent: expected a string that is not empty\n"
		"t.conf:8:64: feeds[7].remove.where.d: not a JSON pointer; it starts with '/' as in \"/type\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"event\": \"{1}\"}]}",
		"t.conf:2:10: feeds[0].event: {1} stands for nothing: the feed's pattern has 0 stars\n" },
	{ __LINE__, "{\"feeds\": [{\"pattern\": \"a*\",\n\"room\": \"{2}\"}]}",
		"t.conf:2:9: feeds[0].room: {2} stands for nothing: the feed's pattern has 1 star\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"event\": \"x{\"}]}",
		"t.conf:1:38: feeds[0].event: '{' stands alone; write it twice to mean the character\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"event\": \"{chan}\"}]}",
		"t.conf:1:38: feeds[0].event: unknown placeholder {chan}: in a feed there are {channel}, {1} … {9}, {message}, {text} and {/json/pointer}; \"{{\" is a brace\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {\"on\": {\"x\": [\n{\"join\": \"$1\"}]}}}}",
		"t.conf:2:10: namespaces./.on: /x/0/join: \"$1\" of siocast 0.1 is \"{1}\" now; where the text is meant write \"{$}1\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"event\": \"disconnect\"}]}",
		"t.conf:1:38: feeds[0].event: \"disconnect\" is a reserved name, clients would refuse it\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"encode\": \"json\",\n\"batch\": {\n\"format\": \"lines\"}}]}",
		"t.conf:3:11: feeds[0].batch.format: \"encode\": \"json\" needs \"array\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"encode\": \"text\", \"batch\": {\"format\": \"frames\"}}]}",
		"t.conf:1:67: feeds[0].batch.format: \"encode\": \"text\" needs \"array\" or \"lines\": frames are binary\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"encode\": \"text\", \"batch\": {\"format\": \"columns\"}}]}",
		"t.conf:1:67: feeds[0].batch.format: \"encode\": \"text\" needs \"array\" or \"lines\": columns are binary\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"encode\": \"json\",\n\"batch\": {\n\"format\": \"columns\"}}]}",
		"t.conf:3:11: feeds[0].batch.format: \"encode\": \"json\" needs \"array\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"batch\": {\"format\": \"rows\"}}]}",
		"t.conf:2:21: feeds[0].batch.format: expected \"array\", \"lines\", \"frames\" or \"columns\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"batch\": {\"intervall\": 1}}]}",
		"t.conf:1:39: feeds[0].batch.intervall: unknown key; did you mean \"interval\"?\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"where\": {\"type\": 1,\n\"/a\": [1,\n{}]}}]}",
		"t.conf:1:39: feeds[0].where.type: not a JSON pointer; it starts with '/' as in \"/type\"\n"
		"t.conf:3:1: feeds[0].where./a: expected a string, a number, true, false or null, not an object\n" },
	{ __LINE__, "{\"namespaces\": {\"/a\": {}},\n\"feeds\": [{\"channel\": \"x\", \"namespace\": \"/b\"}]}",
		"t.conf:2:41: feeds[0].namespace: namespace \"/b\" is not among \"namespaces\"\n" },
	/* What would be right. */
	{ __LINE__,
		"{\"engine\": {\"pingInterval\": \"200ms\", \"pingTimeout\": \"20 s\", \"maxHttpBufferSize\": \"1MB\"}}",
		"t.conf:1:29: engine.pingInterval: expected a number, not a string; write 200\n"
		"t.conf:1:53: engine.pingTimeout: expected a number, not a string; write 20000\n"
		"t.conf:1:82: engine.maxHttpBufferSize: expected a number, not a string; write 1048576\n" },
	{ __LINE__,
		"{\"limits\": {\"headerSeconds\": \"2m\", \"keepAliveSeconds\": \"soon\", \"roomsPerSocket\": \"5s\"}}",
		"t.conf:1:30: limits.headerSeconds: expected a number, not a string; write 120\n"
		"t.conf:1:56: limits.keepAliveSeconds: expected a number, not a string\n"
		"t.conf:1:82: limits.roomsPerSocket: expected a number, not a string\n" },
	{ __LINE__, "{\"serveClient\": \"no\", \"logLevel\": \"infos\", \"cors\": {\"maxAge\": \"1h\"}}",
		"t.conf:1:17: serveClient: expected true or false, not a string; write false\n"
		"t.conf:1:35: logLevel: \"infos\" is none of \"error\", \"warn\", \"info\", \"debug\"; did you mean \"info\"?\n"
		"t.conf:1:63: cors.maxAge: expected a number, not a string; write 3600\n" },
	/* Each of several. */
	{ __LINE__,
		"{\"namespaces\": {\"/\": {\"on\": {\n\"a\": [{\"jion\": \"x\"}, {\"join\": \"{1}\"}, {\"ack\": 1}],\n"
		"\"b\": 1, \"c\": [{\"emit\": []}]}}}, \"workers\": 99, \"path\": \"x\"}",
		"t.conf:2:16: namespaces./.on: /a/0/jion: unknown action \"jion\": there are emit, leave, join, ack, broadcast, "
		"publish, call, disconnect, pace and rate\n"
		"t.conf:2:47: namespaces./.on: /a/2/ack: must be an array of arguments\n"
		"t.conf:3:6: namespaces./.on: /b: must be an array of actions\n"
		"t.conf:3:24: namespaces./.on: /c/0/emit: needs an event name\n"
		"t.conf:3:44: workers: expected a whole number from 0 to 64\n"
		"t.conf:3:56: path: \"x\" is no path such as \"/socket.io/\"\n" },
	{ __LINE__, "{\n\"workers\": 2s,\n\"redis\": [\"a\" \"b\",],\n\"serveClient\": yes, \"pth\": 1\n}",
		"t.conf:2:12: not a number as JSON writes them: digits alone, without a unit\n"
		"t.conf:3:15: expected ',' or ']'\n"
		"t.conf:3:18: a comma with nothing after it\n"
		"t.conf:4:16: expected a value: a number, true, false, null, or a string in double quotes\n"
		"t.conf:4:21: pth: unknown key; did you mean \"path\"?\n" },
	/* Lists of channels, defaults, operators. */
	{ __LINE__, "{\"feeds\": [{\"channel\": [\"a\", \"b\", \"a\"]}, {\"pattern\": []}, {\"channel\": [1]}]}",
		"t.conf:1:35: feeds[0].channel[2]: \"a\" stands twice\n"
		"t.conf:1:54: feeds[1].pattern: an empty list\n"
		"t.conf:1:72: feeds[2].channel[0]: expected a string that is not empty\n" },
	{ __LINE__, "{\"feeds\": [{\"pattern\": [\"a.*\", \"b\"], \"event\": \"{1}\"}]}",
		"t.conf:1:47: feeds[0].event: {1} stands for nothing: the feed's pattern has 0 stars\n" },
	{ __LINE__,
		"{\"feedDefaults\": {\"channel\": \"a\", \"encod\": 1, \"slow\": 1}, \"feeds\": [{\"channel\": \"a\"}, {\"channel\": \"b\"}]}",
		"t.conf:1:19: feedDefaults: each feed has its own \"channel\"\n"
		"t.conf:1:35: feedDefaults.encod: unknown key; did you mean \"encode\"?\n"
		"t.conf:1:55: feedDefaults.slow: expected a string, not a number\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"slow\": {\"latestPer\": \"a\", \"max\": 0, \"n\": 1}},\n"
		"{\"channel\": \"a\", \"slow\": {\"max\": 5}, \"lagEvent\": 1},\n"
		"{\"channel\": \"a\", \"slow\": {\"latestPer\": [\"/a\"]}}, {\"channel\": \"a\", \"slow\": \"latst\"}]}",
		"t.conf:1:51: feeds[0].slow.latestPer: expected a JSON pointer such as \"/symbol\"\n"
		"t.conf:1:63: feeds[0].slow.max: expected a whole number from 1 to 10000000\n"
		"t.conf:1:66: feeds[0].slow.n: unknown key\n"
		"t.conf:2:26: feeds[1].slow: needs \"latestPer\", a JSON pointer such as \"/symbol\"\n"
		"t.conf:2:50: feeds[1].lagEvent: expected true or false, not a number; write true\n"
		"t.conf:3:40: feeds[2].slow.latestPer: expected a JSON pointer such as \"/symbol\"\n"
		"t.conf:3:75: feeds[3].slow: \"latst\" is none of \"drop-oldest\", \"latest\", \"disconnect\"; did you mean "
		"\"latest\"?\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"where\": {\"/a\": {\"exist\": true}, \"/b\": {}, \"/c\": {\"exists\": 1, \">\": true},"
		"\"/d\": {\"not\": {\"<\": null}}}}]}",
		"t.conf:1:46: feeds[0].where./a.exist: unknown operator; there are exists, not, <, <=, > and >=\n"
		"t.conf:1:68: feeds[0].where./b: expected operators, such as {\"exists\": true} or {\">\": 5}\n"
		"t.conf:1:89: feeds[0].where./c.exists: expected true or false, not a number\n"
		"t.conf:1:97: feeds[0].where./c.>: expected a number or a string, not a boolean\n"
		"t.conf:1:123: feeds[0].where./d.not.<: expected a number or a string, not null\n" },
	/* Payloads. */
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"payload\": {\"a\": [\"{data}\"]}, \"payloadDefault\": \"{/a~2}\"},\n"
		"{\"channel\": \"a\", \"payload\": \"{1}\", \"omit\": [\"/a\", \"b\", \"/a\", 1]},\n"
		"{\"channel\": \"a\", \"payloadDefault\": 1, \"omit\": \"a\", \"event\": [\"a\", \"b\"]}]}",
		"t.conf:1:47: feeds[0].payload: /a/0: unknown placeholder {data}: in a feed there are {channel}, {1} … {9}, "
		"{message}, {text} and {/json/pointer}; \"{{\" is a brace\n"
		"t.conf:1:77: feeds[0].payloadDefault: \"/a~2\" is not a JSON pointer\n"
		"t.conf:2:29: feeds[1].payload: {1} stands for nothing: the feed's pattern has 0 stars\n"
		"t.conf:2:62: feeds[1].omit[3]: expected a string that is not empty\n"
		"t.conf:3:36: feeds[2].payloadDefault: needs a \"payload\" that a message may not have\n"
		"t.conf:3:47: feeds[2].omit: not a JSON pointer; it starts with '/' as in \"/user/email\"\n"
		"t.conf:3:61: feeds[2].event: expected one event name, not a list of 2\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"encode\": \"json\", \"spread\": true},\n"
		"{\"channel\": \"a\", \"batch\": {\"interval\": 0}, \"spread\": true},\n"
		"{\"channel\": \"a\", \"encode\": \"json\", \"batch\": {\"interval\": 0}, \"payload\": {}, \"spread\": true},\n"
		"{\"channel\": \"a\", \"omit\": [\"/a\", \"/b\", \"/a\", \"b\"], \"spread\": 1}]}",
		"t.conf:1:57: feeds[0].spread: needs \"batch\": {\"interval\": 0}: each message has arguments of its own\n"
		"t.conf:2:54: feeds[1].spread: needs \"encode\": \"json\" or \"text\": binary is one argument\n"
		"t.conf:3:87: feeds[2].spread: needs a \"payload\" that is a list, such as [\"{channel}\", \"{/data}\"]\n"
		"t.conf:4:39: feeds[3].omit[2]: \"/a\" stands twice\n"
		"t.conf:4:45: feeds[3].omit[3]: not a JSON pointer; it starts with '/' as in \"/user/email\"\n"
		"t.conf:4:61: feeds[3].spread: expected true or false, not a number\n" },
	/* Targets. */
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"room\": [\"{/a}\", \"{b}\"], \"except\": []},\n"
		"{\"channel\": \"a\", \"except\": [\"a\", 1], \"namespace\": \"a/{/b}\"},\n"
		"{\"channel\": \"a\", \"namespace\": \"/{/b}\", \"room\": {}}, {\"channel\": \"a\", \"namespace\": \"a\"}]}",
		"t.conf:1:46: feeds[0].room[1]: unknown placeholder {b}: in a feed there are {channel}, {1} … {9}, {message}, "
		"{text} and {/json/pointer}; \"{{\" is a brace\n"
		"t.conf:1:64: feeds[0].except: an empty list\n"
		"t.conf:2:34: feeds[1].except[1]: expected a string that is not empty\n"
		"t.conf:2:51: feeds[1].namespace: a namespace starts with \"/\" and holds no ',' and no '?'\n"
		"t.conf:3:48: feeds[2].room: expected a string or a list of strings, not an object\n"
		"t.conf:3:83: feeds[3].namespace: a namespace starts with \"/\" and holds no ',' and no '?'\n" },
	{ __LINE__, "{\"namespaces\": {\"/b\": {}}, \"feeds\": [{\"channel\": \"a\", \"namespace\": \"/a{/x}\"}]}",
		"t.conf:1:68: feeds[0].namespace: this can be none of \"namespaces\"\n" },
	/* Namespaces by pattern. */
	{ __LINE__,
		"{\"namespaces\": {\"/a[*\": {}, \"/b-*\": {\"on\": {\"connection\": [{\"join\": \"{nsp.2}\"}, {\"join\": \"{nsp.x}\"}]}},\n"
		"\"/c\": {\"on\": {\"connection\": [{\"join\": \"{nsp.1}\"}]}}},\n"
		"\"feeds\": [{\"channel\": \"a\", \"namespace\": \"/b-1\"}, {\"channel\": \"a\", \"namespace\": \"/b-\"},"
		" {\"channel\": \"a\", \"namespace\": \"/b-{/x}\"}, {\"channel\": \"a\", \"namespace\": \"/d-{/x}\"}]}",
		"t.conf:1:17: namespaces./a[*: in the pattern of a namespace only '*' has a meaning; \"[\" cannot stand there\n"
		"t.conf:1:69: namespaces./b-*.on: /connection/0/join: {nsp.2} stands for nothing: the namespace has 1 star\n"
		"t.conf:1:90: namespaces./b-*.on: /connection/1/join: {nsp.x}: {nsp} has no members but {nsp.1} … {nsp.9}, "
		"what its stars matched\n"
		"t.conf:2:39: namespaces./c.on: /connection/0/join: {nsp.1} stands for nothing: the namespace has 0 stars\n"
		"t.conf:3:80: feeds[1].namespace: namespace \"/b-\" is not among \"namespaces\"\n"
		"t.conf:3:160: feeds[3].namespace: this can be none of \"namespaces\"\n" },
	{ __LINE__, "{\"namespaces\": {\"a\": {}}}",
		"t.conf:1:17: namespaces.a: a namespace starts with \"/\" and holds no ',' and no '?'\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {\"of\": {}}}}",
		"t.conf:1:23: namespaces./.of: unknown key; did you mean \"on\"?\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {}, \"/\": {}}}", "t.conf:1:26: namespaces./: the key stands twice\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {\"on\": {},\n\"on\": {}, \"retain\": 1}, \"/a\": []}}",
		"t.conf:2:1: namespaces./.on: the key stands twice\n"
		"t.conf:2:11: namespaces./.retain: unknown key\n"
		"t.conf:2:31: namespaces./a: expected an object, not a list\n" },
	/* What is asked of the application. */
	{ __LINE__,
		"{\"namespaces\": {\"/\": {\"on\": {\n"
		"\"a\": [{\"call\": \"ftp://x\"}, {\"call\": {\"url\": \"http://x/\", \"timeout\": 1}}, {\"call\": {}}],\n"
		"\"b\": [{\"call\": {\"url\": \"http://x/\", \"on\": 1}}, {\"call\": 5}, {\"call\": {\"url\": \"http://x/\", \"headers\": \"a\"}}]}}}}",
		"t.conf:2:16: namespaces./.on: /a/0/call: expected http://…, https://… or http+unix://%2Fpath%2Fof%2Fsocket/…\n"
		"t.conf:2:69: namespaces./.on: /a/1/call/timeout: must be a whole number from 10 to 600000\n"
		"t.conf:2:83: namespaces./.on: /a/2/call: needs a \"url\"\n"
		"t.conf:3:43: namespaces./.on: /b/0/call/on: unknown key: there are url, timeout, headers, concurrent and queue\n"
		"t.conf:3:57: namespaces./.on: /b/1/call: must be a URL or an object with a \"url\"\n"
		"t.conf:3:102: namespaces./.on: /b/2/call/headers: must be an array of names\n" },
	{ __LINE__, "{\"auth\": {\"hook\": {\"url\": \"http://h/\", \"on\": [\"connect\", \"leave\"]}}}",
		"t.conf:1:58: auth.hook.on[1]: the application is asked at \"connect\" and \"join\"\n" },
	{ __LINE__,
		"{\"auth\": {\"hook\": {\"url\": \"http://h/\", \"format\": \"laravel\", \"headers\": [\"Host\"]}}}",
		"t.conf:1:19: auth.hook: Laravel is asked about channels only: \"on\": [\"join\"]\n"
		"t.conf:1:19: auth.hook: \"host\" in \"headers\" is not a page's to say\n" },
	{ __LINE__,
		"{\"namespaces\": {\"/\": {\"rooms\": {\"rate\": {\"a\": {\"perSecond\": 0},\n\"b\": {}, \"c\": 5, "
		"\"d\": {\"perSec\": 1}, \"\": {\"perSecond\": 1}}}},\n\"/b\": {\"rooms\": {\"rate\": 5}}, \"/c\": {\"rooms\": "
		"5}}}",
		"t.conf:1:61: namespaces./.rooms.rate.a.perSecond: expected a whole number from 1 to 1000\n"
		"t.conf:2:6: namespaces./.rooms.rate.b: needs \"perSecond\", how often in a second\n"
		"t.conf:2:15: namespaces./.rooms.rate.c: expected an object, not a number\n"
		"t.conf:2:24: namespaces./.rooms.rate.d.perSec: unknown key\n"
		"t.conf:2:38: namespaces./.rooms.rate: an empty name\n"
		"t.conf:3:26: namespaces./b.rooms.rate: expected an object such as {\"slow.*\": {\"perSecond\": 2}}, not a "
		"number\n"
		"t.conf:3:47: namespaces./c.rooms: expected an object with \"allow\", \"deny\" or \"rate\", not a number\n" },
	{ __LINE__, "{\"auth\": {\"hook\": {\"url\": \"http://h/\", \"rooms\": \"private-*\"}}}",
		"t.conf:1:19: auth.hook: \"rooms\" says which joins the application is asked about: \"on\": [\"join\"] is missing\n" },
	/* What is not JSON. */
	{ __LINE__, "", "t.conf:1:1: the file ends in the middle\n" },
	{ __LINE__, "{\n\"workers\": 1,\n}", "t.conf:2:13: a comma with nothing after it\n" },
	{ __LINE__, "{\n\"workers\": 1\n\"path\": \"/\"}", "t.conf:3:1: expected ',' or '}'\n" },
	{ __LINE__, "{\n\"workers\" 1}", "t.conf:2:11: expected ':' after a key\n" },
	{ __LINE__, "{\nworkers: 1}", "t.conf:2:1: expected a key in double quotes\n" },
	{ __LINE__, "{\"a\": \"x\n\"}", "t.conf:1:7: a string that does not end on its line\n" },
	{ __LINE__, "{\"a\": \"\\x\"}", "t.conf:1:8: a bad escape in a string; a backslash itself is written \\\\\n" },
	{ __LINE__, "{\"a\": \"\\u0000\"}", "t.conf:1:8: \\u0000 cannot be used here\n" },
	{ __LINE__, "{\"a\":\n \"\\ud800\"}", "t.conf:2:3: half of a surrogate pair\n" },
	{ __LINE__, "{\"a\": \"\\ud83d\\u0041\"}", "t.conf:1:8: half of a surrogate pair\n" },
	{ __LINE__, "{\"a\": \"\\ude00\\ud83d\"}", "t.conf:1:8: half of a surrogate pair\n" },
	{ __LINE__, "{\"\\uD83D\\uDE00\": 1}", "t.conf:1:2: \xf0\x9f\x98\x80: unknown key\n" },
	{ __LINE__, "{\"a\": 01}",
		"t.conf:1:2: a: unknown key\n"
		"t.conf:1:7: not a number as JSON writes them\n" },
	{ __LINE__, "{\"a\": yes}",
		"t.conf:1:2: a: unknown key\n"
		"t.conf:1:7: expected a value: a number, true, false, null, or a string in double quotes\n" },
	{ __LINE__, "{\"a\": [1 2]}",
		"t.conf:1:2: a: unknown key\n"
		"t.conf:1:10: expected ',' or ']'\n" },
	{ __LINE__, "{} {}", "t.conf:1:4: something stands after the end of the configuration\n" },
	{ __LINE__, "{}\n /* open", "t.conf:2:2: a comment that does not end\n" },
	{ __LINE__, "{\"a\": \"\xff\"}",
		"t.conf:1:2: a: unknown key\n"
		"t.conf:1:8: the file is not UTF-8\n" },
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
	assert_int_equal(strncmp(errors, "t.conf:3:10: namespaces./.on: ", 30), 0);
	assert_int_equal(n_errors, 1);
}

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

/* What is allowed, and what is said about it. */
static const struct {
	int line;
	const char *text, *warnings;
} suspicious[] = {
	{ __LINE__, "{\"trustedProxies\": [\"10.0.0.0/8\", \"10.1.0.0/8\"], \"feeds\": [{\"channel\": \"a\"}]}",
		"t.conf:1:35: warning: trustedProxies[1]: \"10.1.0.0/8\": only the first 8 bits count\n" },
	{ __LINE__, "{}", "t.conf: warning: feeds: no feeds: nothing that is published would reach anybody\n" },
	{ __LINE__, "{\"feeds\": []}",
		"t.conf:1:11: warning: feeds: no feeds: nothing that is published would reach anybody\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": [\"a.*\", \"b\"]}]}",
		"t.conf:1:25: warning: feeds[0].channel[0]: the one channel called \"a.*\"; for all that match write "
		"\"pattern\"\n" },
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
		"t.conf:1:12: feeds[0]: a feed needs a \"channel\", a \"pattern\" or a \"stream\"\n"
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
bad_variables(void **state)
{
	char *const env[] = { (char *)"SIOCAST_WORKERS=two", (char *)"SIOCAST_SERVE_CLIENT=yes",
		(char *)"SIOCAST_LOG_LEVEL=loud", (char *)"SIOCAST_FEEDS=[{\"channel\":\"b\",\"evnt\":1}]",
		(char *)"SIOCAST_ENGINE_PING_TIMEOUT=5s", NULL };
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
	f.environment = near;
	config_free(load_with("{\"feeds\": [{\"channel\": \"a\"}]}", &f));
	assert_string_equal(warnings, "warning: SIOCAST_LISTN: no option is called so; did you mean SIOCAST_LISTEN?\n"
				      "warning: SIOCAST_ZZZZZZZ: no option is called so\n");
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
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(handler_mistakes_have_lines),
		cmocka_unit_test(lines_are_shown),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(warnings_are_told),
		cmocka_unit_test(mistakes_and_warnings),
		cmocka_unit_test(strings_take_variables),
		cmocka_unit_test(options_are_variables),
		cmocka_unit_test(variables_have_names),
		cmocka_unit_test(log_options),
		cmocka_unit_test(bad_variables),
		cmocka_unit_test(feeds_have_defaults),
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
