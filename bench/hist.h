/* SPDX-License-Identifier: MIT */
/*
 * A histogram of durations from 1 ns to 4.8 hours with an error below 1.6 %: 64 equal steps within each power of two.
 * Fixed size, no allocation; adding is a few instructions.
 */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>
#include <stdio.h>

enum { HIST_STEPS = 64, HIST_POWERS = 38, HIST_CELLS = HIST_STEPS * HIST_POWERS };

struct hist {
	uint64_t total, min, max;
	uint64_t cells[HIST_CELLS];
};

void hist_clear(struct hist *h);
void hist_add(struct hist *h, uint64_t ns);

/* The value that a share (0 to 1) of all is not above, in ns; 0 when there is none. */
uint64_t hist_quantile(const struct hist *h, double share);

/* {"count":…,"min":…,"p50":…,"p90":…,"p99":…,"p99.9":…,"max":…} in microseconds. */
void hist_print(const struct hist *h, FILE *out);

/* [[NS,COUNT],…], the cells that are not empty: what histograms of several programs can be added up from. */
void hist_print_cells(const struct hist *h, FILE *out);

#endif
