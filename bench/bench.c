/* SPDX-License-Identifier: MIT */
/* See bench.h. */
#include "bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t
bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void
bench_sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
}

void
bench_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

void
bench_die_errno(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, ": %s\n", strerror(err));
	va_end(ap);
	exit(1);
}

double
bench_number(const char *option, const char *text, double min, double max)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	/* Written so that a NaN is refused too. */
	if (errno || end == text || *end || !(v >= min && v <= max))
		bench_die("%s %s: a number from %g to %g is wanted", option, text, min, max);
	return v;
}

unsigned
bench_count(const char *option, const char *text, unsigned min, unsigned max)
{
	double v = bench_number(option, text, min, max);

	if (v != (double)(unsigned)v) bench_die("%s %s: a whole number is wanted", option, text);
	return (unsigned)v;
}

const char *
bench_short_text(const char *option, const char *text, size_t max)
{
	if (strlen(text) > max) bench_die("%s: too long", option);
	return text;
}

struct sockaddr_in
bench_address(const char *option, const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN];

	if (!colon || (size_t)(colon - text) >= sizeof host) bench_die("%s %s: HOST:PORT is wanted", option, text);
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (inet_pton(AF_INET, host, &a.sin_addr) != 1) bench_die("%s %s: an IPv4 address is wanted", option, text);
	a.sin_port = htons((uint16_t)bench_count(option, colon + 1, 1, 65535));
	return a;
}

void
bench_open_files(unsigned wanted)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l)) bench_die_errno("getrlimit");
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l)) bench_die_errno("setrlimit");
	if (l.rlim_cur < wanted)
		bench_die("%u open files are needed and %ju are allowed", wanted, (uintmax_t)l.rlim_cur);
}

struct bench_usage
bench_usage_now(void)
{
	struct bench_usage u = { .wall_ns = bench_now_ns(), .cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) };
	FILE *f = fopen("/proc/self/schedstat", "re");

	if (!f) return u;
	if (fscanf(f, "%*u %" SCNu64, &u.wait_ns) != 1) u.wait_ns = 0;
	fclose(f);
	return u;
}
