/* SPDX-License-Identifier: MIT */
/* Stamps of requests; see the header. */
#include "eio/net/stamp.h"

#include "eio/hash.h"

enum { CLOCK_LEAST = 10 }; /* characters of the seconds since 1970 */

/* Whether this may be the time in decimal: in seconds, in milliseconds, or with a fraction. Two polls may have the same
 * then, of a client that is fast, or whose clock is slow. */
static bool
is_clock(struct eio_bytes t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((t.p[i] < '0' || t.p[i] > '9') && t.p[i] != '.') return false;
	return t.n >= CLOCK_LEAST;
}

uint32_t
eio__stamp(const uint64_t key[2], struct eio_bytes t)
{
	return t.n == 0 || is_clock(t) ? 0 : (uint32_t)eio_hash_bytes(key, t) | 1;
}
