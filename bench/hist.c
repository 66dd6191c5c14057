/* SPDX-License-Identifier: MIT */
/* See hist.h. */
#include "bench/hist.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { HIST_STEP_BITS = 6 };

void
hist_clear(struct hist *h)
{
	memset(h, 0, sizeof *h);
}

/* Values below 64 have a cell each; above, the highest bit chooses the row and the six bits after it the cell. */
static unsigned
cell_of(uint64_t v)
{
	unsigned shift, cell;

	if (v < HIST_STEPS) return (unsigned)v;
	shift = (unsigned)(63 - __builtin_clzll(v)) - HIST_STEP_BITS;
	cell = (shift + 1) * HIST_STEPS + (unsigned)((v >> shift) - HIST_STEPS);
	return cell < HIST_CELLS ? cell : HIST_CELLS - 1;
}

/* The middle of a cell. */
static uint64_t
cell_value(unsigned cell)
{
	unsigned shift;

	if (cell < HIST_STEPS) return cell;
	shift = cell / HIST_STEPS - 1;
	return ((uint64_t)(cell % HIST_STEPS + HIST_STEPS) << shift) + ((uint64_t)1 << shift) / 2;
}

void
hist_add(struct hist *h, uint64_t ns)
{
	if (h->total == 0 || ns < h->min) h->min = ns;
	if (ns > h->max) h->max = ns;
	h->total++;
	h->cells[cell_of(ns)]++;
}

uint64_t
hist_quantile(const struct hist *h, double share)
{
	uint64_t wanted = (uint64_t)ceil(share * (double)h->total), seen = 0, v;

	if (h->total == 0) return 0;
	if (wanted == 0) wanted = 1;
	for (unsigned i = 0; i < HIST_CELLS; i++) {
		seen += h->cells[i];
		if (seen < wanted) continue;
		v = cell_value(i);
		if (v < h->min) return h->min;
		return v > h->max ? h->max : v;
	}
	return h->max;
}

void
hist_print(const struct hist *h, FILE *out)
{
	static const struct {
		const char *name;
		double share;
	} points[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };

	fprintf(out, "{\"count\":%" PRIu64 ",\"min\":%.1f", h->total, (double)h->min / 1e3);
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
		fprintf(out, ",\"%s\":%.1f", points[i].name, (double)hist_quantile(h, points[i].share) / 1e3);
	fprintf(out, ",\"max\":%.1f}", (double)h->max / 1e3);
}

void
hist_print_cells(const struct hist *h, FILE *out)
{
	const char *before = "";

	fputc('[', out);
	for (unsigned i = 0; i < HIST_CELLS; i++) {
		if (h->cells[i] == 0) continue;
		fprintf(out, "%s[%" PRIu64 ",%" PRIu64 "]", before, cell_value(i), h->cells[i]);
		before = ",";
	}
	fputc(']', out);
}
