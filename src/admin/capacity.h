/* SPDX-License-Identifier: MIT */
/*
 * How busy the busiest thread is: one number by which an autoscaler may go. It is the part of the last ten seconds that
 * its loop did not wait, as the histogram of turns has it, so it counts what the loop waited for a processor, too. No
 * clock and no I/O.
 *
 * Threads: one; what it reads is written by the threads.
 */
#ifndef SRC_ADMIN_CAPACITY_H
#define SRC_ADMIN_CAPACITY_H

#include "src/base/thread.h"

enum {
	CAPACITY_TICK_MS = 1000, /* how often capacity_tick is to be called */
	CAPACITY_TICKS = 10, /* which are looked back */
};

struct capacity {
	const struct thread *threads; /* borrowed */
	unsigned n;
	unsigned ticks; /* so far */
	uint64_t at_ms[CAPACITY_TICKS + 1];
	uint64_t *busy_ms; /* of each thread at each tick */
};

/* For n threads, which outlive it. 0, or -1 when out of memory. */
int capacity_init(struct capacity *c, const struct thread *threads, unsigned n);

/* Looks at all threads. */
void capacity_tick(struct capacity *c, uint64_t now_ms);

/* In thousandths, at most 1000; 0 before the second look. */
unsigned capacity_permille(const struct capacity *c);

void capacity_deinit(struct capacity *c);

#endif
