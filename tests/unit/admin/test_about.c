/* SPDX-License-Identifier: MIT */
/* What is said of the program, in both formats; and of this process, which is one as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/admin/about.h"

#include <string.h>

static const struct about example = {
	.version = "1.2.3",
	.libuv = "1.44.2",
	.started_ms = 1700000000007,
	.busy_permille = 45,
	.process = { .cpu_ms = 61005, .resident = 4096, .virtual = 8192, .files = 12, .max_files = 1024 },
};

static const char prometheus[] =
	"# HELP siocast_build_info Which siocast this is.\n"
	"# TYPE siocast_build_info gauge\n"
	"siocast_build_info{version=\"1.2.3\",libuv=\"1.44.2\"} 1\n"
	"# HELP siocast_capacity_ratio Part of the last ten seconds that the busiest thread did not wait.\n"
	"# TYPE siocast_capacity_ratio gauge\n"
	"siocast_capacity_ratio 0.045\n"
	"# HELP process_cpu_seconds_total User and system CPU time.\n"
	"# TYPE process_cpu_seconds_total counter\n"
	"process_cpu_seconds_total 61.005\n"
	"# HELP process_start_time_seconds Start, in seconds since 1970.\n"
	"# TYPE process_start_time_seconds gauge\n"
	"process_start_time_seconds 1700000000.007\n"
	"# HELP process_resident_memory_bytes Resident memory.\n"
	"# TYPE process_resident_memory_bytes gauge\n"
	"process_resident_memory_bytes 4096\n"
	"# HELP process_virtual_memory_bytes Virtual memory.\n"
	"# TYPE process_virtual_memory_bytes gauge\n"
	"process_virtual_memory_bytes 8192\n"
	"# HELP process_open_fds Open files.\n"
	"# TYPE process_open_fds gauge\n"
	"process_open_fds 12\n"
	"# HELP process_max_fds Files that may be open.\n"
	"# TYPE process_max_fds gauge\n"
	"process_max_fds 1024\n";

static void
expect(struct eio_buf *got, const char *text)
{
	eio_buf_addc(got, '\0');
	assert_false(got->failed);
	assert_string_equal(got->p, text);
	eio_buf_deinit(got);
}

static void
formats(void **state)
{
	struct eio_buf out;

	(void)state;
	eio_buf_init(&out);
	about_write_prometheus(&example, &out);
	expect(&out, prometheus);
	eio_buf_init(&out);
	about_write_json(&example, &out);
	expect(&out,
		"\"version\":\"1.2.3\",\"capacity_ratio\":0.045,\"process\":{\"cpu_seconds\":61.005,"
		"\"start_time_seconds\":1700000000.007,\"resident_memory_bytes\":4096,\"virtual_memory_bytes\":8192,"
		"\"open_fds\":12,\"max_fds\":1024}");
}

/* What the system does not tell is left out, and not said to be nothing. */
static void
not_told(void **state)
{
	struct about a = example;
	struct eio_buf out;

	(void)state;
	a.process = (struct process_figures){ .cpu_ms = 1 };
	eio_buf_init(&out);
	about_write_prometheus(&a, &out);
	eio_buf_addc(&out, '\0');
	assert_false(out.failed);
	assert_non_null(strstr(out.p, "process_cpu_seconds_total 0.001\n"));
	assert_null(strstr(out.p, "memory"));
	assert_null(strstr(out.p, "fds"));
	eio_buf_deinit(&out);
}

static void
this_process(void **state)
{
	struct process_figures p = process_read();
	volatile uint64_t work = 0;

	(void)state;
	assert_in_range(p.resident, 100000, p.virtual);
	assert_in_range(p.files, 3, p.max_files ? p.max_files : UINT64_MAX);
	do {
		for (int i = 0; i < 1000000; i++) work++;
	} while (process_read().cpu_ms < p.cpu_ms + 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(not_told),
		cmocka_unit_test(this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
