/* SPDX-License-Identifier: MIT */
/* Counting of what a session's client has not read. */
#include "eio/net/unsent.h"

#include "eio/refs.h"

#include <stdlib.h>

struct eio_unsent *
eio_unsent_add(struct eio_unsent **u, size_t n)
{
	if (!*u) {
		*u = malloc(sizeof **u);
		if (!*u) return NULL;
		atomic_init(&(*u)->refs, 1);
		atomic_init(&(*u)->bytes, 0);
	}
	atomic_fetch_add_explicit(&(*u)->refs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&(*u)->bytes, n, memory_order_relaxed);
	return *u;
}

void
eio_unsent_unref(struct eio_unsent *u)
{
	if (u && eio_refs_drop(&u->refs)) free(u);
}

void
eio_unsent_done(struct eio_unsent *u, size_t n)
{
	if (!u) return;
	atomic_fetch_sub_explicit(&u->bytes, n, memory_order_relaxed);
	eio_unsent_unref(u);
}
