/* SPDX-License-Identifier: MIT */
/* Rings of what threads have been busy, one for each. */
#include "src/admin/capacity.h"

#include <stdlib.h>

enum { LOOKS = CAPACITY_TICKS + 1 };

int
capacity_init(struct capacity *c, const struct thread *threads, unsigned n)
{
	*c = (struct capacity){ .threads = threads, .n = n, .busy_ms = calloc((size_t)n * LOOKS, sizeof *c->busy_ms) };
	return c->busy_ms ? 0 : -1;
}

void
capacity_tick(struct capacity *c, uint64_t now_ms)
{
	unsigned look = c->ticks++ % LOOKS;

	c->at_ms[look] = now_ms;
	for (unsigned i = 0; i < c->n; i++)
		c->busy_ms[i * LOOKS + look] = atomic_load_explicit(
			&c->threads[i].turns->v[THREAD_METRIC_TURN], memory_order_relaxed);
}

unsigned
capacity_permille(const struct capacity *c)
{
	unsigned last = (c->ticks + LOOKS - 1) % LOOKS, first = c->ticks > LOOKS ? c->ticks % LOOKS : 0;
	uint64_t most = 0, ms;

	if (c->ticks < 2) return 0;
	ms = c->at_ms[last] - c->at_ms[first];
	if (!ms) return 0;
	for (unsigned i = 0; i < c->n; i++) {
		uint64_t busy = c->busy_ms[i * LOOKS + last] - c->busy_ms[i * LOOKS + first];

		if (busy > most) most = busy;
	}
	/* A turn that began before the first look is counted when it ends. */
	return most < ms ? (unsigned)(most * 1000 / ms) : 1000;
}

void
capacity_deinit(struct capacity *c)
{
	free(c->busy_ms);
	c->busy_ms = NULL;
}
