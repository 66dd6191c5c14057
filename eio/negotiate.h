/* SPDX-License-Identifier: MIT */
/*
 * What a client's headers say about compression: Sec-WebSocket-Extensions (RFC
 * 7692 section 7.1) and Accept-Encoding (RFC 9110 section 12.5.3). Pure
 * functions, any thread.
 */
#ifndef EIO_NEGOTIATE_H
#define EIO_NEGOTIATE_H

#include "eio/deflate.h"

/* Takes the first offer of permessage-deflate that can be met by messages with windows of their own of window_bits, in
 * what the client lists. Appends the answer, the header's value, to out. false when there is none, or the header is
 * malformed: then nothing is appended. */
bool eio_negotiate_deflate(struct eio_bytes offers, int window_bits, struct eio_buf *out);

/* The coding of an answer that may be had as EIO_CODING_GZIP, _DEFLATE or _IDENTITY: which of the first two the client
 * prefers, as in the reference, or identity when it takes none of them. */
enum eio_coding eio_negotiate_coding(struct eio_bytes accept_encoding);

#endif
