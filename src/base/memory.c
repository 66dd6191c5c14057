/* SPDX-License-Identifier: MIT */
/* Where malloc is not that of glibc nothing is done: others give back by themselves. */
#include "src/base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

enum {
	MEMORY_LOOK_MS = 10000, /* a burst that comes again by then finds its pages still there */
	MEMORY_SPARE = 32 << 20, /* less without a use is not worth the page faults */
};

/* Where __GLIBC__ is not defined, __GLIBC_PREREQ cannot stand in a condition either. */
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 33)
#define HAVE_MALLINFO2 1
#endif
#endif

#ifdef HAVE_MALLINFO2

/* Bytes of this process's own pages that are in memory. 0 where /proc is not. */
static size_t
resident_bytes(void)
{
	unsigned long size, resident = 0, shared = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f) return 0;
	if (fscanf(f, "%lu %lu %lu", &size, &resident, &shared) != 3) resident = shared = 0;
	fclose(f);
	return (resident - shared) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Of these bytes, those that malloc has not handed out. */
static size_t
idle_bytes(size_t resident)
{
	struct mallinfo2 m = mallinfo2();
	size_t used = m.uordblks + m.hblkhd;

	return resident > used ? resident - used : 0;
}

size_t
memory_give_back(struct memory_watch *w)
{
	size_t before = resident_bytes(), after;

	/* What can never be given back, such as stacks, is no reason to try again and again. */
	if (idle_bytes(before) < w->known + MEMORY_SPARE) return 0;
	malloc_trim(0);
	after = resident_bytes();
	w->known = idle_bytes(after);
	return before > after ? before - after : 0;
}

#else

size_t
memory_give_back(struct memory_watch *w)
{
	(void)w;
	return 0;
}

#endif

static void
on_memory_look(uv_timer_t *timer)
{
	memory_give_back(timer->data);
}

void
memory_watch_start(struct memory_watch *w, uv_loop_t *loop)
{
	w->known = 0;
	uv_timer_init(loop, &w->timer);
	w->timer.data = w;
	uv_timer_start(&w->timer, on_memory_look, MEMORY_LOOK_MS, MEMORY_LOOK_MS);
	uv_unref((uv_handle_t *)&w->timer);
}

void
memory_watch_stop(struct memory_watch *w)
{
	uv_close((uv_handle_t *)&w->timer, NULL);
}
