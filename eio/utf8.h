/* SPDX-License-Identifier: MIT */
/* UTF-8 checks; the one door to utf8proc. Pure functions. */
#ifndef EIO_UTF8_H
#define EIO_UTF8_H

#include "eio/bytes.h"

/* Whether s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool eio_utf8_valid(struct eio_bytes s);

#endif
