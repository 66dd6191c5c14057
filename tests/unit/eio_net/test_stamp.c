/* SPDX-License-Identifier: MIT */
/* Stamps of polls: which are one, and whose are the same. */
#include "eio/net/stamp.h"

#include "eio/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t
stamp_of(const char *query)
{
	static const uint64_t key[2] = { 1, 2 };
	static const struct eio_bytes name = { "t", 1 };
	struct eio_bytes t;

	eio_query_find(eio_bytes(query, strlen(query)), &name, &t, 1);
	return eio__stamp(key, t);
}

static void
test_stamps(void **state)
{
	/* Of clients of all generations. */
	static const char *const values[] = { "Q8PHYm5", "Q8PHYm5.0", "Q8PHYm5.1", "1795720354433-0", "1795720354433-1",
		"x7k2pabc", "12345678", "a" };
	char query[128];

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		uint32_t stamp;

		snprintf(query, sizeof query, "EIO=4&transport=polling&t=%s&sid=s", values[i]);
		stamp = stamp_of(query);
		assert_int_not_equal(stamp, 0);
		snprintf(query, sizeof query, "t=%s", values[i]);
		assert_int_equal(stamp_of(query), stamp);
		for (size_t k = 0; k < i; k++) {
			snprintf(query, sizeof query, "t=%s", values[k]);
			assert_int_not_equal(stamp_of(query), stamp);
		}
	}
}

/* What two polls may have in common. */
static void
test_no_stamps(void **state)
{
	static const char *const queries[] = { "", "EIO=4&transport=polling&sid=s", "t", "t=", "tt=x&st=x",
		"t=1795720354", "t=1795720354433", "t=1795720354.4331", "t=1795720354433000000" };

	(void)state;
	for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) assert_int_equal(stamp_of(queries[i]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_no_stamps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
