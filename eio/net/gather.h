/* SPDX-License-Identifier: MIT */
/*
 * What a pass of broadcasts has for many sockets, gathered so that each of them gets one send, whatever the number of
 * its blocks: the cost is in the number of writes.
 *
 *     add(a, 1) add(b, 1) add(b, 2) add(a, 3)  ──flush──▶  a: 1 3   b: 1 2
 *
 * By io_uring (uring.h) many of these sends are one system call; without it each is a sendmsg(). What goes out by TLS
 * is encrypted at the flush, all of a burst together, and then sent in the same way.
 *
 * Threads: the loop's only.
 */
#ifndef EIO_NET_GATHER_H
#define EIO_NET_GATHER_H

#include "eio/bundle.h"
#include "eio/net/tls.h"

#include <stdbool.h>
#include <stdint.h>

/* What is gathered for one socket; part of whatever stands for it, which may not go before the next flush. All zero:
 * nothing. */
struct eio__burst {
	uint32_t first, last; /* its blocks, see gather.c */
	uint32_t n, bytes;
};

struct eio__gather;

/* A socket did not take all of its burst, because it had no room or is broken, which its next send finds out: told for
 * each block of which something is left, in their order. at: what has left of it. NULL: all blocks were taken by TLS,
 * where some of it waits. The burst is empty then, and nothing may be added during the call. */
typedef void eio__gather_left(struct eio__burst *b, struct eio_block *block, size_t at);

/* NULL when out of memory. */
struct eio__gather *eio__gather_new(eio__gather_left *left);

/* Frees one in which nothing waits. NULL is fine. */
void eio__gather_free(struct eio__gather *g);

/* From now on sends go by io_uring. Call it in the loop's thread. 0, or -errno where that does not work: then nothing
 * changes. */
int eio__gather_use_uring(struct eio__gather *g);

/* Begins a pass. wide: sockets may get several blocks, so all of it is gathered; else a flush comes as soon as there is
 * enough for a system call, and without io_uring nothing is worth gathering. */
void eio__gather_begin(struct eio__gather *g, bool wide);

/* Flushes, and ends the pass. */
void eio__gather_end(struct eio__gather *g);

/* Whether a burst cannot take so many bytes more in this pass: flush first. */
bool eio__burst_full(const struct eio__burst *b, size_t more);

/* Adds a block behind what a burst has that is not full; takes a reference. false when it is to be written now, behind
 * what the burst has: no pass is on, or out of memory. Nothing was added then. */
bool eio__gather_add(struct eio__gather *g, struct eio__burst *b, int fd, struct eio_block *block);

/* The same for a socket with TLS, in which nothing waits. */
bool eio__gather_add_tls(
	struct eio__gather *g, struct eio__burst *b, int fd, struct eio_tls *tls, struct eio_block *block);

/* Sends all that was gathered. */
void eio__gather_flush(struct eio__gather *g);

static inline bool
eio__burst_empty(const struct eio__burst *b)
{
	return b->n == 0;
}

#endif
