/* SPDX-License-Identifier: MIT */
/* Sids: none like another, each tells its server; and the random bytes that they are made of. */
#include "eio/net/sid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_sid(void **state)
{
	enum { N = 1000 };
	static char sids[N][EIO_SID_LEN + 1];
	struct eio_random random = { 0 };

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		eio__sid_make(&random, i % EIO_MAX_SERVERS, eio_bytes("", 0), sids[i]);
		assert_int_equal(strlen(sids[i]), EIO_SID_LEN);
		assert_int_equal(eio__sid_owner(eio_cstr(sids[i])), i % EIO_MAX_SERVERS);
		for (unsigned k = 0; k < i; k++) assert_memory_not_equal(sids[i] + 1, sids[k] + 1, EIO_SID_LEN - 1);
	}
	assert_int_equal(eio__sid_owner(eio_bytes(sids[0], EIO_SID_LEN - 1)), -1);
	sids[0][0] = '\0';
	assert_int_equal(eio__sid_owner(eio_bytes(sids[0], EIO_SID_LEN)), -1);
	sids[0][0] = '*';
	assert_int_equal(eio__sid_owner(eio_bytes(sids[0], EIO_SID_LEN)), -1);
}

/* A name is found again, whatever is before and behind it, and what is left is random. */
static void
test_node(void **state)
{
	static const char *const names[] = { "a", "-", "b7", "A_-z", "siocas" };
	char sid[EIO_SID_LEN + 1], other[EIO_SID_LEN + 1];
	struct eio_random random = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct eio_bytes name = eio_cstr(names[i]);

		eio__sid_make(&random, 5, name, sid);
		eio__sid_make(&random, 5, name, other);
		assert_int_equal(strlen(sid), EIO_SID_LEN);
		assert_int_equal(eio__sid_owner(eio_cstr(sid)), 5);
		assert_true(eio_bytes_eq(eio__sid_node(eio_cstr(sid)), name));
		assert_int_equal(sid[1], eio_node_mark(name));
		assert_memory_equal(sid, other, 2 + name.n);
		assert_memory_not_equal(sid + 2 + name.n, other + 2 + name.n, EIO_SID_LEN - 2 - name.n);
	}
	sid[1] = 'A'; /* 0 */
	assert_int_equal(eio__sid_node(eio_cstr(sid)).n, 0);
	sid[1] = 'H'; /* 7 */
	assert_int_equal(eio__sid_node(eio_cstr(sid)).n, 0);
	sid[1] = '%';
	assert_int_equal(eio__sid_node(eio_cstr(sid)).n, 0);
	sid[1] = 'G';
	assert_int_equal(eio__sid_node(eio_cstr(sid)).n, 6);
	assert_int_equal(eio__sid_node(eio_bytes(sid, EIO_SID_LEN - 1)).n, 0);
	sid[7] = '.';
	assert_int_equal(eio__sid_node(eio_cstr(sid)).n, 0);
	assert_int_equal(eio__sid_node(eio_bytes("", 0)).n, 0);
}

static void
test_node_names(void **state)
{
	(void)state;
	assert_true(eio_node_valid(EIO_LIT("a")));
	assert_true(eio_node_valid(EIO_LIT("eu-1_Z")));
	assert_false(eio_node_valid(EIO_LIT("")));
	assert_false(eio_node_valid(EIO_LIT("1234567")));
	assert_false(eio_node_valid(EIO_LIT("a.b")));
	assert_false(eio_node_valid(EIO_LIT("\xc3\xa4")));
	assert_false(eio_node_valid(eio_bytes("a\0", 2)));
}

/* No byte is handed out twice: what is too little for a request is thrown away. */
static void
test_random(void **state)
{
	enum { PART = EIO_RANDOM_BYTES / 3 };
	unsigned char got[PART];
	struct eio_random random = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++) {
		memcpy(got, eio_random_take(&random, PART), PART);
		assert_memory_not_equal(got, eio_random_take(&random, PART), PART);
	}
	eio_random_take(&random, EIO_RANDOM_BYTES);
	assert_int_equal(random.left, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sid), cmocka_unit_test(test_node),
		cmocka_unit_test(test_node_names), cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
