/* SPDX-License-Identifier: MIT */
/* Static files: the www folder. */
#include "tests/unit/web/site.h"

static void
test_www(void **state)
{
	struct site s;

	(void)state;
	site_open(&s);
	assert_int_equal(get(&s, "/"), 200);
	expect_text(&s, "<!doctype html><p>home");
	assert_string_equal(header(&s, "Content-Type"), "text/html; charset=utf-8");
	assert_string_equal(header(&s, "Cache-Control"), "no-cache");
	assert_int_equal(get(&s, "/index.html?x=1"), 200);
	expect_text(&s, "<!doctype html><p>home");
	assert_int_equal(get(&s, "//index.html"), 200);
	assert_int_equal(get(&s, "/sub/"), 200);
	expect_text(&s, "<!doctype html><p>sub");
	assert_int_equal(get(&s, "/sub/a%20b%25.txt"), 200);
	expect_text(&s, "spaced");
	assert_int_equal(get(&s, "/empty.txt"), 200);
	assert_null(s.a.body);
	assert_int_equal(s.a.content_length, 0);

	assert_int_equal(get(&s, "/empty/"), 404);
	assert_int_equal(get(&s, "/index.html/"), 404);
	assert_int_equal(get(&s, "/nothing"), 404);
	assert_int_equal(get(&s, "/nothing/"), 404);
	site_close(&s);
}

static void
test_www_redirect(void **state)
{
	struct site s;

	(void)state;
	assert_int_equal(mkdir(at("www/a b\xc3\xa9"), 0755), 0);
	site_open(&s);
	assert_int_equal(get(&s, "/sub"), 301);
	assert_string_equal(header(&s, "Location"), "/sub/");
	assert_null(s.a.body);
	assert_int_equal(s.a.content_length, 0);
	assert_int_equal(get(&s, "/sub?a=b"), 301);
	assert_string_equal(header(&s, "Location"), "/sub/?a=b");
	/* Never to another host, never a broken line. */
	assert_int_equal(get(&s, "//sub"), 301);
	assert_string_equal(header(&s, "Location"), "/sub/");
	assert_int_equal(get(&s, "/a%20b%c3%a9"), 301);
	assert_string_equal(header(&s, "Location"), "/a%20b%C3%A9/");
	assert_int_equal(get(&s, "/sub?a\r\nX: y"), 301);
	assert_string_equal(header(&s, "Location"), "/sub/");
	assert_null(header(&s, "X"));
	site_close(&s);
	assert_int_equal(rmdir(at("www/a b\xc3\xa9")), 0);
}

static void
test_www_stays_inside(void **state)
{
	static const char *const wanted[] = { "/../secret", "/%2e%2e/secret", "/..%2fsecret", "/sub/../../secret",
		"/sub/..%5c..%5csecret", "/%252e%252e/secret", "/.env", "/%2eenv", "/.git/config",
		"/sub/..//..//secret", "/out-file", "/out-dir/secret", "/out-relative", "/out-absolute-inside", "/loop",
		"/proc-self", "/secret%00.txt", "/fifo", "/../outside/secret" };
	char inside[256];
	struct site s;

	(void)state;
	snprintf(inside, sizeof(inside), "%s", at("www/index.html"));
	assert_int_equal(symlink(at("secret"), at("www/out-file")), 0);
	assert_int_equal(symlink(at("outside"), at("www/out-dir")), 0);
	assert_int_equal(symlink("../secret", at("www/out-relative")), 0);
	/* An absolute link is refused even if it happens to lead back in. */
	assert_int_equal(symlink(inside, at("www/out-absolute-inside")), 0);
	assert_int_equal(symlink("loop", at("www/loop")), 0);
	assert_int_equal(symlink("/proc/self/environ", at("www/proc-self")), 0);
	assert_int_equal(symlink("sub/../index.html", at("www/in-link.html")), 0);
	assert_int_equal(mkfifo(at("www/fifo"), 0644), 0);
	site_open(&s);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (get(&s, wanted[i]) != 404) fail_msg("%s: %d", wanted[i], s.a.status);
		expect_text(&s, "Not found.\n");
	}
	/* A link that stays inside works. */
	assert_int_equal(get(&s, "/in-link.html"), 200);
	expect_text(&s, "<!doctype html><p>home");
	site_close(&s);
}

static void
test_www_unreadable(void **state)
{
	struct site s;
	int status;

	(void)state;
	write_text("www/private.txt", "secret");
	assert_int_equal(chmod(at("www/private.txt"), 0), 0);
	site_open(&s);
	/* root reads everything, so be somebody else for a moment. */
	if (geteuid() == 0) {
		assert_int_equal(seteuid(65534), 0);
		status = get(&s, "/private.txt");
		assert_int_equal(seteuid(0), 0);
	} else {
		status = get(&s, "/private.txt");
	}
	assert_int_equal(status, 404);
	site_close(&s);
}

static void
test_www_too_large(void **state)
{
	struct site s;

	(void)state;
	write_text("www/big.bin", "");
	assert_int_equal(truncate(at("www/big.bin"), FILES_SIZE_MAX + 1), 0);
	site_open(&s);
	assert_int_equal(get(&s, "/big.bin"), 403);
	expect_text(&s, "This file is too large to be served here.\n");
	assert_int_equal(truncate(at("www/big.bin"), FILES_SIZE_MAX), 0);
	assert_int_equal(get(&s, "/big.bin"), 200);
	assert_int_equal(s.a.content_length, FILES_SIZE_MAX);
	site_close(&s);
	assert_int_equal(unlink(at("www/big.bin")), 0);
}

static void
test_www_compression(void **state)
{
	char plain[65536], out[65536];
	size_t n = slurp("www/app.js", plain, sizeof(plain));
	struct site s;

	(void)state;
	site_open(&s);
	for (int i = 0; i < 4; i++) {
		const char *coding = i % 2 ? "br" : "gzip";

		assert_int_equal(ask(&s, "GET", "/app.js", NULL, coding), 200);
		assert_string_equal(header(&s, "Content-Encoding"), coding);
		assert_int_equal(unpack(s.a.body, coding, out, sizeof(out)), n);
		assert_memory_equal(out, plain, n);
	}
	/* Too small to pay, and of a type that is packed already: as it is. */
	assert_int_equal(ask(&s, "GET", "/sub/a%20b%25.txt", NULL, "gzip, br"), 200);
	assert_null(header(&s, "Content-Encoding"));
	assert_string_equal(header(&s, "Vary"), "Accept-Encoding");
	write_script("www/picture.png", 300, 5);
	assert_int_equal(ask(&s, "GET", "/picture.png", NULL, "gzip, br"), 200);
	assert_null(header(&s, "Content-Encoding"));
	assert_null(header(&s, "Vary"));
	/* Too large to compress on a worker's time. */
	write_script("www/huge.js", 40000, 6);
	assert_int_equal(ask(&s, "GET", "/huge.js", NULL, "gzip, br"), 200);
	assert_true(s.a.body->n > 1024 * 1024);
	assert_null(header(&s, "Content-Encoding"));
	site_close(&s);
}

static void
test_www_edits_show(void **state)
{
	char etag[64];
	struct site s;

	(void)state;
	write_text("www/live.txt", "one");
	site_open(&s);
	get(&s, "/live.txt");
	expect_text(&s, "one");
	snprintf(etag, sizeof(etag), "%s", header(&s, "ETag"));
	assert_int_equal(ask(&s, "GET", "/live.txt", etag, NULL), 304);
	/* Same size, in the same instant, a hundred times: the time stamp alone would not tell. */
	for (int i = 0; i < 100; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%03d", i);
		write_text("www/live.txt", text);
		get(&s, "/live.txt");
		expect_text(&s, text);
	}
	assert_int_equal(ask(&s, "GET", "/live.txt", etag, NULL), 200);
	/* The same content again is the same entity. */
	write_text("www/live.txt", "one");
	assert_int_equal(ask(&s, "GET", "/live.txt", etag, NULL), 304);
	/* Replaced by rename, with an old time stamp. */
	write_text("www/new.tmp", "two");
	assert_int_equal(utimensat(AT_FDCWD, at("www/new.tmp"), (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0), 0);
	assert_int_equal(rename(at("www/new.tmp"), at("www/live.txt")), 0);
	get(&s, "/live.txt");
	expect_text(&s, "two");
	assert_int_equal(unlink(at("www/live.txt")), 0);
	assert_int_equal(get(&s, "/live.txt"), 404);
	site_close(&s);
}

/* A file nobody has touched for a while comes from memory: the very same block. */
static void
test_www_cache(void **state)
{
	struct site s = { 0 };
	struct eio_block *first;
	char err[256];

	(void)state;
	assert_int_equal(files_open(&s.f, &(struct files_config){ .www_dir = "/usr/include" }, err, sizeof(err)), 0);
	s.c = files_cache_new();
	assert_non_null(s.c);
	assert_int_equal(get(&s, "/stdio.h"), 200);
	first = eio_block_ref(s.a.body);
	assert_int_equal(get(&s, "/stdio.h"), 200);
	assert_ptr_equal(s.a.body, first);
	eio_block_unref(first);
	site_close(&s);
}

/* More than the cache may hold: everything is still right, and the memory stays within bounds. */
static void
test_www_cache_limit(void **state)
{
	enum { FILES = 6, SIZE = 8 * 1024 * 1024 };
	struct eio_block *kept[FILES];
	unsigned alive = 0;
	char name[32];
	struct site s;

	(void)state;
	site_open(&s);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "www/block%d", i);
		write_text(name, name);
		assert_int_equal(truncate(at(name), SIZE), 0);
		assert_int_equal(get(&s, name + 3), 200);
		assert_int_equal(s.a.body->n, SIZE);
		assert_memory_equal(s.a.body->data, name, strlen(name));
		kept[i] = eio_block_ref(s.a.body);
	}
	files_answer_deinit(&s.a);
	for (int i = 0; i < FILES; i++) {
		alive += atomic_load(&kept[i]->refs) > 1;
		eio_block_unref(kept[i]);
		snprintf(name, sizeof(name), "www/block%d", i);
		assert_int_equal(unlink(at(name)), 0);
	}
	assert_in_range(alive, 1, 4);
	site_close(&s);
}

static void
test_www_out_of_descriptors(void **state)
{
	struct rlimit before, none;
	struct site s;

	(void)state;
	site_open(&s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(get(&s, "/index.html"), 503);
	assert_string_equal(header(&s, "Retry-After"), "1");
	assert_int_equal(get(&s, "/socket.io/siocast.js"), 200);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(get(&s, "/index.html"), 200);
	site_close(&s);
}

static void *
reader(void *arg)
{
	struct files_request client = { EIO_LIT("GET"), EIO_LIT("/socket.io/siocast.js"), { 0 }, EIO_LIT("br") };
	struct files_request www = { EIO_LIT("GET"), EIO_LIT("/app.js"), { 0 }, EIO_LIT("gzip") };
	struct files_cache *c = files_cache_new();
	intptr_t bad = c == NULL;

	for (int i = 0; i < 200 && c; i++) {
		struct files_answer a;

		bad += files_get(arg, c, i % 2 ? &client : &www, &a) != 0 || a.status != 200;
		files_answer_deinit(&a);
	}
	files_cache_free(c);
	return (void *)bad;
}

static void
test_threads(void **state)
{
	pthread_t t[4];
	struct site s;
	void *bad;

	(void)state;
	site_open(&s);
	for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&t[i], NULL, reader, s.f), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
	/* Whoever came first has made the form for all. */
	ask(&s, "GET", "/socket.io/siocast.js", NULL, "br");
	assert_string_equal(header(&s, "Content-Encoding"), "br");
	site_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_www),
		cmocka_unit_test(test_www_redirect),
		cmocka_unit_test(test_www_stays_inside),
		cmocka_unit_test(test_www_unreadable),
		cmocka_unit_test(test_www_too_large),
		cmocka_unit_test(test_www_compression),
		cmocka_unit_test(test_www_edits_show),
		cmocka_unit_test(test_www_cache),
		cmocka_unit_test(test_www_cache_limit),
		cmocka_unit_test(test_www_out_of_descriptors),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
