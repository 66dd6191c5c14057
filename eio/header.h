/* SPDX-License-Identifier: MIT */
/*
 * The values of HTTP headers that are lists (RFC 9110 section 5.6.1), and of them
 * Accept-Encoding (section 12.5.3). Pure functions, any thread.
 */
#ifndef EIO_HEADER_H
#define EIO_HEADER_H

#include "eio/bytes.h"

/* The same without blanks at its ends. */
struct eio_bytes eio_header_trim(struct eio_bytes s);

/* Takes what stands before the next separator off the front of *s, trimmed; a separator in quotes is none. */
struct eio_bytes eio_header_take(struct eio_bytes *s, char separator);

/* Whether two words are the same, whatever the case of ASCII letters. */
bool eio_header_is(struct eio_bytes s, struct eio_bytes word);

enum { EIO_WEIGHT_MAX = 1000 };

/* What a client says of one coding. */
struct eio_accepted {
	struct eio_bytes coding; /* part of the header; "*": all that are not named */
	int weight; /* in thousandths; 0: it is not wanted, which a q that cannot be read means as well */
};

/* Takes the next coding off the front of an Accept-Encoding header. false at its end. */
bool eio_header_accepted(struct eio_bytes *rest, struct eio_accepted *out);

#endif
