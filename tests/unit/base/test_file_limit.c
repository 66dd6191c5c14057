/* SPDX-License-Identifier: MIT */
/* How many files may be open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/file_limit.h"

#include <sys/resource.h>

static void
choice(void **state)
{
	static const struct {
		uint64_t soft, hard, max_connections, want;
	} cases[] = {
		{ 1024, 524288, 0, FILE_LIMIT_USUAL }, /* systemd, a shell */
		{ 1024, 20000, 0, 20000 },
		{ 1024, RLIM_INFINITY, 0, FILE_LIMIT_USUAL },
		{ 200000, 200000, 0, 200000 }, /* somebody wants that many */
		{ 1073741816, 1073741816, 0, FILE_LIMIT_MOST }, /* a container: a table of 8 GB */
		{ RLIM_INFINITY, RLIM_INFINITY, 0, FILE_LIMIT_MOST },
		{ 1024, 524288, 100, 100 + FILE_LIMIT_SPARE },
		{ 524288, 524288, 100, 100 + FILE_LIMIT_SPARE },
		{ 1024, 524288, 400000, 400000 + FILE_LIMIT_SPARE },
		{ 1024, 20000, 400000, 20000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(
			file_limit_choose(cases[i].soft, cases[i].hard, cases[i].max_connections), cases[i].want);
}

/* Without maxConnections, too, something stays free for Redis, the admin port and files. */
static void
connections(void **state)
{
	static const struct {
		uint64_t limit, used, max_connections, want;
	} cases[] = {
		{ 65536, 60, 0, 65536 - FILE_LIMIT_SPARE },
		{ 65536, 2000, 0, 65536 - 2000 - FILE_LIMIT_SPARE_LEAST },
		{ 65536, 60, 100, 100 },
		{ 100 + FILE_LIMIT_SPARE, 60, 100, 100 },
		{ 1024, 20, 5000, 1024 - 128 },
		{ 20000, 60, 19900, 19900 }, /* it fits, without all of the spare */
		{ 20000, 60, 20000 - 60 - FILE_LIMIT_SPARE_LEAST, 20000 - 60 - FILE_LIMIT_SPARE_LEAST },
		{ 20000, 60, 20000 - 60 - FILE_LIMIT_SPARE_LEAST + 1, 20000 - FILE_LIMIT_SPARE },
		{ 40, 20, 5, 1 },
		{ 64, 20, 0, 64 - 20 - FILE_LIMIT_SPARE_LEAST },
		{ 40, 20, 0, 1 },
		{ RLIM_INFINITY, 20, 0, RLIM_INFINITY - FILE_LIMIT_SPARE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(
			file_limit_connections(cases[i].limit, cases[i].used, cases[i].max_connections), cases[i].want);
	assert_in_range(file_limit_used(), 3, 100);
}

static void
is_set(void **state)
{
	struct rlimit r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	assert_true(r.rlim_max >= FILE_LIMIT_SPARE + 7);
	file_limit_set(7);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	assert_int_equal(r.rlim_cur, FILE_LIMIT_SPARE + 7);
	assert_int_equal(file_limit_now(), FILE_LIMIT_SPARE + 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choice),
		cmocka_unit_test(connections),
		cmocka_unit_test(is_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
