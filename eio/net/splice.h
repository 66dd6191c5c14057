/* SPDX-License-Identifier: MIT */
/*
 * Two connections that become one: what comes by the one leaves by the other, as it is, until both have ended. What one
 * does not take is kept, EIO_SPLICE_BYTES at most, and the other is not read meanwhile.
 *
 * Threads: the loop's only.
 */
#ifndef EIO_NET_SPLICE_H
#define EIO_NET_SPLICE_H

#include "eio/net/clock.h"

struct eio_tls;
struct eio_splices;

enum {
	EIO_SPLICE_BYTES = 16384, /* in each direction; as much as a record of TLS has */
	EIO_SPLICE_END_MS = 5000, /* for the other side to end, once one has */
};

/* The clock is borrowed. NULL when out of memory. */
struct eio_splices *eio_splices_new(uv_loop_t *loop, struct eio_clock *clock);

/* Joins two connected sockets, which it owns from now on: that of a client, whose TLS may be NULL, and another one. Out
 * of memory closes both. */
void eio_splices_join(struct eio_splices *all, int client, struct eio_tls *tls, int other);

/* How many pairs there are. */
size_t eio_splices_count(const struct eio_splices *all);

/* Closes all pairs, with what is on its way. More may be joined afterwards. */
void eio_splices_cut(struct eio_splices *all);

/* The same, and frees it once the loop has run. Before its clock is closed. NULL is fine. */
void eio_splices_close(struct eio_splices *all);

#endif
