/* SPDX-License-Identifier: MIT */
/* Waits between attempts: they grow, and only what went well for a while makes them short again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/redis/backoff.h"

static void
failed(struct redis_backoff *b, uint64_t now_ms, uint64_t most_ms)
{
	assert_in_range(redis_backoff_failed(b, now_ms), most_ms / 2 + 1, most_ms);
}

static void
waits_grow(void **state)
{
	static const unsigned most[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000 };
	struct redis_backoff b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) failed(&b, i, most[i]);
	for (int i = 0; i < 100; i++) failed(&b, 100, 5000);
}

/* A server that takes every connection and hangs up before a second has passed. */
static void
working_shortly_does_not_count(void **state)
{
	struct redis_backoff b = { 0 };
	uint64_t now = 12345;

	(void)state;
	failed(&b, now, 100);
	redis_backoff_works(&b, now);
	failed(&b, now, 200);
	redis_backoff_works(&b, now);
	failed(&b, now + REDIS_STEADY_MS - 1, 400);
	now += 1000000;
	failed(&b, now, 800); /* it did not work meanwhile */
}

static void
working_for_a_second_does(void **state)
{
	struct redis_backoff b = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++) redis_backoff_failed(&b, 5);
	redis_backoff_works(&b, 1000);
	failed(&b, 1000 + REDIS_STEADY_MS, 100);
	failed(&b, 1000 + 2 * REDIS_STEADY_MS, 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow),
		cmocka_unit_test(working_shortly_does_not_count),
		cmocka_unit_test(working_for_a_second_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
