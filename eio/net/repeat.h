/* SPDX-License-Identifier: MIT */
/*
 * A poll is the one before it, byte for byte, but for the value of `t`, which keeps
 * caches from answering it. Such a request need not be parsed anew: what the parser
 * made of the one before is that of this one, too, with that value in its place. Pure
 * functions.
 */
#ifndef EIO_NET_REPEAT_H
#define EIO_NET_REPEAT_H

#include "eio/net/request.h"

enum { EIO__REPEAT_MAX = 4096 }; /* bytes of a head that is remembered for that */

/* A request that the parser completed, and the bytes of it: remembers them when it may come again, that is, when it is
 * a GET with a query and without a body, whose connection goes on. */
void eio__request_remember(struct eio_request *r, struct eio_bytes raw);

static inline bool
eio__request_may_repeat(const struct eio_request *r)
{
	return r->raw.n > 0;
}

/* Whether the bytes begin with the request that r remembers, whatever its t, if it has one: that must have as many
 * characters, all of them letters, digits, '.', '-' or '_'. Then that t is r's. Returns how many bytes it has, or 0. */
size_t eio__request_repeat(struct eio_request *r, const char *p, size_t n);

#endif
