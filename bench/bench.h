/* SPDX-License-Identifier: MIT */
/*
 * What the programs of bench/ share: the clock, an end with a message, numbers and addresses on a command line, and how
 * much of a processor this process got. They are tools run by hand or by a script, so a failure ends the program.
 * Single-threaded.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds: the same clock in all processes, so that stamps can be compared. */
uint64_t bench_now_ns(void);

/* Sleeps until that clock shows so much. */
void bench_sleep_until(uint64_t ns);

/* Prints "<program>: text" (and the errno text in the second) to stderr and exits with status 1. */
void bench_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void bench_die_errno(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* A decimal number within [min, max], or the end of the program. option: what it is for, for the message. */
double bench_number(const char *option, const char *text, double min, double max);
unsigned bench_count(const char *option, const char *text, unsigned min, unsigned max);

/* The text, or the end of the program when it is longer than max bytes. */
const char *bench_short_text(const char *option, const char *text, size_t max);

/* "127.0.0.1:3000" as an address, or the end of the program. */
struct sockaddr_in bench_address(const char *option, const char *text);

/* Raises the limit of open files as far as it goes; ends the program when that is below `wanted`. */
void bench_open_files(unsigned wanted);

/* What this process has used up to now. Without schedstat in the kernel, wait_ns stays 0. */
struct bench_usage {
	uint64_t wall_ns, cpu_ns;
	uint64_t wait_ns; /* ready to run, but the processor was busy with others */
};
struct bench_usage bench_usage_now(void);

#endif
