/* SPDX-License-Identifier: MIT */
/* Counted references to what threads share: the last one to let go frees it. Any thread. */
#ifndef EIO_REFS_H
#define EIO_REFS_H

#include "eio/check.h"

#include <stdatomic.h>
#include <stdbool.h>

/* One more. The caller has one, or got it from who has. */
static inline void
eio_refs_take(atomic_uint *refs)
{
	atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

/* One less. True when it was the last: what others wrote before they let go is then seen here. */
static inline bool
eio_refs_drop(atomic_uint *refs)
{
	unsigned before = atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel);

	CHECK(before > 0);
	return before == 1;
}

#endif
