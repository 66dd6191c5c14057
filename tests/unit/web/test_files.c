/* SPDX-License-Identifier: MIT */
/* Static files: paths, types, negotiation, what is compressed, methods. */
#include "tests/unit/web/site.h"

static void
test_path(void **state)
{
	static const struct {
		int line;
		const char *in, *out; /* out NULL: refused */
		bool folder;
	} v[] = {
		{ __LINE__, "/", "", true },
		{ __LINE__, "/a", "a", false },
		{ __LINE__, "/a/", "a", true },
		{ __LINE__, "//a///b//", "a/b", true },
		{ __LINE__, "/a?../..", "a", false },
		{ __LINE__, "/a%20b", "a b", false },
		{ __LINE__, "/%61%62", "ab", false },
		{ __LINE__, "/%c3%a9", "\xc3\xa9", false },
		{ __LINE__, "/a.b/c..d", "a.b/c..d", false },
		{ __LINE__, "/a%3Fb", "a?b", false },
		{ __LINE__, "/%252e%252e/x", "%2e%2e/x", false },
		{ __LINE__, "", NULL, false },
		{ __LINE__, "a", NULL, false },
		{ __LINE__, "*", NULL, false },
		{ __LINE__, "http://h/a", NULL, false },
		{ __LINE__, "/..", NULL, false },
		{ __LINE__, "/.", NULL, false },
		{ __LINE__, "/../secret", NULL, false },
		{ __LINE__, "/a/../b", NULL, false },
		{ __LINE__, "/%2e%2e/secret", NULL, false },
		{ __LINE__, "/.%2E/secret", NULL, false },
		{ __LINE__, "/..%2fsecret", NULL, false },
		{ __LINE__, "/a%2fb", NULL, false },
		{ __LINE__, "/a\\..\\b", NULL, false },
		{ __LINE__, "/a%5cb", NULL, false },
		{ __LINE__, "/a%00b", NULL, false },
		{ __LINE__, "/a%0d%0aSet-Cookie:x", NULL, false },
		{ __LINE__, "/a\r\nb", NULL, false },
		{ __LINE__, "/a%7f", NULL, false },
		{ __LINE__, "/a%", NULL, false },
		{ __LINE__, "/a%4", NULL, false },
		{ __LINE__, "/a%zz", NULL, false },
		{ __LINE__, "/%4?1", NULL, false },
		{ __LINE__, "/.env", NULL, false },
		{ __LINE__, "/a/.git/config", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct files_path p;
		/* A copy without a NUL behind it, so that reading past the end shows under a sanitizer. */
		size_t n = strlen(v[i].in);
		char *in = malloc(n ? n : 1);
		bool ok;

		assert_non_null(in);
		memcpy(in, v[i].in, n);
		ok = files_path_parse(&p, eio_bytes(in, n));
		free(in);
		if (ok != (v[i].out != NULL)) fail_msg("line %d: %s", v[i].line, v[i].in);
		if (!ok) continue;
		if (strcmp(p.text, v[i].out) != 0 || p.n != strlen(v[i].out) || p.folder != v[i].folder)
			fail_msg("line %d: %s gave %s", v[i].line, v[i].in, p.text);
	}
	/* A NUL byte inside, which a C string cannot carry. */
	assert_false(files_path_parse(&(struct files_path){ 0 }, eio_bytes("/a\0b", 4)));
}

static void
test_path_limits(void **state)
{
	static char in[4096];
	struct files_path p;

	(void)state;
	memset(in, 'a', sizeof(in));
	in[0] = '/';
	assert_true(files_path_parse(&p, eio_bytes(in, 1 + FILES_NAME_MAX)));
	assert_false(files_path_parse(&p, eio_bytes(in, 2 + FILES_NAME_MAX)));
	for (size_t i = 0; i < sizeof(in); i += 2) in[i] = '/';
	assert_true(files_path_parse(&p, eio_bytes(in, FILES_PATH_MAX)));
	assert_int_equal(p.n, FILES_PATH_MAX - 1);
	assert_false(files_path_parse(&p, eio_bytes(in, FILES_PATH_MAX + 4)));
	assert_false(files_path_parse(&p, eio_bytes(in, sizeof(in))));
}

static void
test_types(void **state)
{
	static const struct {
		const char *name, *type;
		bool compressible;
	} v[] = {
		{ "index.html", "text/html; charset=utf-8", true },
		{ "A.CSS", "text/css; charset=utf-8", true },
		{ "x/y.min.js", "application/javascript; charset=utf-8", true },
		{ "x.mjs", "application/javascript; charset=utf-8", true },
		{ "x.js.map", "application/json", true },
		{ "x.svg", "image/svg+xml", true },
		{ "x.png", "image/png", false },
		{ "x.woff2", "font/woff2", false },
		{ "x.unknown", "application/octet-stream", false },
		{ "html", "application/octet-stream", false },
		{ "a.html/b", "application/octet-stream", false },
		{ "a.", "application/octet-stream", false },
		{ "", "application/octet-stream", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		bool compressible = !v[i].compressible;

		assert_string_equal(files_type_of(eio_cstr(v[i].name), &compressible), v[i].type);
		assert_int_equal(compressible, v[i].compressible);
	}
}

static void
test_accept_encoding(void **state)
{
	static const struct {
		int line;
		const char *in;
		int identity, gzip, br;
	} v[] = {
		{ __LINE__, "", 1, 0, 0 },
		{ __LINE__, "gzip", 1, 1000, 0 },
		{ __LINE__, "gzip, deflate, br, zstd", 1, 1000, 1000 },
		{ __LINE__, "GZIP;Q=0.5 ,\tBr ; q=0.123", 1, 500, 123 },
		{ __LINE__, "gzip;q=0, br;q=0.000", 1, 0, 0 },
		{ __LINE__, "*", 1000, 1000, 1000 },
		{ __LINE__, "*;q=0", 0, 0, 0 },
		{ __LINE__, "gzip;q=0.2, *;q=0", 0, 200, 0 },
		{ __LINE__, "br;q=0, *", 1000, 1000, 0 },
		{ __LINE__, "identity;q=0.5, gzip;q=0.4", 500, 400, 0 },
		{ __LINE__, "identity;q=0", 0, 0, 0 },
		{ __LINE__, "x-gzip", 1, 1000, 0 },
		{ __LINE__, "gzipp, brr, b", 1, 0, 0 },
		{ __LINE__, "gzip;q=1.001", 1, 0, 0 },
		{ __LINE__, "gzip;q=2", 1, 0, 0 },
		{ __LINE__, "gzip;q=-1, br;q=", 1, 0, 0 },
		{ __LINE__, "gzip;q=0.0001", 1, 0, 0 },
		{ __LINE__, "gzip;q=0,5", 1, 0, 0 },
		{ __LINE__, "gzip;level=9;q=0.7", 1, 700, 0 },
		{ __LINE__, ",, ,gzip,;q=1,", 1, 1000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		int w[FILES_CODING_COUNT];

		files_accept_parse(eio_cstr(v[i].in), w);
		if (w[FILES_IDENTITY] != v[i].identity || w[FILES_GZIP] != v[i].gzip || w[FILES_BROTLI] != v[i].br)
			fail_msg("line %d: %d %d %d", v[i].line, w[0], w[1], w[2]);
	}
}

static void
test_if_none_match(void **state)
{
	static const struct {
		int line;
		const char *in;
		bool listed;
	} v[] = {
		{ __LINE__, "", false },
		{ __LINE__, "*", true },
		{ __LINE__, " * ", true },
		{ __LINE__, "\"a,b\"", true },
		{ __LINE__, "W/\"a,b\"", true },
		{ __LINE__, "\"x\", W/\"y\" ,\t\"a,b\"", true },
		{ __LINE__, "\"x\",\"a,b\", \"y\"", true },
		{ __LINE__, "\"a,b", false },
		{ __LINE__, "a,b", false },
		{ __LINE__, "\"a,b2\"", false },
		{ __LINE__, "\"a\",\"b\"", false },
		{ __LINE__, "w/\"a,b\"", false },
		{ __LINE__, "\"", false },
		{ __LINE__, "W/", false },
		{ __LINE__, "junk \"a,b\"", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (files_etag_listed(eio_cstr(v[i].in), EIO_LIT("\"a,b\"")) != v[i].listed)
			fail_msg("line %d", v[i].line);
}

static void
test_compress(void **state)
{
	char text[4096], noise[4096], out[8192];
	unsigned long long x = 88172645463325252u;
	struct eio_block *b;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		noise[i] = (char)x;
		text[i] = "siocast "[i % 8];
	}
	b = compress_gzip(eio_bytes(text, sizeof(text)), 6);
	assert_non_null(b);
	assert_true(b->n < 100);
	assert_int_equal(unpack(b, "gzip", out, sizeof(out)), sizeof(text));
	assert_memory_equal(out, text, sizeof(text));
	eio_block_unref(b);
	b = compress_brotli(eio_bytes(text, sizeof(text)), 6);
	assert_non_null(b);
	assert_true(b->n < 100);
	assert_int_equal(unpack(b, "br", out, sizeof(out)), sizeof(text));
	assert_memory_equal(out, text, sizeof(text));
	eio_block_unref(b);

	assert_null(compress_gzip(eio_bytes(noise, sizeof(noise)), 6));
	assert_null(compress_brotli(eio_bytes(noise, sizeof(noise)), 6));
	for (size_t n = 0; n < 4; n++) {
		assert_null(compress_gzip(eio_bytes(noise, n), 6));
		assert_null(compress_brotli(eio_bytes(noise, n), 6));
	}
}

static void
test_methods(void **state)
{
	static const char *const others[] = { "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "GETS", "" };
	struct site s;

	(void)state;
	site_open(&s);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(ask(&s, others[i], "/socket.io/siocast.js", "*", NULL), 405);
		assert_string_equal(header(&s, "Allow"), "GET, HEAD");
		assert_string_equal(header(&s, "Content-Type"), "text/plain; charset=utf-8");
		expect_text(&s, "Method not allowed.\n");
		assert_int_equal(ask(&s, others[i], "/index.html", NULL, NULL), 405);
	}
	assert_int_equal(ask(&s, "HEAD", "/nothing", NULL, NULL), 404);
	assert_null(s.a.body);
	assert_int_equal(s.a.content_length, strlen("Not found.\n"));
	site_close(&s);
}

static void
test_open_parts(void **state)
{
	struct site s = { 0 };
	char err[256];

	(void)state;
	/* Nothing at all, and a package that is not installed: no errors. */
	assert_int_equal(files_open(&s.f, &(struct files_config){ 0 }, err, sizeof(err)), 0);
	assert_int_equal(get(&s, "/socket.io/socket.io.js"), 404);
	assert_int_equal(ask(&s, "POST", "/", NULL, NULL), 404);
	files_close(s.f);
	assert_int_equal(files_open(&s.f, &(struct files_config){ .client_path = "/live", .decoder_dir = root }, err,
				 sizeof(err)),
		0);
	assert_int_equal(files_official_count(s.f), 0);
	assert_int_equal(get(&s, "/live/siocast.js"), 200);
	assert_int_equal(get(&s, "/socket.io/siocast.js"), 404);
	/* An answer outlives the files it came from. */
	assert_int_equal(get(&s, "/live/siocast.js"), 200);
	files_close(s.f);
	assert_memory_equal(s.a.body->data, "function f0(x)", 14);
	files_answer_deinit(&s.a);

	/* A folder that is none: nothing is served, as where none is given. */
	assert_int_equal(files_open(&s.f, &(struct files_config){ .client_path = "/s/", .decoder_dir = at("secret") },
				 err, sizeof(err)),
		0);
	assert_int_equal(get(&s, "/s/siocast.js"), 404);
	files_answer_deinit(&s.a);
	files_close(s.f);

	/* What is there and cannot be read is an error with a reason. */
	assert_int_equal(files_open(&s.f, &(struct files_config){ .client_path = "/s/", .decoder_dir = at("odd") }, err,
				 sizeof(err)),
		-EISDIR);
	assert_null(s.f);
	assert_non_null(strstr(err, "odd/siocast.mjs"));
	assert_int_equal(files_open(&s.f, &(struct files_config){ .client_path = "/s/", .client_dir = at("nowhere") },
				 err, sizeof(err)),
		-ENOENT);
	assert_null(s.f);
	assert_non_null(strstr(err, "nowhere"));
	assert_int_equal(
		files_open(&s.f, &(struct files_config){ .www_dir = at("nowhere") }, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "nowhere"));
	assert_int_equal(
		files_open(&s.f, &(struct files_config){ .www_dir = at("secret") }, err, sizeof(err)), -ENOTDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_path_limits),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_accept_encoding),
		cmocka_unit_test(test_if_none_match),
		cmocka_unit_test(test_compress),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_open_parts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
