/* SPDX-License-Identifier: MIT */
/*
 * What tells one poll from another: the value of `t` in the query, which official clients choose anew for each, to keep
 * caches away. So one that comes with that of the poll before is that poll, sent again. Pure functions.
 */
#ifndef EIO_NET_STAMP_H
#define EIO_NET_STAMP_H

#include "eio/bytes.h"

#include <stdint.h>

/* The stamp of a request with that t, for eio_session_repeats. 0: it has none, or one that may be another's, too, as
 * when a client takes the time for it. key: as for eio_hash_bytes. */
uint32_t eio__stamp(const uint64_t key[2], struct eio_bytes t);

#endif
