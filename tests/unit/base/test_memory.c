/* SPDX-License-Identifier: MIT */
/* Memory that a burst has left goes back, of whatever thread's arena, and nobody tries for ever. */
#include "src/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 100000, BYTES = 1000 };

static void *blocks[2][BLOCKS];

/* Many small blocks, of which some stay in use at the end, so that the top of the heap does not move. */
static void
burst(void *arg)
{
	void **all = arg;

	for (size_t i = 0; i < BLOCKS; i++) {
		all[i] = malloc(BYTES);
		if (all[i]) memset(all[i], 1, BYTES);
	}
	for (size_t i = 0; i < BLOCKS - 1; i++) free(all[i]);
}

static void
test_given_back(void **state)
{
	struct memory_watch w = { .known = 0 };
	uv_thread_t thread;
	size_t n;

	(void)state;
	/* Nothing to give back but what a process of this size has anyway. */
	memory_give_back(&w);
	assert_int_equal(uv_thread_create(&thread, burst, blocks[0]), 0);
	burst(blocks[1]);
	uv_thread_join(&thread);
	n = memory_give_back(&w);
	if (n == 0) skip(); /* another malloc, such as a sanitizer's */
	assert_true(n > (size_t)BLOCKS * BYTES);
	assert_int_equal(memory_give_back(&w), 0);
	free(blocks[0][BLOCKS - 1]);
	free(blocks[1][BLOCKS - 1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_given_back) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
