/* SPDX-License-Identifier: MIT */
/*
 * How many bytes of large answers a session has on their way that its client has not
 * read: they are no longer in its queue, but in the connections that they came home
 * to, maybe on another thread. An answer that is not large costs less than its
 * connection does, and is not counted.
 *
 * Threads: the session's thread adds; whichever thread is done with an answer
 * takes off. Both hold references.
 */
#ifndef EIO_NET_UNSENT_H
#define EIO_NET_UNSENT_H

#include <stdatomic.h>
#include <stddef.h>

enum { EIO_UNSENT_LEAST = 16385 }; /* bytes of a body that is counted */

struct eio_unsent {
	atomic_uint refs;
	atomic_size_t bytes;
};

/* Counts an answer of n bytes in *u, which is made if it is NULL. Returns a reference for the answer, which
 * eio_unsent_done takes back; NULL when out of memory. */
struct eio_unsent *eio_unsent_add(struct eio_unsent **u, size_t n);

/* The answer of n bytes is written, or will never be. u may be NULL. */
void eio_unsent_done(struct eio_unsent *u, size_t n);

/* Drops the session's own reference. NULL is fine. */
void eio_unsent_unref(struct eio_unsent *u);

static inline size_t
eio_unsent_bytes(const struct eio_unsent *u)
{
	return u ? atomic_load_explicit(&u->bytes, memory_order_relaxed) : 0;
}

#endif
