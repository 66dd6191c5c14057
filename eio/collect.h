/* SPDX-License-Identifier: MIT */
/* The payload that answers a poll: everything that waits in a queue. Not thread-safe. */
#ifndef EIO_COLLECT_H
#define EIO_COLLECT_H

#include "eio/deflate.h"
#include "eio/queue.h"

/* Takes all bundles of a queue, which is not empty, as one payload in a polling form. One bundle alone is shared without a copy.
 * options: NULL when nothing is compressed. *coding: what the client takes; what the payload is in afterwards: compressed from
 * the threshold on. *plain_n is set to its length before compression. NULL when out of memory. */
struct eio_block *eio_collect(struct eio_queue *q, enum eio_wire wire, const struct eio_deflate *options,
	enum eio_coding *coding, size_t *plain_n);

#endif
