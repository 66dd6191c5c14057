/* SPDX-License-Identifier: MIT */
/* The program in two formats. */
#include "src/admin/about.h"

#include <inttypes.h>

static void
write_head(struct eio_buf *out, const char *name, const char *type, const char *help)
{
	eio_buf_printf(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

static void
write_number(struct eio_buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
	write_head(out, name, type, help);
	eio_buf_printf(out, "%s %" PRIu64 "\n", name, v);
}

static void
write_fraction(struct eio_buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
	write_head(out, name, type, help);
	eio_buf_printf(out, "%s %" PRIu64 ".%03u\n", name, v / 1000, (unsigned)(v % 1000));
}

void
about_write_prometheus(const struct about *a, struct eio_buf *out)
{
	const struct process_figures *p = &a->process;

	write_head(out, "siocast_build_info", "gauge", "Which siocast this is");
	eio_buf_printf(out, "siocast_build_info{version=\"%s\",libuv=\"%s\"} 1\n", a->version, a->libuv);
	write_fraction(out, "siocast_capacity_ratio", "gauge",
		"Part of the last ten seconds that the busiest thread did not wait", a->busy_permille);
	write_fraction(out, "process_cpu_seconds_total", "counter", "User and system CPU time", p->cpu_ms);
	write_fraction(out, "process_start_time_seconds", "gauge", "Start, in seconds since 1970", a->started_ms);
	if (p->resident) {
		write_number(out, "process_resident_memory_bytes", "gauge", "Resident memory", p->resident);
		write_number(out, "process_virtual_memory_bytes", "gauge", "Virtual memory", p->virtual);
	}
	if (p->files) write_number(out, "process_open_fds", "gauge", "Open files", p->files);
	if (p->max_files) write_number(out, "process_max_fds", "gauge", "Files that may be open", p->max_files);
}

void
about_write_json(const struct about *a, struct eio_buf *out)
{
	const struct process_figures *p = &a->process;

	eio_buf_printf(out, "\"version\":\"%s\",\"capacity_ratio\":%u.%03u", a->version, a->busy_permille / 1000,
		a->busy_permille % 1000);
	eio_buf_printf(out,
		",\"process\":{\"cpu_seconds\":%" PRIu64 ".%03u,\"start_time_seconds\":%" PRIu64 ".%03u"
		",\"resident_memory_bytes\":%" PRIu64 ",\"virtual_memory_bytes\":%" PRIu64 ",\"open_fds\":%" PRIu64
		",\"max_fds\":%" PRIu64 "}",
		p->cpu_ms / 1000, (unsigned)(p->cpu_ms % 1000), a->started_ms / 1000, (unsigned)(a->started_ms % 1000),
		p->resident, p->virtual, p->files, p->max_files);
}
