/* SPDX-License-Identifier: MIT */
/*
 * Static files: paths, negotiation, the client files and the www folder, in
 * temporary folders. Links eio/{bundle,base64,buf,hash}.c, src/compress.c,
 * src/files*.c, zlib, libbrotlienc, and libbrotlidec to read back what was made.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/web/compress.h"
#include "src/web/files.h"
#include "src/web/files_http.h"

#include <brotli/decode.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* --- a temporary folder with a www folder, a dist folder and a secret beside them
 * ------------------------------------ */

static char root[64], path_buf[4][256];

/* The path of something below the temporary folder; the last four results stay valid. */
static const char *
at(const char *name)
{
	static int turn;
	char *p = path_buf[turn++ % 4];

	snprintf(p, sizeof(path_buf[0]), "%s/%s", root, name);
	return p;
}

static void
write_bytes(const char *name, const void *p, size_t n)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(close(fd), 0);
}

static void
write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

/* Text that compresses well, different for each seed. */
static void
write_script(const char *name, size_t lines, unsigned seed)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	for (size_t i = 0; i < lines; i++) fprintf(f, "function f%zu(x) { return x * %u + %zu; }\n", i, seed, i);
	assert_int_equal(fclose(f), 0);
}

static void
make_folders(const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) assert_int_equal(mkdir(at(names[i]), 0755), 0);
}

/* Three generations as npm and the installation lay them out, and what must not be taken for a version. */
static void
make_versions(void)
{
	static const char *const names[] = { "npm", "npm/client-1.7.4", "npm/client-1.7.4/dist", "npm/client-2.10.0",
		"npm/client-2.10.0/dist", "npm/client-2.9.1", "npm/client-2.9.1/dist", "npm/1.4.8", "npm/client-3.0",
		"npm/client-3.0.0-rc1", "npm/debug", "npm/client-x" };

	make_folders(names, sizeof(names) / sizeof(names[0]));
	write_script("npm/client-1.7.4/dist/socket.io.js", 200, 5);
	write_script("npm/client-1.7.4/dist/socket.io.min.js", 100, 6);
	write_text("npm/client-1.7.4/dist/socket.io.js.map", "{\"version\":3}");
	write_text("npm/client-1.7.4/dist/readme.js", "no client");
	write_text("npm/client-1.7.4/dist/socket.io.txt", "no client");
	write_script("npm/client-2.10.0/dist/socket.io.js", 50, 7);
	write_script("npm/client-2.9.1/dist/socket.io.js", 50, 8);
	write_script("npm/1.4.8/socket.io.js", 50, 9);
	write_text("npm/client-4.0.0", "a file");
}

static int
setup(void **state)
{
	static const char *const folders[] = { "www", "www/sub", "www/empty", "www/.git", "dist", "outside", "odd",
		"odd/siocast.mjs" };

	(void)state;
	snprintf(root, sizeof(root), "/tmp/siocast-files-XXXXXX");
	assert_non_null(mkdtemp(root));
	make_folders(folders, sizeof(folders) / sizeof(folders[0]));
	write_script("dist/socket.io.js", 400, 1);
	write_script("dist/socket.io.min.js", 100, 2);
	write_text("dist/socket.io.min.js.map",
		"{\"version\":3,\"sources\":[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]}");
	write_script("siocast.js", 50, 3);
	write_script("siocast-columns.js", 50, 5);
	write_text("secret", "secret");
	write_text("outside/secret", "secret");
	write_text("www/index.html", "<!doctype html><p>home");
	write_text("www/sub/index.html", "<!doctype html><p>sub");
	write_text("www/sub/a b%.txt", "spaced");
	write_text("www/.env", "secret");
	write_text("www/.git/config", "secret");
	write_text("www/empty.txt", "");
	write_script("www/app.js", 300, 4);
	make_versions();
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- asking
 * ---------------------------------------------------------------------------------------------------------- */

struct site {
	struct files *f;
	struct files_cache *c;
	struct files_answer a; /* of the last request */
};

static void
site_open(struct site *s)
{
	const char *www = at("www"), *dist = at("dist");
	char err[256];

	*s = (struct site){ 0 };
	if (files_open(&s->f,
		    &(struct files_config){
			    .client_path = "/socket.io/", .client_dir = dist, .decoder_dir = root, .www_dir = www },
		    err, sizeof(err)) != 0)
		fail_msg("%s", err);
	assert_string_equal(err, "");
	s->c = files_cache_new();
	assert_non_null(s->c);
}

static void
site_close(struct site *s)
{
	files_answer_deinit(&s->a);
	files_cache_free(s->c);
	files_close(s->f);
}

static struct eio_bytes
maybe(const char *s)
{
	return s ? eio_cstr(s) : eio_bytes(NULL, 0);
}

static int
ask(struct site *s, const char *method, const char *path, const char *if_none_match, const char *accept_encoding)
{
	struct files_request req = { eio_cstr(method), eio_cstr(path), maybe(if_none_match), maybe(accept_encoding) };

	files_answer_deinit(&s->a);
	assert_int_equal(files_get(s->f, s->c, &req, &s->a), 0);
	assert_non_null(s->a.headers);
	/* Every line ends well and there is no empty one, which would end the headers early. */
	assert_true(s->a.headers->n > 2);
	assert_memory_equal(s->a.headers->data + s->a.headers->n - 2, "\r\n", 2);
	assert_null(memmem(s->a.headers->data, s->a.headers->n, "\r\n\r\n", 4));
	if (s->a.body) assert_int_equal(s->a.content_length, s->a.body->n);
	return s->a.status;
}

static int
get(struct site *s, const char *path)
{
	return ask(s, "GET", path, NULL, NULL);
}

/* The value of a header of the last answer, or NULL. */
static const char *
header(struct site *s, const char *name)
{
	static char value[4][512];
	static int turn;
	char *out = value[turn++ % 4], key[64];
	const char *p, *end;

	snprintf(key, sizeof(key), "%s: ", name);
	for (p = s->a.headers->data; p < s->a.headers->data + s->a.headers->n; p = end + 2) {
		end = memmem(p, (size_t)(s->a.headers->data + s->a.headers->n - p), "\r\n", 2);
		assert_non_null(end);
		if (strncmp(p, key, strlen(key)) == 0) {
			snprintf(out, sizeof(value[0]), "%.*s", (int)(end - p - (ptrdiff_t)strlen(key)),
				p + strlen(key));
			return out;
		}
	}
	return NULL;
}

static void
expect_body(struct site *s, const void *p, size_t n)
{
	assert_non_null(s->a.body);
	assert_int_equal(s->a.body->n, n);
	assert_memory_equal(s->a.body->data, p, n);
}

static void
expect_text(struct site *s, const char *text)
{
	expect_body(s, text, strlen(text));
}

static size_t
slurp(const char *name, char *out, size_t cap)
{
	FILE *f = fopen(at(name), "r");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, cap, f);
	fclose(f);
	return n;
}

static size_t
unpack(const struct eio_block *b, const char *coding, char *out, size_t cap)
{
	if (strcmp(coding, "gzip") == 0) {
		z_stream z = { .next_in = (unsigned char *)b->data,
			.avail_in = (unsigned)b->n,
			.next_out = (unsigned char *)out,
			.avail_out = (unsigned)cap };

		assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
		assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
		assert_int_equal(z.avail_in, 0);
		inflateEnd(&z);
		return z.total_out;
	}
	assert_string_equal(coding, "br");
	assert_int_equal(BrotliDecoderDecompress(b->n, (const uint8_t *)b->data, &cap, (uint8_t *)out),
		BROTLI_DECODER_RESULT_SUCCESS);
	return cap;
}

/* --- the small parsers
 * ----------------------------------------------------------------------------------------------- */

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

/* --- the client files
 * ------------------------------------------------------------------------------------------------ */

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

/* --- versions of the client
 * ------------------------------------------------------------------------------------------ */

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

/* --- the www folder
 * -------------------------------------------------------------------------------------------------- */

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

/* --- many threads, one set of files
 * ------------------------------------------------------------------------------------ */

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
	site_close(&s);
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
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_client_not_modified),
		cmocka_unit_test(test_client_names),
		cmocka_unit_test(test_version_names),
		cmocka_unit_test(test_versions_choose),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_versions_legacy),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_open_parts),
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
