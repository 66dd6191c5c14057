/* SPDX-License-Identifier: MIT */
/* Putting deliveries together, and giving them back. */
#include "src/feed/delivery.h"

#include "eio/list.h"

#include <stdlib.h>
#include <string.h>

/* Moves the broadcasts of `more` behind those of d. Returns d, which may lie elsewhere now, and more is gone; or NULL
 * when out of memory, and both are as they were. */
static struct delivery *
delivery_append(struct delivery *d, struct delivery *more)
{
	struct delivery *all = realloc(d, sizeof *d + (d->n + more->n) * sizeof d->items[0]);

	if (!all) return NULL;
	if (more->n) memcpy(all->items + all->n, more->items, more->n * sizeof more->items[0]);
	all->n += more->n;
	all->bytes += more->bytes;
	free(more);
	return all;
}

struct delivery *
delivery_take(struct mail **run)
{
	struct delivery *d = EIO_CONTAINER(*run, struct delivery, mail), *all;
	struct mail *next = d->mail.next, *after;

	for (; next; next = after) {
		after = next->next;
		all = delivery_append(d, EIO_CONTAINER(next, struct delivery, mail));
		if (!all) break;
		d = all;
	}
	*run = next;
	return d;
}

void
delivery_free(struct delivery *d)
{
	for (size_t i = 0; i < d->n; i++) {
		eio_bundle_unref(d->items[i].bundle);
		interest_unref(d->items[i].target);
		audience_unref(d->items[i].audience);
		feed_keys_unref(d->items[i].keys);
	}
	atomic_fetch_sub_explicit(&d->budget->outstanding, d->bytes, memory_order_release);
	free(d);
}
