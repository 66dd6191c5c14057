/* SPDX-License-Identifier: MIT */
/* Headers of the PROXY protocol, whole and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/net/proxy_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\0\x02\x07\xc0\0\x02\x01\xdc\x04\x01\xbb" /* from 192.0.2.7 */
#define V6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\0\x02"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\0\x02"
#define HEADER(s) s, sizeof(s) - 1

static const struct {
	int line;
	const char *bytes;
	size_t n;
	const char *is; /* the address; "": nobody; NULL: it is bad */
} headers[] = {
	{ __LINE__, HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n"), "192.0.2.7" },
	{ __LINE__, HEADER("PROXY TCP6 2001:db8::7 2001:db8::1 0 65535\r\n"), "2001:db8::7" },
	{ __LINE__, HEADER("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n"), "192.0.2.7" },
	{ __LINE__,
		HEADER("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ __LINE__, HEADER("PROXY UNKNOWN\r\n"), "" },
	{ __LINE__, HEADER("PROXY UNKNOWN whatever it says\r\n"), "" },
	{ __LINE__, HEADER(SIGNATURE "\x21\x11\0\x0c" V4), "192.0.2.7" },
	{ __LINE__, HEADER(SIGNATURE "\x21\x12\0\x0c" V4), "192.0.2.7" },
	{ __LINE__, HEADER(SIGNATURE "\x21\x21\0\x24" V6), "2001:db8::7" },
	{ __LINE__, HEADER(SIGNATURE "\x21\x21\0\x24" MAPPED), "192.0.2.7" },
	{ __LINE__,
		HEADER(SIGNATURE "\x21\x11\0\x13" V4 "\x04\0\x04"
				 "abcd"),
		"192.0.2.7" }, /* with a TLV */
	{ __LINE__, HEADER(SIGNATURE "\x20\0\0\0"), "" }, /* LOCAL */
	{ __LINE__, HEADER(SIGNATURE "\x20\x11\0\x0c" V4), "" },
	{ __LINE__,
		HEADER(SIGNATURE "\x20\x11\0\x03"
				 "abc"),
		"" },
	{ __LINE__,
		HEADER(SIGNATURE "\x21\0\0\x02"
				 "xx"),
		"" }, /* unspecified */
	{ __LINE__,
		HEADER(SIGNATURE "\x21\x41\0\x02"
				 "xx"),
		"" }, /* a family to come */
	{ __LINE__, HEADER("GET / HTTP/1.1\r\n"), NULL },
	{ __LINE__, HEADER("\x16\x03\x01"), NULL },
	{ __LINE__, HEADER("PROXY\r\n"), NULL },
	{ __LINE__, HEADER("PROXY \r\n"), NULL },
	{ __LINE__, HEADER("proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 1 x\r\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP4 2001:db8::7 ::1 1 2\r\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n"), NULL },
	{ __LINE__, HEADER("PROXY TCP4 192.0.2.7\0 192.0.2.1 1 2\r\n"), NULL },
	{ __LINE__, HEADER("PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n"), NULL },
	{ __LINE__,
		HEADER("PROXY UNKNOWN ..................................................................................................."),
		NULL },
	{ __LINE__, HEADER(SIGNATURE "\x11\x11\0\x0c" V4), NULL }, /* another version */
	{ __LINE__, HEADER(SIGNATURE "\x22\x11\0\x0c" V4), NULL }, /* another command */
	{ __LINE__, HEADER(SIGNATURE "\x21\x11\0\x0b" V4), NULL }, /* too short for its addresses */
	{ __LINE__, HEADER(SIGNATURE "\x21\x21\0\x0c" V4), NULL },
	{ __LINE__, HEADER(SIGNATURE "\x21\x31\0\x0c" V4), NULL },
	{ __LINE__, HEADER(SIGNATURE "\x21\x11\xff\xff"), NULL }, /* too long */
	{ __LINE__, HEADER("\r\n\r\n\0\r\nQUIT\r"), NULL },
};

/* A copy that ends where it ends. */
static enum eio_proxy_header
read_copy(const char *p, size_t n, size_t *used, struct eio_peer *peer)
{
	char *copy = malloc(n ? n : 1);
	enum eio_proxy_header got;

	assert_non_null(copy);
	memcpy(copy, p, n);
	*peer = (struct eio_peer){ 0 };
	got = eio_proxy_header_read(copy, n, used, peer);
	free(copy);
	return got;
}

static void
test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		size_t n = headers[i].n, used = 0;
		char text[EIO_PEER_TEXT], longer[300];
		struct eio_peer peer;
		enum eio_proxy_header got = read_copy(headers[i].bytes, n, &used, &peer);
		const char *is = eio_peer_text(&peer, text);

		if (!headers[i].is) {
			if (got != EIO_PROXY_HEADER_BAD) fail_msg("line %d: %d", headers[i].line, got);
			continue;
		}
		if (got != EIO_PROXY_HEADER_DONE || used != n || strcmp(is ? is : "", headers[i].is) != 0)
			fail_msg("line %d: %d, %zu of %zu, %s", headers[i].line, got, used, n, is ? is : "nobody");
		/* Each piece of it asks for more; what is behind it stays. */
		for (size_t k = 0; k < n; k++)
			if (read_copy(headers[i].bytes, k, &used, &peer) != EIO_PROXY_HEADER_MORE)
				fail_msg("line %d, byte %zu", headers[i].line, k);
		memcpy(longer, headers[i].bytes, n);
		memcpy(longer + n, "\r\nGET", 5);
		assert_int_equal(read_copy(longer, n + 5, &used, &peer), EIO_PROXY_HEADER_DONE);
		assert_int_equal(used, n);
	}
}

/* What follows the addresses may be long, up to a limit. */
static void
test_long_headers(void **state)
{
	static char bytes[EIO_PROXY_HEADER_BYTES + 1];
	struct eio_peer peer;
	size_t used;

	(void)state;
	memcpy(bytes, HEADER(SIGNATURE "\x21\x11\x0f\xf0" V4));
	assert_int_equal(read_copy(bytes, EIO_PROXY_HEADER_BYTES - 1, &used, &peer), EIO_PROXY_HEADER_MORE);
	assert_int_equal(read_copy(bytes, EIO_PROXY_HEADER_BYTES, &used, &peer), EIO_PROXY_HEADER_DONE);
	assert_int_equal(used, EIO_PROXY_HEADER_BYTES);
	bytes[15] = '\xf1';
	assert_int_equal(read_copy(bytes, 16, &used, &peer), EIO_PROXY_HEADER_BAD);
	/* Version 1 has 107 bytes, and not one more. */
	memset(bytes, '.', sizeof bytes);
	memcpy(bytes, HEADER("PROXY UNKNOWN "));
	memcpy(bytes + 105, HEADER("\r\n"));
	assert_int_equal(read_copy(bytes, 106, &used, &peer), EIO_PROXY_HEADER_MORE);
	assert_int_equal(read_copy(bytes, 107, &used, &peer), EIO_PROXY_HEADER_DONE);
	memcpy(bytes + 105, HEADER(".\r\n"));
	assert_int_equal(read_copy(bytes, 108, &used, &peer), EIO_PROXY_HEADER_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_long_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
