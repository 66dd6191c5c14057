/* SPDX-License-Identifier: MIT */
/*
 * send() against io_uring, in turn over the same connections: what a busy neighbour does to the machine it does to
 * both. The processor time from each pass to the next is taken, of this process and of the kernel's thread that goes on
 * with what the network code has not finished (on loopback that is the receiving side); the median of each kind is
 * told.
 */
#include "bench/floor.h"

#include "bench/bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct hist cpu[2];
static unsigned turn;
static uint64_t before_ns;
static int softirq = -1; /* the schedstat of this processor's thread */

static int
open_if_named(const char *pid, const char *wanted)
{
	char path[300], name[32] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (!f) return -1;
	if (!fgets(name, sizeof name, f)) name[0] = '\0';
	fclose(f);
	if (strcmp(name, wanted) != 0) return -1;
	snprintf(path, sizeof path, "/proc/%s/schedstat", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void
open_softirq(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	char wanted[32];

	snprintf(wanted, sizeof wanted, "ksoftirqd/%d\n", sched_getcpu());
	while (dir && softirq < 0 && (e = readdir(dir)) != NULL) softirq = open_if_named(e->d_name, wanted);
	if (dir) closedir(dir);
}

static void
open_both(void)
{
	mode_uring.open();
	open_softirq();
}

static uint64_t
softirq_ns(void)
{
	char text[64] = "";

	if (softirq < 0 || pread(softirq, text, sizeof text - 1, 0) < 0) return 0;
	return strtoull(text, NULL, 10);
}

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec + softirq_ns();
}

static void
send_in_turn(void)
{
	const struct mode *const modes[2] = { &mode_send, &mode_uring };
	uint64_t now = cpu_ns();

	/* What has been used since the pass before began belongs to that one. */
	if (before_ns) hist_add(&cpu[(turn + 1) % 2], (now - before_ns) / fl.n);
	before_ns = now;
	modes[turn % 2]->send();
	turn++;
}

static void
compare_report(FILE *out)
{
	static const char *const names[2] = { "send", "uring" };

	for (unsigned i = 0; i < 2; i++) {
		fprintf(out, ",\"%s_us\":", names[i]);
		hist_print(&cpu[i], out);
		hist_clear(&cpu[i]);
	}
	before_ns = 0;
}

const struct mode mode_compare = {
	.name = "compare",
	.answer = block_answer,
	.stages = 2,
	.make = block_make,
	.send = send_in_turn,
	.open = open_both,
	.report = compare_report,
};
