/* SPDX-License-Identifier: MIT */
/* Counters: summed over threads, and written so that Prometheus and JSON readers take them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sio/json.h"
#include "src/base/metrics.h"

#include <stdio.h>
#include <string.h>

static void
sums(void **state)
{
	struct metrics_set s;

	(void)state;
	assert_int_equal(metrics_set_init(&s, 3), 0);
	assert_int_equal((uintptr_t)&s.rows[1] % 64, 0);
	metrics_inc(&s.rows[0], METRIC_POLLS);
	metrics_add(&s.rows[2], METRIC_POLLS, 41);
	assert_int_equal(metrics_sum(&s, METRIC_POLLS), 42);
	assert_int_equal(metrics_sum(&s, METRIC_POSTS), 0);
	metrics_inc(&s.rows[0], METRIC_SOCKETS_OPEN);
	metrics_sub(&s.rows[1], METRIC_SOCKETS_OPEN, 1);
	assert_int_equal(metrics_sum(&s, METRIC_SOCKETS_OPEN), 0);
	metrics_set_deinit(&s);
}

/* Line by line: each family is announced once, before its samples, and its samples stand together. */
static void
prometheus(void **state)
{
	char seen[METRIC_COUNT][96], *line, *save = NULL;
	struct metrics_set s;
	struct eio_buf out;
	size_t families = 0, samples = 0, n;

	(void)state;
	assert_int_equal(metrics_set_init(&s, 2), 0);
	metrics_add(&s.rows[1], METRIC_CLOSED_PING_TIMEOUT, 7);
	metrics_sub(&s.rows[0], METRIC_CONNECTIONS_OPEN, 1); /* a gauge read in between two threads */
	eio_buf_init(&out);
	metrics_write_prometheus(&s, &out);
	eio_buf_addc(&out, '\0');
	assert_false(eio_buf_failed(&out));
	assert_non_null(strstr(out.p, "\nsiocast_sessions_closed_total{reason=\"ping timeout\"} 7\n"));
	assert_non_null(strstr(out.p, "\nsiocast_connections 0\n"));
	for (line = strtok_r(out.p, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP siocast_", 15) == 0) {
			n = strcspn(line + 7, " ");
			for (size_t i = 0; i < families; i++)
				if (strlen(seen[i]) == n && strncmp(seen[i], line + 7, n) == 0)
					fail_msg("twice: %s", line);
			snprintf(seen[families++], sizeof seen[0], "%.*s", (int)n, line + 7);
			assert_true(strlen(line + 7 + n) > 3); /* it says something */
			assert_int_equal(line[strlen(line) - 1], '.');
		} else if (strncmp(line, "# TYPE ", 7) != 0) {
			n = strcspn(line, "{ ");
			assert_true(families > 0 && strlen(seen[families - 1]) == n);
			assert_memory_equal(line, seen[families - 1], n);
			samples++;
		}
	}
	assert_int_equal(samples, METRIC_COUNT);
	eio_buf_deinit(&out);
	metrics_set_deinit(&s);
}

static void
json(void **state)
{
	struct eio_bytes v, pointer = EIO_LIT("/sessions_closed_total/ping timeout");
	struct metrics_set s;
	struct eio_buf out;

	(void)state;
	assert_int_equal(metrics_set_init(&s, 1), 0);
	metrics_add(&s.rows[0], METRIC_CLOSED_PING_TIMEOUT, UINT64_MAX);
	metrics_add(&s.rows[0], METRIC_CONNECTIONS_OPEN, 3);
	eio_buf_init(&out);
	metrics_write_json(&s, &out);
	assert_int_equal(sio_json_check(eio_buf_bytes(&out)), 0);
	assert_true(sio_json_find(eio_buf_bytes(&out), pointer, &v));
	assert_true(eio_bytes_eq(v, EIO_LIT("18446744073709551615")));
	assert_true(sio_json_find(eio_buf_bytes(&out), EIO_LIT("/connections"), &v));
	assert_true(eio_bytes_eq(v, EIO_LIT("3")));
	eio_buf_deinit(&out);
	metrics_set_deinit(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums),
		cmocka_unit_test(prometheus),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
