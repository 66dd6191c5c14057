/* SPDX-License-Identifier: MIT */
/* Lines of the log that come again and again: the first are written, how many others there were is told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/base/log_repeats.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Kinds, as far apart as those of calls in a program, and more than the table has room for. */
static const char kinds[1000][16];

static unsigned
passed(const char *kind, unsigned n, uint64_t now_ms)
{
	unsigned passes = 0;

	for (unsigned i = 0; i < n; i++) passes += log_repeats_pass(kind, LOG_LEVEL_WARN, now_ms);
	return passes;
}

static void
nothing_left(uint64_t now_ms)
{
	struct log_repeated r;

	assert_false(log_repeats_take(now_ms, true, &r));
}

static void
first_ones_pass(void **state)
{
	struct log_repeated r;

	(void)state;
	assert_int_equal(passed(kinds[0], LOG_REPEATS_BURST, 1000), LOG_REPEATS_BURST);
	nothing_left(1000);
	assert_int_equal(passed(kinds[0], 7, 1000 + LOG_REPEATS_MS - 1), 0);
	assert_int_equal(passed(kinds[1], 1, 1000), 1); /* another kind has nothing to do with it */
	assert_false(log_repeats_take(1000 + LOG_REPEATS_MS - 1, false, &r));
	assert_true(log_repeats_take(1000 + LOG_REPEATS_MS, false, &r));
	assert_ptr_equal(r.format, kinds[0]);
	assert_int_equal(r.level, LOG_LEVEL_WARN);
	assert_int_equal(r.lines, 7);
	nothing_left(1000 + LOG_REPEATS_MS);
	assert_int_equal(passed(kinds[0], 50, 1000 + LOG_REPEATS_MS), LOG_REPEATS_BURST);
	assert_true(log_repeats_take(1000 + LOG_REPEATS_MS, true, &r));
	assert_int_equal(r.lines, 50 - LOG_REPEATS_BURST);
}

/* A kind that comes now and then is never bounded. */
static void
slow_ones_pass(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_true(log_repeats_pass(kinds[2], LOG_LEVEL_INFO, i * LOG_REPEATS_MS / LOG_REPEATS_BURST));
	nothing_left(0);
}

/* More kinds than there is room for: the first line of each is written, and what was counted of others stays. */
static void
many_kinds(void **state)
{
	struct log_repeated r;
	uint64_t lines = 0;

	(void)state;
	assert_int_equal(passed(kinds[3], 100, 500000), LOG_REPEATS_BURST);
	for (size_t round = 0; round < 3; round++)
		for (size_t i = 4; i < 1000; i++) assert_true(log_repeats_pass(kinds[i], LOG_LEVEL_INFO, 500000));
	while (log_repeats_take(500000, true, &r)) lines += r.lines;
	assert_int_equal(lines, 100 - LOG_REPEATS_BURST);
}

enum { THREADS = 4, EACH = 20000 };

static void *
count_passes(void *arg)
{
	unsigned *passes = arg;

	*passes = passed(kinds[5], EACH, 900000);
	return NULL;
}

static void
threads_count_together(void **state)
{
	pthread_t threads[THREADS];
	unsigned passes[THREADS], all = 0;
	struct log_repeated r;

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_passes, &passes[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += passes[i];
	}
	assert_int_equal(all, LOG_REPEATS_BURST);
	assert_true(log_repeats_take(900000, true, &r));
	assert_int_equal(r.lines, THREADS * EACH - LOG_REPEATS_BURST);
}

/* As lines: those of the access log, and those with a bound of their own, are not counted. */
static void
lines_are_told(void **state)
{
	static char text[1 << 16];
	struct log_limit limit = { 0 };
	unsigned written = 0, access = 0;
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_bound_repeats(true);
	for (int i = 0; i < 50; i++) {
		log_warn("redis=%d event=lost-again n=%d", i, i);
		log_access("access=%d", i);
		log_limited(LOG_LEVEL_INFO, &limit, (uint64_t)i * LOG_LIMIT_MS, "limited=%d", i);
	}
	for (int i = 0; i < 21; i++) log_info("no name but these %d words", i);
	log_tell_repeats(false);
	log_bound_repeats(false);
	log_tell_repeats(true);
	log_tell_repeats(true);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], text, sizeof text - 1);
	close(ends[0]);
	assert_true(n > 0);
	text[n] = '\0';
	for (const char *p = text; (p = strstr(p, "event=lost-again")); p++) written++;
	for (const char *p = text; (p = strstr(p, "access=")); p++) access++;
	assert_int_equal(written, LOG_REPEATS_BURST);
	assert_int_equal(access, 50);
	assert_non_null(strstr(text, "redis=0 event=lost-again n=0\n"));
	assert_non_null(strstr(text, "limited=49 suppressed=0\n"));
	assert_non_null(strstr(text, "warn  event=repeated line=\"lost-again\" times=30\n"));
	assert_non_null(strstr(text, "info  event=repeated line=\"no\" times=1\n"));
	assert_null(strstr(strstr(text, "times=30") + 1, "times=30"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_ones_pass),
		cmocka_unit_test(slow_ones_pass),
		cmocka_unit_test(many_kinds),
		cmocka_unit_test(threads_count_together),
		cmocka_unit_test(lines_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
