/* SPDX-License-Identifier: MIT */
/* The payload that answers a poll: what waits in a queue. Not thread-safe. */
#ifndef EIO_COLLECT_H
#define EIO_COLLECT_H

#include "eio/deflate.h"
#include "eio/queue.h"

enum {
	EIO_BINARY_FORM_BYTES = 65536, /* above this a payload in the binary form takes no further bundle */
	EIO_PAYLOAD_BYTES = 4 << 20, /* and none takes more bundles than make so much: it is copied for one client */
};

/* Takes the bundles of a queue, which is not empty, as one payload in a polling form. One bundle alone is shared
 * without a copy. Some may stay for the next poll: those beyond the lengths above, and large ones whose form is not
 * there (eio_bundle_has), unless it comes first: then it is made. In the binary form of revision 3 old clients copy all
 * that is left of a payload for each packet in it, and would need minutes for megabytes of small ones. options: NULL
 * when nothing is compressed. *coding: what the client takes; what the payload is in afterwards: compressed from the
 * threshold on. *plain_n is set to its length before compression. NULL when out of memory: then a bundle is lost. */
struct eio_block *eio_collect(struct eio_queue *q, enum eio_wire wire, const struct eio_deflate *options,
	enum eio_coding *coding, size_t *plain_n);

/* Whether what it takes now is compressed. */
bool eio_collect_codes(const struct eio_queue *q, const struct eio_deflate *options, enum eio_coding coding);

#endif
