/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a connection that have been read and are kept: those that wait behind a
 * request that is being answered; and the beginning of a head that has not arrived
 * as a whole, which the parser has seen, but another process may have to read again.
 *
 *     |  done: seen by the parser  |  waiting  |
 *                                  at          n
 *
 * Mostly there are none, and no memory. No I/O.
 */
#ifndef EIO_NET_PENDING_H
#define EIO_NET_PENDING_H

#include "eio/buf.h"

struct eio__pending {
	struct eio_buf buf;
	size_t at;
};

/* What waits. */
static inline struct eio_bytes
eio__pending_waiting(const struct eio__pending *p)
{
	return eio_bytes(p->buf.p + p->at, p->buf.n - p->at);
}

/* Whether nothing is kept at all. */
static inline bool
eio__pending_none(const struct eio__pending *p)
{
	return p->buf.n == 0;
}

/* The parser has seen n bytes more of what waits. */
void eio__pending_seen(struct eio__pending *p, size_t n);

/* n bytes more wait. head: what is done is the beginning of the head being read, and stays. False when out of
 * memory. */
bool eio__pending_add(struct eio__pending *p, const char *data, size_t n, bool head);

/* The head being read goes on with these bytes, which the parser has seen, while nothing waits. begins: it begins with
 * them. False when out of memory. */
bool eio__pending_head(struct eio__pending *p, const char *data, size_t n, bool begins);

/* What is kept, all of it seen, is the end of what came before, and from its last n bytes on the beginning of a
 * head. */
void eio__pending_keep_last(struct eio__pending *p, size_t n);

/* Frees all. */
void eio__pending_clear(struct eio__pending *p);

#endif
