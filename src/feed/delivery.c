/* SPDX-License-Identifier: MIT */
/* Putting deliveries together, and giving them back. */
#include "src/feed/delivery.h"

#include "eio/list.h"

#include <stdlib.h>
#include <string.h>

/* Moves the broadcasts of `more` behind those of d, which has room for them. */
static void
delivery_append(struct delivery *d, struct delivery *more)
{
	if (more->n) memcpy(d->items + d->n, more->items, more->n * sizeof more->items[0]);
	d->n += more->n;
	d->bytes += more->bytes;
	if (d->serial < more->serial) d->serial = more->serial;
	if (!d->begun_ns || (more->begun_ns && more->begun_ns < d->begun_ns)) {
		d->begun_ns = more->begun_ns;
		d->posted_ns = more->posted_ns;
	}
	if (more->reached.n) d->reached = more->reached;
	free(more);
}

/* The first of them with room for the broadcasts of all; NULL when out of memory. */
static struct delivery *
grow_first(struct delivery *first)
{
	size_t n = first->n;

	for (struct mail *m = first->mail.next; m; m = m->next) n += EIO_CONTAINER(m, struct delivery, mail)->n;
	return realloc(first, sizeof *first + n * sizeof first->items[0]);
}

struct delivery *
delivery_take(struct mail **run)
{
	struct delivery *first = EIO_CONTAINER(*run, struct delivery, mail), *d = NULL;
	struct mail *next = first->mail.next, *after;

	/* At once: answers to thousands who join come one by one. */
	if (next) d = grow_first(first);
	for (; d && next; next = after) {
		after = next->next;
		delivery_append(d, EIO_CONTAINER(next, struct delivery, mail));
	}
	*run = next;
	return d ? d : first;
}

void
delivery_free(struct delivery *d)
{
	for (size_t i = 0; i < d->n; i++) {
		eio_bundle_unref(d->items[i].bundle);
		feed_ask_unref(d->items[i].ask);
		interest_unref(d->items[i].target);
		audience_unref(d->items[i].audience);
		feed_keys_unref(d->items[i].keys);
	}
	atomic_fetch_sub_explicit(&d->budget->outstanding, d->bytes, memory_order_release);
	free(d);
}
