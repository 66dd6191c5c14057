/* SPDX-License-Identifier: MIT */
/* From getrusage(2) and /proc. */
#include "src/base/process.h"

#include "src/base/file_limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

static uint64_t
ms_of(uv_timeval_t t)
{
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_usec / 1000;
}

/* Two numbers of pages: all that is mapped, and what is in memory. */
static void
read_memory(struct process_figures *p)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), mapped, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f) return;
	if (fscanf(f, "%" SCNu64 " %" SCNu64, &mapped, &resident) == 2) {
		p->virtual = mapped * page;
		p->resident = resident * page;
	}
	fclose(f);
}

struct process_figures
process_read(void)
{
	struct process_figures p = { .files = file_limit_used(), .max_files = file_limit_now() };
	uv_rusage_t usage;

	if (uv_getrusage(&usage) == 0) p.cpu_ms = ms_of(usage.ru_utime) + ms_of(usage.ru_stime);
	read_memory(&p);
	return p;
}
