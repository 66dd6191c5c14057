/* SPDX-License-Identifier: MIT */
/*
 * gzip and brotli of a whole piece of content. The output buffer is one byte
 * smaller than the input, so "does not fit" and "does not pay" are one test.
 */
#include "src/compress.h"

#include <brotli/encode.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum {
	GZIP_WINDOW = 15 + 16, /* 32 KiB, and +16 asks zlib for the gzip wrapper */
	GZIP_MEMORY = 9,
};

/* A block that holds just the bytes made, not the generous buffer they were made in. */
static struct eio_block *
block_of(const unsigned char *p, size_t n)
{
	struct eio_block *b = eio_block_new(n);

	if (b) memcpy(b->data, p, n);
	return b;
}

struct eio_block *
compress_gzip(struct eio_bytes in, int level)
{
	struct eio_block *b = NULL;
	unsigned char *out;
	z_stream z = { 0 };

	if (in.n < 2 || in.n > UINT_MAX) return NULL;
	out = malloc(in.n - 1);
	if (!out) return NULL;
	if (deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK) {
		z.next_in = (unsigned char *)in.p; /* zlib only reads it */
		z.avail_in = (unsigned)in.n;
		z.next_out = out;
		z.avail_out = (unsigned)(in.n - 1);
		if (deflate(&z, Z_FINISH) == Z_STREAM_END) b = block_of(out, z.total_out);
		deflateEnd(&z);
	}
	free(out);
	return b;
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
		b = block_of(out, n);
	free(out);
	return b;
}
