/* SPDX-License-Identifier: MIT */
/* What the load generator tells: that all have joined, and what they got. */
#include "bench/load.h"

#include "bench/bench.h"

#include <inttypes.h>

static struct bench_usage begin_usage;

void
report_begin(void)
{
	for (unsigned i = 0; i < load.n; i++) load.clients[i].counts = (struct counts){ 0 };
	check_begin();
	load.received = load.sent = load.reads = load.pings = load.pongs = load.churned = 0;
	begin_usage = bench_usage_now();
	load.begin_ns = load.last_ns = begin_usage.wall_ns;
}

void
report_ready(void)
{
	printf("{\"ready\":%u,\"seconds\":%.3f,\"sources\":%u,\"deflating\":%u,\"connect_us\":", load.n,
		(double)(bench_now_ns() - load.connect_ns) / 1e9, load.sources + 1, load.deflating);
	hist_print(&load.connect, stdout);
	puts("}");
	fflush(stdout);
}

/* Sum, least and most of one count over all clients that read. */
static void
print_counts(const char *name, size_t offset)
{
	uint64_t sum = 0, min = UINT64_MAX, max = 0, v;

	for (unsigned i = 0; i < load.n - load.stopped; i++) {
		memcpy(&v, (const char *)&load.clients[i].counts + offset, sizeof v);
		sum += v;
		if (v < min) min = v;
		if (v > max) max = v;
	}
	if (min > max) min = max; /* there is none that reads */
	printf("\"%s\":{\"sum\":%" PRIu64 ",\"min\":%" PRIu64 ",\"max\":%" PRIu64 "},", name, sum, min, max);
}

/* The processor time that this program took, and for which it waited; when they are near to all there is, the figures
 * are about it, not the server. */
static void
print_usage(void)
{
	struct bench_usage u = bench_usage_now();
	double wall = (double)(u.wall_ns - begin_usage.wall_ns), cpu = (double)(u.cpu_ns - begin_usage.cpu_ns) / wall;
	double wait = (double)(u.wait_ns - begin_usage.wait_ns) / wall;

	printf("\"generator\":{\"cpu\":%.3f,\"wait\":%.3f,\"limit\":%s}", cpu, wait,
		cpu + wait > 0.9 ? "true" : "false");
}

static void
print_wire(void)
{
	printf("\"wire\":{\"received\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"reads\":%" PRIu64 ",\"deflating\":%u},",
		load.received, load.sent, load.reads, load.deflating);
}

void
report_print(void)
{
	printf("{\"clients\":%u,\"open\":%u,\"seconds\":%.3f,\"received\":%" PRIu64 ",\"pings\":%" PRIu64
	       ",\"pongs\":%" PRIu64 ",\"churned\":%" PRIu64 ",",
		load.n, load.joined - load.closed - load.stopped_closed, (double)(load.last_ns - load.begin_ns) / 1e9,
		load.received, load.pings, load.pongs, load.churned);
	printf("\"stopped\":{\"clients\":%u,\"closed\":%u},", load.stopped, load.stopped_closed);
	print_wire();
	print_counts("frames", offsetof(struct counts, frames));
	print_counts("events", offsetof(struct counts, events));
	print_counts("messages", offsetof(struct counts, messages));
	print_counts("bytes", offsetof(struct counts, bytes));
	check_report(stdout);
	putchar(',');
	print_usage();
	puts("}");
	fflush(stdout);
}
