/* SPDX-License-Identifier: MIT */
/* The payload that answers a poll: what waits in a queue. Not thread-safe. */
#ifndef EIO_COLLECT_H
#define EIO_COLLECT_H

#include "eio/deflate.h"
#include "eio/queue.h"

enum { EIO_BINARY_FORM_BYTES = 65536 }; /* above this a payload in the binary form takes no further bundle */

/* Takes the bundles of a queue, which is not empty, as one payload in a polling form. One bundle alone is shared
 * without a copy. In the binary form of revision 3 some may stay for the next poll: old clients copy all that is left
 * of such a payload for each packet in it, and would need minutes for megabytes of small ones. options: NULL when
 * nothing is compressed. *coding: what the client takes; what the payload is in afterwards: compressed from the
 * threshold on. *plain_n is set to its length before compression. NULL when out of memory. */
struct eio_block *eio_collect(struct eio_queue *q, enum eio_wire wire, const struct eio_deflate *options,
	enum eio_coding *coding, size_t *plain_n);

#endif
