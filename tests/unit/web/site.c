/* SPDX-License-Identifier: MIT */
/* The files of the tests, and answers to questions for them. */
#include "tests/unit/web/site.h"

char root[64], path_buf[4][256];

const char *
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

void
write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

void
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

int
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

int
teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
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

void
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

int
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

int
get(struct site *s, const char *path)
{
	return ask(s, "GET", path, NULL, NULL);
}

const char *
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

void
expect_body(struct site *s, const void *p, size_t n)
{
	assert_non_null(s->a.body);
	assert_int_equal(s->a.body->n, n);
	assert_memory_equal(s->a.body->data, p, n);
}

void
expect_text(struct site *s, const char *text)
{
	expect_body(s, text, strlen(text));
}

size_t
slurp(const char *name, char *out, size_t cap)
{
	FILE *f = fopen(at(name), "r");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, cap, f);
	fclose(f);
	return n;
}

size_t
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
