/* SPDX-License-Identifier: MIT */
/* The busiest thread's part of the last ten seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/admin/capacity.h"

enum { THREADS = 2 };

struct desk {
	struct metrics_set metrics;
	struct thread threads[THREADS]; /* that never run */
	struct capacity capacity;
	uint64_t now_ms;
};

static void
open_desk(struct desk *d)
{
	*d = (struct desk){ .now_ms = 5000 };
	assert_int_equal(metrics_set_init(&d->metrics), 0);
	for (int i = 0; i < THREADS; i++) assert_int_equal(thread_init(&d->threads[i], i ? "b" : "a", &d->metrics), 0);
	assert_int_equal(capacity_init(&d->capacity, d->threads, THREADS), 0);
}

static void
close_desk(struct desk *d)
{
	capacity_deinit(&d->capacity);
	for (int i = 0; i < THREADS; i++) {
		thread_stop(&d->threads[i]);
		thread_deinit(&d->threads[i]);
	}
	metrics_set_deinit(&d->metrics);
}

/* Time goes on, in which both threads were busy. */
static void
pass(struct desk *d, uint64_t ms, uint64_t a, uint64_t b)
{
	d->now_ms += ms;
	metrics_add(d->threads[0].turns, THREAD_METRIC_TURN, a);
	metrics_add(d->threads[1].turns, THREAD_METRIC_TURN, b);
	capacity_tick(&d->capacity, d->now_ms);
}

static void
busiest(void **state)
{
	struct desk d;

	(void)state;
	open_desk(&d);
	assert_int_equal(capacity_permille(&d.capacity), 0);
	pass(&d, 0, 900, 900); /* what was before the first look */
	assert_int_equal(capacity_permille(&d.capacity), 0);
	pass(&d, 1000, 100, 300);
	assert_int_equal(capacity_permille(&d.capacity), 300);
	pass(&d, 1000, 900, 300);
	assert_int_equal(capacity_permille(&d.capacity), 500);
	close_desk(&d);
}

static void
ten_seconds(void **state)
{
	struct desk d;

	(void)state;
	open_desk(&d);
	for (int i = 0; i < 25; i++) pass(&d, 1000, 1000, 0);
	assert_int_equal(capacity_permille(&d.capacity), 1000);
	for (int i = 1; i <= 10; i++) {
		pass(&d, 1000, 0, 0);
		assert_int_equal(capacity_permille(&d.capacity), 1000 - 100 * i);
	}
	pass(&d, 1000, 0, 250);
	assert_int_equal(capacity_permille(&d.capacity), 25);
	close_desk(&d);
}

/* A turn of three seconds ends; and time that stands still. */
static void
odd_times(void **state)
{
	struct desk d;

	(void)state;
	open_desk(&d);
	pass(&d, 0, 0, 0);
	pass(&d, 1000, 3000, 0);
	assert_int_equal(capacity_permille(&d.capacity), 1000);
	close_desk(&d);
	open_desk(&d);
	pass(&d, 0, 0, 0);
	pass(&d, 0, 5, 0);
	assert_int_equal(capacity_permille(&d.capacity), 0);
	close_desk(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busiest),
		cmocka_unit_test(ten_seconds),
		cmocka_unit_test(odd_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
