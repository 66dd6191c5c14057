/* SPDX-License-Identifier: MIT */
/*
 * Cross-origin headers, from a configuration and a request to the lines: each policy, each kind of answer. And what
 * else of the configuration becomes header lines, the cookie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/net/cors.h"
#include "tests/unit/configured.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setup {
	struct config *config;
	struct eio_server_options options;
};

static struct setup
set_up(const char *text)
{
	struct setup s = { .config = configured(text) };

	config_fill_server(s.config, &s.options);
	return s;
}

static void
take_down(struct setup *s)
{
	config_free(s->config);
}

/* A request with a query and more header lines. */
static struct eio_request *
request(const char *query, const char *headers)
{
	struct eio_http *h = eio_http_new(4096, 100);
	struct eio_request *req;
	struct eio_buf text;
	size_t used;

	assert_non_null(h);
	eio_buf_init(&text);
	eio_buf_printf(&text, "GET /socket.io/?%s HTTP/1.1\r\nHost: a\r\n%s\r\n", query, headers);
	assert_int_equal(eio_http_feed(h, text.p, text.n, &used), EIO_HTTP_COMPLETE);
	req = eio_http_take(h);
	eio_buf_deinit(&text);
	eio_http_free(h);
	return req;
}

typedef void (*append_fn)(const struct eio_cors *c, const struct eio_request *req, struct eio_buf *out);

static void
check(int line, const struct setup *s, append_fn append, const char *query, const char *headers, const char *expected)
{
	struct eio_request *req = request(query, headers);
	struct eio_buf out;

	eio_buf_init(&out);
	append(&s->options.cors, req, &out);
	eio_buf_addc(&out, '\0');
	if (strcmp(out.p, expected) != 0) fail_msg("line %d:\n%sinstead of\n%s", line, out.p, expected);
	eio_buf_deinit(&out);
	eio_request_free(req);
}

#define EIO4 "EIO=4&transport=polling"
#define EIO3 "EIO=3&transport=polling"
#define ORIGIN "Origin: http://a.example\r\n"
#define OTHER "Origin: http://b.example\r\n"

#define CHECK(append, query, headers, expected) check(__LINE__, &s, append, query, headers, expected)

static void
any_origin(void **state)
{
	struct setup s = set_up("{}");

	(void)state;
	CHECK(eio_cors_append, EIO4, "", "Access-Control-Allow-Origin: *\r\n");
	CHECK(eio_cors_append, EIO4, ORIGIN, "Access-Control-Allow-Origin: *\r\n");
	/* Browser clients of revision 3 send credentials, for which "*" is no leave. */
	for (const char *const *q = (const char *const[]){ EIO3, "transport=polling&EIO=2", NULL }; *q; q++) {
		CHECK(eio_cors_append, *q, "", "Access-Control-Allow-Origin: *\r\n");
		CHECK(eio_cors_append, *q, ORIGIN,
			"Access-Control-Allow-Origin: http://a.example\r\n"
			"Access-Control-Allow-Credentials: true\r\n"
			"Vary: Origin\r\n");
	}
	CHECK(eio_cors_append_legacy, EIO3, ORIGIN, "");
	CHECK(eio_cors_append_preflight, EIO4, ORIGIN,
		"Access-Control-Allow-Origin: *\r\n"
		"Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"
		"Vary: Access-Control-Request-Headers\r\n");
	CHECK(eio_cors_append_preflight, EIO3, ORIGIN "Access-Control-Request-Headers: x-a, x-b\r\n",
		"Access-Control-Allow-Origin: http://a.example\r\n"
		"Access-Control-Allow-Credentials: true\r\n"
		"Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"
		"Vary: Origin, Access-Control-Request-Headers\r\n"
		"Access-Control-Allow-Headers: x-a, x-b\r\n");
	take_down(&s);
}

static void
no_origin(void **state)
{
	struct setup s = set_up("{\"cors\": {\"origin\": false}}");

	(void)state;
	CHECK(eio_cors_append, EIO4, ORIGIN, "");
	CHECK(eio_cors_append, EIO3, ORIGIN, "");
	CHECK(eio_cors_append_legacy, EIO3, ORIGIN, "");
	take_down(&s);
}

static void
one_origin(void **state)
{
	struct setup s = set_up("{\"cors\": {\"origin\": \"http://a.example\", \"credentials\": true}}");

	(void)state;
	for (const char *const *o = (const char *const[]){ "", ORIGIN, OTHER, NULL }; *o; o++)
		CHECK(eio_cors_append, EIO3, *o,
			"Access-Control-Allow-Origin: http://a.example\r\n"
			"Access-Control-Allow-Credentials: true\r\n"
			"Vary: Origin\r\n");
	take_down(&s);
}

static void
listed_origins(void **state)
{
	struct setup s = set_up(
		"{\"cors\": {\"origin\": [\"http://a.example\", \"http://c.example\"], \"maxAge\": 9,"
		" \"exposedHeaders\": [\"X-1\", \"X-2\"], \"allowedHeaders\": \"X-3\", \"methods\": [\"GET\", \"POST\"]}}");

	(void)state;
	CHECK(eio_cors_append, EIO4, ORIGIN,
		"Access-Control-Allow-Origin: http://a.example\r\n"
		"Vary: Origin\r\n"
		"Access-Control-Expose-Headers: X-1,X-2\r\n");
	CHECK(eio_cors_append, EIO4, OTHER, "Vary: Origin\r\nAccess-Control-Expose-Headers: X-1,X-2\r\n");
	CHECK(eio_cors_append, EIO4, "Origin: http://a.example.b\r\n",
		"Vary: Origin\r\nAccess-Control-Expose-Headers: X-1,X-2\r\n");
	CHECK(eio_cors_append_preflight, EIO4, ORIGIN "Access-Control-Request-Headers: x-a\r\n",
		"Access-Control-Allow-Origin: http://a.example\r\n"
		"Access-Control-Allow-Methods: GET,POST\r\n"
		"Vary: Origin\r\n"
		"Access-Control-Allow-Headers: X-3\r\n"
		"Access-Control-Max-Age: 9\r\n"
		"Access-Control-Expose-Headers: X-1,X-2\r\n");
	take_down(&s);
}

static void
whoever_asks(void **state)
{
	struct setup s = set_up("{\"cors\": {\"origin\": true}}");

	(void)state;
	CHECK(eio_cors_append, EIO4, OTHER, "Access-Control-Allow-Origin: http://b.example\r\nVary: Origin\r\n");
	CHECK(eio_cors_append, EIO4, "", "Vary: Origin\r\n");
	take_down(&s);
}

/* As the servers of revision 3: nothing on files and the 101, the origin back on the rest, for clients of any
 * revision. */
static void
legacy(void **state)
{
	static const char *const presets[] = { "{\"compat\": \"1.x\"}", "{\"compat\": \"2.x\"}" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct setup s = set_up(presets[i]);

		for (const char *const *q = (const char *const[]){ EIO3, EIO4, NULL }; *q; q++) {
			CHECK(eio_cors_append, *q, ORIGIN, "");
			CHECK(eio_cors_append_legacy, *q, "", "Access-Control-Allow-Origin: *\r\n");
			CHECK(eio_cors_append_legacy, *q, OTHER,
				"Access-Control-Allow-Credentials: true\r\n"
				"Access-Control-Allow-Origin: http://b.example\r\n");
			CHECK(eio_cors_append_legacy, *q, "Origin: null\r\n",
				"Access-Control-Allow-Credentials: true\r\n"
				"Access-Control-Allow-Origin: null\r\n");
		}
		take_down(&s);
	}
}

static void
cookies(void **state)
{
	static const struct {
		const char *text, *name, *attributes;
		bool always;
	} rows[] = {
		{ "{}", NULL, NULL, false },
		{ "{\"engine\": {\"cookie\": true}}", "io", "; Path=/; HttpOnly; SameSite=Lax", false },
		{ "{\"engine\": {\"cookie\": {\"name\": \"a\", \"path\": false, \"httpOnly\": false, \"sameSite\": \"none\","
		  " \"secure\": true, \"domain\": \"b.c\", \"maxAge\": 7}}}",
			"a", "; Max-Age=7; Domain=b.c; Secure; SameSite=None", false },
		{ "{\"compat\": \"1.x\"}", "io", "; Path=/; HttpOnly", true },
		{ "{\"compat\": \"2.x\"}", "io", "; Path=/; HttpOnly; SameSite=Strict", true },
		{ "{\"compat\": \"2.x\", \"engine\": {\"cookie\": \"lb\"}}", "lb",
			"; Path=/; HttpOnly; SameSite=Strict", true },
		{ "{\"compat\": \"1.x\", \"engine\": {\"cookie\": false}}", NULL, NULL, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct setup s = set_up(rows[i].text);

		if (rows[i].name) {
			assert_string_equal(s.options.cookie_name, rows[i].name);
			assert_string_equal(s.options.cookie_attributes, rows[i].attributes);
		} else {
			assert_null(s.options.cookie_name);
		}
		assert_int_equal(s.options.cookie_always, rows[i].always);
		take_down(&s);
	}
}

/* Who may open a WebSocket or use JSONP: header lines of a request to host "a", and whether it may. */
static void
test_admits(void **state)
{
	static const char list[] = "{\"cors\": {\"origin\": [\"https://app.example\", \"null\"]}}";
	static const char fixed[] = "{\"cors\": {\"origin\": \"https://app.example\"}}";
	static const char none[] = "{\"cors\": {\"origin\": false}}";
	static const struct {
		const char *config, *headers;
		bool admitted;
	} cases[] = {
		{ "{}", "Origin: https://evil.example\r\n", true },
		{ "{\"cors\": {\"origin\": true}}", "Origin: https://evil.example\r\n", true },
		{ "{\"compat\": \"1.x\"}", "Origin: https://evil.example\r\n", true },
		{ "{\"compat\": \"2.x\"}", "Origin: https://evil.example\r\n", true },
		{ list, "", true },
		{ list, "Origin: https://app.example\r\n", true },
		{ list, "Origin: null\r\n", true },
		{ list, "Origin: http://app.example\r\n", false },
		{ list, "Origin: https://app.example:8443\r\n", false },
		{ list, "Origin: https://app.example.evil.example\r\n", false },
		{ list, "Origin: https://evil.example\r\n", false },
		{ fixed, "Origin: https://app.example\r\n", true },
		{ fixed, "Origin: null\r\n", false },
		{ none, "", true },
		{ none, "Origin: null\r\n", false },
		{ none, "Origin: https://app.example\r\n", false },
		/* Pages of the server itself. */
		{ none, "Origin: http://a\r\n", true },
		{ none, "Origin: https://A\r\n", true },
		{ none, "Origin: https://a:443\r\n", true },
		{ none, "Origin: http://a:80\r\n", true },
		{ none, "Origin: http://a:443\r\n", false },
		{ none, "Origin: http://a:3000\r\n", false },
		{ none, "Origin: http://b.a\r\n", false },
		/* Clients 1.x in Node name the host alone. */
		{ none, "Origin: a\r\n", true },
		{ none, "Origin: b\r\n", false },
		{ none, "Origin: a:3000\r\n", false },
		{ none, "Origin: ://a\r\n", false },
		{ none, "Origin: http://\r\n", false },
		{ list, "Origin: http://a\r\n", true },
		{ none, "Origin: https://page.example\r\nX-Forwarded-Host: page.example\r\n", true },
		{ none, "Origin: https://page.example:81\r\nX-Forwarded-Host: page.example:81\r\n", true },
		{ none, "Origin: https://evil.example\r\nX-Forwarded-Host: page.example\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct setup s = set_up(cases[i].config);
		struct eio_request *req = request("EIO=4", cases[i].headers);

		if (eio_cors_admits(&s.options.cors, req) != cases[i].admitted)
			fail_msg("case %zu: %s %s", i, cases[i].config, cases[i].headers);
		eio_request_free(req);
		take_down(&s);
	}
}

/* JSONP is on unless it is turned off, or origins are kept out and it is not turned on. */
static void
test_jsonp(void **state)
{
	static const struct {
		const char *config;
		bool off;
	} cases[] = {
		{ "{}", false },
		{ "{\"jsonp\": false}", true },
		{ "{\"cors\": {\"origin\": true}}", false },
		{ "{\"cors\": {\"origin\": false}}", true },
		{ "{\"cors\": {\"origin\": \"http://a\"}}", true },
		{ "{\"cors\": {\"origin\": [\"http://a\"]}}", true },
		{ "{\"cors\": {\"origin\": [\"http://a\"]}, \"jsonp\": true}", false },
		{ "{\"compat\": \"1.x\"}", false },
		{ "{\"compat\": \"1.x\", \"cors\": {\"origin\": \"http://a\"}}", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct setup s = set_up(cases[i].config);

		assert_int_equal(s.options.no_jsonp, cases[i].off);
		take_down(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_admits),
		cmocka_unit_test(test_jsonp),
		cmocka_unit_test(any_origin),
		cmocka_unit_test(no_origin),
		cmocka_unit_test(one_origin),
		cmocka_unit_test(listed_origins),
		cmocka_unit_test(whoever_asks),
		cmocka_unit_test(legacy),
		cmocka_unit_test(cookies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
