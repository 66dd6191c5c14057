/* SPDX-License-Identifier: MIT */
/* Placeholders of binary attachments inside JSON text. Not for others. */
#ifndef SIO_PLACEHOLDER_INT_H
#define SIO_PLACEHOLDER_INT_H

#include "eio/buf.h"
#include "sio/packet.h"

struct sio__renumber {
	struct eio_buf *out; /* the text with new numbers is appended here; NULL: only check */
	size_t n_in; /* how many attachments the placeholders may refer to */
	bool share; /* occurrences of one attachment share a number, instead of each getting its own */
	unsigned n_out; /* how many attachments the text written so far uses */
	unsigned char map[SIO_MAX_ATTACHMENTS]; /* new number -> old number */
};

/* Goes over one or more JSON values separated by commas. 0, SIO_ERR_PLACEHOLDER, or SIO_ERR_TOO_MANY_ATTACHMENTS when
 * they would need more than SIO_MAX_ATTACHMENTS numbers. */
int sio__renumber(struct sio__renumber *r, struct eio_bytes json);

#endif
