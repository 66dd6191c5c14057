/* SPDX-License-Identifier: MIT */
/* What was answered to an Idempotency-Key before. */
#include "src/admin/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const uint64_t hash_key[2] = { 1, 2 };

static enum admin_replay_result
find(struct admin_replay *r, const char *key, const char *body, uint64_t now, size_t *n)
{
	return admin_replay_find(r, eio_cstr(key), eio_cstr(body), now, n);
}

static void
test_window(void **state)
{
	struct admin_replay *r = admin_replay_new(1000, hash_key);
	size_t n = 99;

	(void)state;
	assert_non_null(r);
	assert_int_equal(find(r, "a", "body", 0, &n), ADMIN_REPLAY_NEW);
	assert_int_equal(admin_replay_add(r, eio_cstr("a"), eio_cstr("body"), 0, 3), 0);
	assert_int_equal(find(r, "a", "body", 999, &n), ADMIN_REPLAY_AGAIN);
	assert_int_equal(n, 3);
	assert_int_equal(find(r, "a", "bodx", 999, &n), ADMIN_REPLAY_OTHER);
	assert_int_equal(find(r, "b", "body", 999, &n), ADMIN_REPLAY_NEW);
	assert_int_equal(find(r, "", "body", 999, &n), ADMIN_REPLAY_NEW);
	assert_int_equal(find(r, "a", "body", 1000, &n), ADMIN_REPLAY_NEW);
	assert_int_equal(admin_replay_add(r, eio_cstr("a"), eio_cstr("other"), 1000, 4), 0);
	assert_int_equal(find(r, "a", "other", 1001, &n), ADMIN_REPLAY_AGAIN);
	assert_int_equal(n, 4);
	admin_replay_free(r);
	admin_replay_free(NULL);
}

static void
test_bound(void **state)
{
	struct admin_replay *r = admin_replay_new(1000, hash_key);
	char key[16];
	size_t n;

	(void)state;
	for (int i = 0; i <= ADMIN_REPLAY_KEYS; i++) {
		snprintf(key, sizeof key, "%d", i);
		assert_int_equal(admin_replay_add(r, eio_cstr(key), eio_cstr("b"), 0, (size_t)i), 0);
	}
	assert_int_equal(find(r, "0", "b", 1, &n), ADMIN_REPLAY_NEW);
	assert_int_equal(find(r, "1", "b", 1, &n), ADMIN_REPLAY_AGAIN);
	assert_int_equal(n, 1);
	assert_int_equal(find(r, key, "b", 1, &n), ADMIN_REPLAY_AGAIN);
	assert_int_equal(n, ADMIN_REPLAY_KEYS);
	admin_replay_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_window), cmocka_unit_test(test_bound) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
