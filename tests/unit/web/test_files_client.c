/* SPDX-License-Identifier: MIT */
/* Static files: the official clients and the decoder. */
#include "tests/unit/web/site.h"

static void
test_client(void **state)
{
	char plain[65536], out[65536], etag[64];
	size_t n = slurp("dist/socket.io.js", plain, sizeof(plain));
	struct site s;

	(void)state;
	site_open(&s);
	assert_int_equal(files_official_count(s.f), 3);

	assert_int_equal(get(&s, "/socket.io/socket.io.js"), 200);
	expect_body(&s, plain, n);
	assert_string_equal(header(&s, "Content-Type"), "application/javascript; charset=utf-8");
	assert_string_equal(header(&s, "Cache-Control"), "public, max-age=0");
	assert_string_equal(header(&s, "Vary"), "Accept-Encoding");
	assert_string_equal(header(&s, "X-Content-Type-Options"), "nosniff");
	assert_null(header(&s, "Content-Encoding"));
	snprintf(etag, sizeof(etag), "%s", header(&s, "ETag"));
	assert_int_equal(strlen(etag), 34);
	assert_true(etag[0] == '"' && etag[33] == '"');

	/* HEAD: the same lines and length, nothing else. */
	assert_int_equal(ask(&s, "HEAD", "/socket.io/socket.io.js", NULL, NULL), 200);
	assert_null(s.a.body);
	assert_int_equal(s.a.content_length, n);
	assert_string_equal(header(&s, "ETag"), etag);

	for (int i = 0; i < 2; i++) {
		const char *coding = i ? "br" : "gzip";

		assert_int_equal(ask(&s, "GET", "/socket.io/socket.io.js?v=1", NULL, coding), 200);
		assert_string_equal(header(&s, "Content-Encoding"), coding);
		assert_string_equal(header(&s, "Vary"), "Accept-Encoding");
		assert_true(s.a.body->n < n / 3);
		assert_int_equal(unpack(s.a.body, coding, out, sizeof(out)), n);
		assert_memory_equal(out, plain, n);
		/* Another form of the content is another entity. */
		assert_string_not_equal(header(&s, "ETag"), etag);
		assert_memory_equal(header(&s, "ETag"), etag, 33);
	}
	ask(&s, "GET", "/socket.io/socket.io.js", NULL, "gzip, deflate, br");
	assert_string_equal(header(&s, "Content-Encoding"), "br");
	ask(&s, "GET", "/socket.io/socket.io.js", NULL, "br;q=0, gzip;q=0.1");
	assert_string_equal(header(&s, "Content-Encoding"), "gzip");
	ask(&s, "GET", "/socket.io/socket.io.js", NULL, "br;q=0, gzip;q=0");
	assert_null(header(&s, "Content-Encoding"));
	ask(&s, "GET", "/socket.io/socket.io.js", NULL, "identity, br;q=0.9");
	assert_null(header(&s, "Content-Encoding"));

	assert_int_equal(get(&s, "/socket.io/socket.io.min.js.map"), 200);
	assert_string_equal(header(&s, "Content-Type"), "application/json");
	assert_int_equal(get(&s, "/socket.io/siocast.js"), 200);
	site_close(&s);
}

static void
test_client_not_modified(void **state)
{
	char plain[64], gzip[64], list[256];
	struct site s;

	(void)state;
	site_open(&s);
	get(&s, "/socket.io/siocast.js");
	snprintf(plain, sizeof(plain), "%s", header(&s, "ETag"));
	ask(&s, "GET", "/socket.io/siocast.js", NULL, "gzip");
	snprintf(gzip, sizeof(gzip), "%s", header(&s, "ETag"));

	assert_int_equal(ask(&s, "GET", "/socket.io/siocast.js", plain, NULL), 304);
	assert_null(s.a.body);
	assert_int_equal(s.a.content_length, -1);
	assert_string_equal(header(&s, "ETag"), plain);
	assert_string_equal(header(&s, "Cache-Control"), "public, max-age=0");
	assert_string_equal(header(&s, "Vary"), "Accept-Encoding");
	assert_null(header(&s, "Content-Type"));
	assert_null(header(&s, "Content-Encoding"));

	assert_int_equal(ask(&s, "HEAD", "/socket.io/siocast.js", plain, NULL), 304);
	assert_int_equal(ask(&s, "GET", "/socket.io/siocast.js", gzip, "gzip"), 304);
	assert_string_equal(header(&s, "ETag"), gzip);
	assert_int_equal(ask(&s, "GET", "/socket.io/siocast.js", "*", "br"), 304);
	snprintf(list, sizeof(list), "\"old\", W/%s", plain);
	assert_int_equal(ask(&s, "GET", "/socket.io/siocast.js", list, NULL), 304);

	/* What the client holds is the other form, or an older content. */
	assert_int_equal(ask(&s, "GET", "/socket.io/siocast.js", gzip, NULL), 200);
	assert_int_equal(ask(&s, "GET", "/socket.io/siocast.js", plain, "gzip"), 200);
	assert_int_equal(ask(&s, "GET", "/socket.io/siocast.js", "\"old\"", NULL), 200);
	site_close(&s);
}

static void
test_client_names(void **state)
{
	static const char *const missing[] = { "/socket.io/", "/socket.io", "/socket.io/socket.io.esm.min.js",
		"/socket.io/siocast.mjs", "/socket.io/siocast-columns.mjs", "/socket.io/socket.io.jsx",
		"/socket.io/socket.io.j", "/socket.io/nested/socket.io.js", "/socket.io/../socket.io/socket.io.js",
		"/Socket.io/socket.io.js", "", "*" };
	struct site s;

	(void)state;
	site_open(&s);
	assert_true(files_has_client(s.f, EIO_LIT("/socket.io/socket.io.js")));
	assert_true(files_has_client(s.f, EIO_LIT("/socket.io/siocast.js?x")));
	assert_true(files_has_client(s.f, EIO_LIT("/socket.io/siocast-columns.js")));
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		assert_false(files_has_client(s.f, eio_cstr(missing[i])));
		if (get(&s, missing[i]) != 404) fail_msg("%s: %d", missing[i], s.a.status);
		expect_text(&s, "Not found.\n");
	}
	site_close(&s);
}

static void
versions_open(struct site *s, const char *wanted, bool legacy)
{
	struct files_versions all;
	char err[256];

	*s = (struct site){ 0 };
	assert_int_equal(files_versions_find(&all, at("npm")), 0);
	assert_int_equal(all.n, 4);
	if (files_open(&s->f,
		    &(struct files_config){ .client_path = "/socket.io/",
			    .versions = all.v,
			    .versions_n = all.n,
			    .version = files_versions_choose(&all, wanted),
			    .decoder_dir = root,
			    .legacy = legacy },
		    err, sizeof(err)) != 0)
		fail_msg("%s", err);
	files_versions_deinit(&all);
}

static void
expect_file(struct site *s, const char *path, const char *name)
{
	char content[65536];
	size_t n = slurp(name, content, sizeof(content));

	assert_int_equal(get(s, path), 200);
	expect_body(s, content, n);
}

static void
test_version_names(void **state)
{
	static const char *const good[] = { "4.8.4", "4.8", "4", "0.0.0", "10.20.30", "1.00" };
	static const char *const bad[] = { "", ".", "4.", ".4", "4..8", "4.8.4.1", "4.8.4-rc", "v4", "x", "4.x", "-1",
		"1.123456", " 4", "4 " };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!files_version_valid(good[i])) fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (files_version_valid(bad[i])) fail_msg("%s", bad[i]);
}

static void
test_versions_choose(void **state)
{
	struct files_versions all;

	(void)state;
	assert_int_equal(files_versions_find(&all, at("npm")), 0);
	assert_string_equal(files_versions_choose(&all, "2")->version, "2.10.0");
	assert_string_equal(files_versions_choose(&all, "2.9")->version, "2.9.1");
	assert_string_equal(files_versions_choose(&all, "1")->version, "1.7.4");
	assert_string_equal(files_versions_choose(&all, "1.4.8")->version, "1.4.8");
	assert_null(files_versions_choose(&all, "1.7.5"));
	assert_null(files_versions_choose(&all, "3"));
	assert_null(files_versions_choose(&all, "4"));
	assert_null(files_versions_choose(&all, "1.x"));
	files_versions_deinit(&all);
	assert_int_equal(files_versions_find(&all, at("nowhere")), 0);
	assert_int_equal(all.n, 0);
	assert_null(files_versions_choose(&all, "4"));
	files_versions_deinit(&all);
}

static void
test_versions(void **state)
{
	struct site s;

	(void)state;
	versions_open(&s, "2", false);
	assert_int_equal(files_official_count(s.f), 1);
	expect_file(&s, "/socket.io/socket.io.js", "npm/client-2.10.0/dist/socket.io.js");
	expect_file(&s, "/socket.io/siocast.js", "siocast.js");
	expect_file(&s, "/socket.io/siocast-columns.js", "siocast-columns.js");
	/* Each version, by the names of its package. */
	expect_file(&s, "/socket.io/2.10.0/socket.io.js", "npm/client-2.10.0/dist/socket.io.js");
	expect_file(&s, "/socket.io/2.9.1/socket.io.js?x", "npm/client-2.9.1/dist/socket.io.js");
	expect_file(&s, "/socket.io/1.7.4/socket.io.js", "npm/client-1.7.4/dist/socket.io.js");
	expect_file(&s, "/socket.io/1.7.4/socket.io.min.js", "npm/client-1.7.4/dist/socket.io.min.js");
	expect_file(&s, "/socket.io/1.7.4/socket.io.js.map", "npm/client-1.7.4/dist/socket.io.js.map");
	expect_file(&s, "/socket.io/1.4.8/socket.io.js", "npm/1.4.8/socket.io.js");
	ask(&s, "GET", "/socket.io/1.7.4/socket.io.js", NULL, "gzip, br");
	assert_string_equal(header(&s, "Content-Encoding"), "br");
	assert_int_equal(strlen(header(&s, "ETag")), 34 + 3);
	for (const char *const *p = (const char *const[]){ "/socket.io/1.7.4/", "/socket.io/1.7.4",
		     "/socket.io/1.7.4/readme.js", "/socket.io/2/readme.js", "/socket.io/3/",
		     "/socket.io/1.7.4.1/socket.io.js", "/socket.io/4.8.4socket.io.js", "/socket.io/1.7x/socket.io.js",
		     "/socket.io/./socket.io.js", "/socket.io/socket.io.min.js", "/socket.io/1.7.4/siocast.js",
		     "/socket.io//socket.io.js", "/socket.io/2.10.0/../socket.io.js", NULL };
		*p; p++)
		if (get(&s, *p) != 404) fail_msg("%s", *p);
	expect_text(&s, "Not found.\n");
	/* The newest that begins so. */
	expect_file(&s, "/socket.io/2/socket.io.js", "npm/client-2.10.0/dist/socket.io.js");
	expect_file(&s, "/socket.io/2.9/socket.io.js", "npm/client-2.9.1/dist/socket.io.js");
	expect_file(&s, "/socket.io/1/socket.io.js", "npm/client-1.7.4/dist/socket.io.js");
	expect_file(&s, "/socket.io/1.4/socket.io.js", "npm/1.4.8/socket.io.js");
	/* What is not there: which are. */
	for (const char *const *p = (const char *const[]){ "/socket.io/4/socket.io.js",
		     "/socket.io/1.7.3/socket.io.js?x", "/socket.io/2.8/socket.io.min.js",
		     "/socket.io/1.7.4/socket.io.txt", "/socket.io/2/socket.io.msgpack.min.js", NULL };
		*p; p++) {
		assert_true(files_has_client(s.f, eio_cstr(*p)));
		assert_int_equal(get(&s, *p), 404);
		expect_text(&s, "Not found. Versions of the client that are here: 2.10.0, 2.9.1, 1.7.4, 1.4.8.\n");
	}
	assert_int_equal(ask(&s, "HEAD", "/socket.io/4/socket.io.js", NULL, NULL), 404);
	assert_null(s.a.body);
	site_close(&s);

	/* None is chosen: the names below the versions are there all the same. */
	versions_open(&s, "9", false);
	assert_int_equal(files_official_count(s.f), 0);
	assert_int_equal(get(&s, "/socket.io/socket.io.js"), 404);
	assert_int_equal(get(&s, "/socket.io/2.9.1/socket.io.js"), 200);
	site_close(&s);
}

/* As the servers of 1.x gave it out. */
static void
test_versions_legacy(void **state)
{
	struct site s;

	(void)state;
	versions_open(&s, "1", true);
	assert_int_equal(files_official_count(s.f), 3);
	expect_file(&s, "/socket.io/socket.io.js", "npm/client-1.7.4/dist/socket.io.min.js");
	assert_string_equal(header(&s, "ETag"), "\"1.7.4\"");
	assert_string_equal(header(&s, "Content-Type"), "application/javascript");
	assert_int_equal(ask(&s, "GET", "/socket.io/socket.io.js", "\"1.7.4\"", NULL), 304);
	assert_int_equal(ask(&s, "GET", "/socket.io/socket.io.js", "\"1.7.3\"", NULL), 200);
	/* The forms are still different entities. */
	ask(&s, "GET", "/socket.io/socket.io.js", NULL, "gzip");
	assert_string_equal(header(&s, "ETag"), "\"1.7.4-gzip\"");
	expect_file(&s, "/socket.io/socket.io.js.map", "npm/client-1.7.4/dist/socket.io.js.map");
	assert_string_equal(header(&s, "ETag"), "\"1.7.4\"");
	assert_string_equal(header(&s, "Content-Type"), "application/json");
	get(&s, "/socket.io/2.9.1/socket.io.js");
	assert_string_equal(header(&s, "ETag"), "\"2.9.1\"");
	/* The decoder is of no such generation. */
	get(&s, "/socket.io/siocast.js");
	assert_int_equal(strlen(header(&s, "ETag")), 34);
	assert_string_equal(header(&s, "Content-Type"), "application/javascript; charset=utf-8");
	site_close(&s);
}

/* The page of the Admin UI: its files and those of its folders, from any path. */
static void
test_page(void **state)
{
	struct site s = { 0 };
	char err[256];

	(void)state;
	assert_int_equal(mkdir(at("page"), 0755), 0);
	assert_int_equal(mkdir(at("page/js"), 0755), 0);
	assert_int_equal(mkdir(at("page/js/deep"), 0755), 0);
	write_text("page/index.html", "<!doctype html><p>page");
	write_text("page/.hidden", "secret");
	write_script("page/js/app.js", 200, 1);
	write_text("page/js/app.js.map", "{}");
	write_text("page/js/deep/x.js", "1");
	assert_int_equal(files_open(&s.f,
				 &(struct files_config){ .client_path = "/socket.io/",
					 .page_path = "/a/ui/",
					 .page_dir = at("page"),
					 .www_dir = at("www") },
				 err, sizeof(err)),
		0);
	s.c = files_cache_new();
	assert_int_equal(get(&s, "/a/ui/"), 200);
	expect_text(&s, "<!doctype html><p>page");
	assert_string_equal(header(&s, "Content-Type"), "text/html; charset=utf-8");
	assert_int_equal(get(&s, "/a/ui/?x"), 200);
	assert_int_equal(get(&s, "/a/ui/index.html"), 200);
	assert_int_equal(ask(&s, "GET", "/a/ui/js/app.js", NULL, "br"), 200);
	assert_string_equal(header(&s, "Content-Encoding"), "br");
	assert_int_equal(get(&s, "/a/ui?x=1"), 301);
	assert_string_equal(header(&s, "Location"), "/a/ui/?x=1");
	assert_int_equal(ask(&s, "POST", "/a/ui", NULL, NULL), 405);
	for (size_t i = 0; i < 6; i++) {
		static const char *const none[] = { "/a/ui/js", "/a/ui/js/", "/a/ui/js/app.js.map", "/a/ui/.hidden",
			"/a/ui/js/deep/x.js", "/a/uix" };

		assert_int_equal(get(&s, none[i]), 404);
		assert_false(files_has_client(s.f, eio_cstr(none[i])));
	}
	assert_true(files_has_client(s.f, EIO_LIT("/a/ui")));
	assert_true(files_has_client(s.f, EIO_LIT("/a/ui/?x")));
	assert_int_equal(get(&s, "/"), 200);
	expect_text(&s, "<!doctype html><p>home");
	site_close(&s);
	assert_int_equal(files_open(&s.f, &(struct files_config){ .page_path = "/a", .page_dir = at("nowhere") }, err,
				 sizeof(err)),
		-ENOENT);
	assert_non_null(strstr(err, "nowhere"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_client_not_modified),
		cmocka_unit_test(test_client_names),
		cmocka_unit_test(test_version_names),
		cmocka_unit_test(test_versions_choose),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_versions_legacy),
		cmocka_unit_test(test_page),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
