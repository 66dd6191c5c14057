/* SPDX-License-Identifier: MIT */
/*
 * gzip and brotli of a whole piece of content. The output buffer of brotli is one byte
 * smaller than the input, so "does not fit" and "does not pay" are one test.
 */
#include "src/web/compress.h"

#include "eio/deflate.h"

#include <brotli/encode.h>
#include <stdlib.h>

struct eio_block *
compress_gzip(struct eio_bytes in, int level)
{
	const struct eio_deflate options = { .level = level, .window_bits = EIO_DEFLATE_WINDOW_MAX };
	struct eio_block *b;
	struct eio_zip z;

	eio_zip_begin(&z, EIO_CODING_GZIP);
	eio_zip_add(&z, in, &options);
	b = eio_zip_end(&z);
	if (!b || b->n < in.n) return b;
	eio_block_unref(b);
	return NULL;
}

struct eio_block *
compress_brotli(struct eio_bytes in, int quality)
{
	struct eio_block *b = NULL;
	unsigned char *out;
	size_t n;

	if (in.n < 2) return NULL;
	n = in.n - 1;
	out = malloc(n);
	if (!out) return NULL;
	if (BrotliEncoderCompress(
		    quality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, in.n, (const unsigned char *)in.p, &n, out))
		/* Just the bytes made, not the generous buffer they were made in. */
		b = eio_block_of(eio_bytes((const char *)out, n));
	free(out);
	return b;
}
