/* SPDX-License-Identifier: MIT */
/* Base64 (RFC 4648 section 4), as Engine.IO carries binary in text. Pure functions. */
#ifndef EIO_BASE64_H
#define EIO_BASE64_H

#include "eio/bytes.h"

#include <sys/types.h>

/* How many characters n bytes become, padding included. */
static inline size_t
eio_base64_encoded_len(size_t n)
{
	return (n + 2) / 3 * 4;
}

/* Writes eio_base64_encoded_len(s.n) characters to out, no NUL; returns that count. */
size_t eio_base64_encode(char *out, struct eio_bytes s);

/* Decodes s to out, which may be where s lies (the result is shorter). Takes the URL-safe alphabet, missing padding,
 * and white space anywhere too. Returns the number of bytes, or -1 when s holds anything else. */
ssize_t eio_base64_decode(char *out, struct eio_bytes s);

#endif
