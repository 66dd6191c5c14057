/* SPDX-License-Identifier: MIT */
/* The ways to check UTF-8, which all say the same, for utf8_valid.c and the tests. */
#ifndef EIO_UTF8_INT_H
#define EIO_UTF8_INT_H

#include "eio/utf8.h"
#include "eio/vector.h"

bool eio__utf8_valid_portable(struct eio_bytes s);
#ifdef EIO_VECTOR_HAVE
bool eio__utf8_valid_blocks(struct eio_bytes s); /* SSE2 or NEON */
#endif
#ifdef EIO_VECTOR_HAVE_AVX2
bool eio__utf8_valid_avx2(struct eio_bytes s); /* only when eio_vector_can_avx2() */
#endif

#endif
