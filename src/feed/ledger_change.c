/* SPDX-License-Identifier: MIT */
/* Other feeds: what goes on is remembered as before, and what has gone until it is too old. */
#include "src/feed/ledger_int.h"

#include <stdlib.h>
#include <string.h>

int
ledger_prepare(const struct ledger *k, struct ledger_change *c, const struct feed_specs *specs, const size_t *was)
{
	*c = (struct ledger_change){ .was = was, .specs = specs };
	c->histories = calloc(specs->n + 1, sizeof(struct history *));
	c->gaps = calloc(specs->n + 1, sizeof *c->gaps);
	if (!c->histories || !c->gaps) {
		ledger_forget(c);
		return -1;
	}
	for (size_t i = 0; i < specs->n; i++) {
		if (was[i] != SIZE_MAX) continue;
		c->histories[i] = ledger__new_history(k->options, &specs->v[i]);
		if (c->histories[i]) continue;
		ledger_forget(c);
		return -1;
	}
	return 0;
}

void
ledger_forget(struct ledger_change *c)
{
	for (size_t i = 0; c->histories && i < c->specs->n; i++) ledger__free_history(c->histories[i]);
	free(c->histories);
	free(c->gaps);
	*c = (struct ledger_change){ .histories = NULL };
}

/* Beyond what is kept the one that went first is forgotten: who missed something of it begins anew. */
static void
put_aside(struct ledger *k, struct history *h)
{
	if (h->bytes == 0) {
		ledger__free_history(h);
		return;
	}
	if (k->n_past == LEDGER_PAST) {
		ledger__free_history(k->past[0]);
		memmove(k->past, k->past + 1, --k->n_past * sizeof k->past[0]);
	}
	k->past[k->n_past++] = h;
}

void
ledger_commit(struct ledger *k, struct ledger_change *c)
{
	size_t n = c->specs->n, before = k->n_histories - 1;

	c->gaps[n] = k->gaps[before];
	c->histories[n] = k->histories[before];
	for (size_t i = 0; i < n; i++) {
		if (c->was[i] == SIZE_MAX) continue;
		c->histories[i] = k->histories[c->was[i]];
		c->histories[i]->limits = ledger__limits(k->options, &c->specs->v[i].history);
		c->gaps[i] = k->gaps[c->was[i]];
		k->histories[c->was[i]] = NULL;
		k->gaps[c->was[i]] = 0;
	}
	for (size_t i = 0; i < before; i++) {
		if (k->histories[i]) put_aside(k, k->histories[i]);
		if (c->gaps[n] < k->gaps[i]) c->gaps[n] = k->gaps[i];
	}
	free(k->histories);
	free(k->gaps);
	k->histories = c->histories;
	k->gaps = c->gaps;
	k->n_histories = n + 1;
	*c = (struct ledger_change){ .histories = NULL };
}
