/* SPDX-License-Identifier: MIT */
/* A connection as a message: there and back, and what makes no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/worker/passage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct eio_leaver
example(enum eio_leaver_stage stage)
{
	struct eio_leaver l = { .stage = stage, .fd = 7, .relayed = stage == EIO_LEAVER_SPEAKS };

	assert_true(eio_peer_parse(EIO_LIT("2001:db8::1f"), &l.peer));
	l.subject = EIO_LIT("CN=Ann,O=Ex\nample");
	l.begun = eio_bytes("GET /\0 connection \n\xff", 21);
	return l;
}

static void
there_and_back(void **state)
{
	(void)state;
	for (int stage = 0; stage <= EIO_LEAVER_SPEAKS; stage++) {
		struct eio_leaver l = example((enum eio_leaver_stage)stage), back;
		const char *address;
		struct eio_buf out;

		eio_buf_init(&out);
		passage_write(&l, "[::1]:443", &out);
		assert_true(passage_is(eio_buf_bytes(&out)));
		assert_true(passage_read(eio_buf_bytes(&out), &back, &address));
		assert_string_equal(address, "[::1]:443");
		assert_int_equal(back.stage, stage);
		assert_int_equal(back.relayed, l.relayed);
		assert_int_equal(back.fd, -1);
		assert_memory_equal(&back.peer, &l.peer, sizeof l.peer);
		assert_true(eio_bytes_eq(back.subject, l.subject));
		assert_true(eio_bytes_eq(back.begun, l.begun));
		eio_buf_deinit(&out);
	}
}

static void
that_says_nothing(void **state)
{
	const struct eio_leaver l = { .stage = EIO_LEAVER_FRESH };
	struct eio_leaver back;
	const char *address;
	struct eio_buf out;

	(void)state;
	eio_buf_init(&out);
	passage_write(&l, "", &out);
	assert_true(passage_read(eio_buf_bytes(&out), &back, &address));
	assert_string_equal(address, "");
	assert_int_equal(back.begun.n + back.subject.n, 0);
	eio_buf_deinit(&out);
}

/* Exactly as long as it is, so that a sanitizer sees who reads beyond. */
static bool
reads(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct eio_leaver l;
	const char *address;
	bool good;

	assert_non_null(copy);
	memcpy(copy, p, n);
	good = passage_read(eio_bytes(copy, n), &l, &address);
	if (good) assert_true(strlen(address) + l.subject.n + l.begun.n < n);
	free(copy);
	return good;
}

/* Cut anywhere, and each byte another: it is read or not, and nothing else happens. */
static void
that_is_broken(void **state)
{
	struct eio_leaver l = example(EIO_LEAVER_SPEAKS);
	struct eio_buf out;

	(void)state;
	eio_buf_init(&out);
	passage_write(&l, "unix:/run/x", &out);
	for (size_t n = 0; n < out.n - l.begun.n; n++) assert_false(reads(out.p, n));
	for (size_t i = 0; i < out.n - l.begun.n; i++)
		for (int c = 0; c < 256; c++) {
			char was = out.p[i];

			out.p[i] = (char)c;
			(void)reads(out.p, out.n);
			out.p[i] = was;
		}
	assert_false(reads("connection 3 0 0 00000000000000000000000000000000 0 0\n", 55));
	assert_false(reads("connection 2 0 9 00000000000000000000000000000000 0 0\n", 55));
	assert_false(reads("connection 2 0 0 00000000000000000000000000000000 0 1\n", 55));
	assert_false(reads("connection 2 0 0 00000000000000000000000000000000 1 0\n", 55));
	assert_true(reads("connection 2 0 0 00000000000000000000000000000000 0 0\n", 55));
	assert_true(reads("connection 2 0 0 00000000000000000000000000000000 0 0 and more\n", 64));
	eio_buf_deinit(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(that_says_nothing),
		cmocka_unit_test(that_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
