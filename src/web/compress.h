/* SPDX-License-Identifier: MIT */
/*
 * Whole-content compression of static files; the one door to libbrotlienc. Not
 * for streams. Pure functions, any thread.
 */
#ifndef SRC_WEB_COMPRESS_H
#define SRC_WEB_COMPRESS_H

#include "eio/bundle.h"
#include "eio/bytes.h"

/* The gzip form of some bytes (level 1 to 9) or their brotli form (quality 0 to 11), as a block
 * with one reference for the caller. NULL when it would not be smaller than the input, or when
 * out of memory: either way the caller sends the bytes as they are. */
struct eio_block *compress_gzip(struct eio_bytes in, int level);
struct eio_block *compress_brotli(struct eio_bytes in, int quality);

#endif
