/* SPDX-License-Identifier: MIT */
/* Sids: none like another, each tells its server; and the random bytes that they are made of. */
#include "eio/net/sid.h"

#include "eio/net/server.h"

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
		eio__sid_make(&random, i % EIO_MAX_SERVERS, sids[i]);
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
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sid), cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
