/* SPDX-License-Identifier: MIT */
/*
 * The only file that includes zlib. A window of 32 KiB is of no use to a message
 * of 2: the compressor is set up as large as the message needs, which costs less
 * memory to get and to clear, and makes the same bytes.
 */
#include "eio/deflate.h"

#include "eio/check.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum {
	LOOKAHEAD = 262, /* zlib's MIN_LOOKAHEAD: a window serves distances that much shorter than itself */
	MEMORY_MAX = 8,
	STORED_MAX = 65535,
	STORED_SHORT = 32, /* not worth trying */
	SUMS = 2 * sizeof(uint32_t), /* at the end of a part */
};

static const char flush_tail[4] = { 0, 0, (char)0xff, (char)0xff };

/* zlib's memory comes from here as all other does. */
static voidpf
zlib_alloc(voidpf opaque, uInt n, uInt size)
{
	(void)opaque;
	return malloc((size_t)n * size);
}

static void
zlib_free(voidpf opaque, voidpf p)
{
	(void)opaque;
	free(p);
}

static int
window_for(size_t n, int max)
{
	int bits = EIO_DEFLATE_WINDOW_MIN;

	while (bits < max && ((size_t)1 << bits) < n + LOOKAHEAD) bits++;
	return bits;
}

size_t
eio_deflate(char *out, size_t max, struct eio_bytes s, const struct eio_deflate *o)
{
	z_stream z = { .zalloc = zlib_alloc, .zfree = zlib_free };
	int bits = window_for(s.n, o->window_bits), memory = bits - 7;
	size_t n;

	CHECK(o->window_bits >= EIO_DEFLATE_WINDOW_MIN && o->window_bits <= EIO_DEFLATE_WINDOW_MAX);
	CHECK(o->level >= 1 && o->level <= 9);
	if (s.n == 0 || s.n > EIO_DEFLATE_MOST || max > UINT_MAX - EIO_DEFLATE_SLACK) return 0;
	if (deflateInit2(&z, o->level, Z_DEFLATED, -bits, memory < MEMORY_MAX ? memory : MEMORY_MAX,
		    Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	z.next_in = (unsigned char *)(uintptr_t)s.p; /* zlib only reads it */
	z.avail_in = (unsigned)s.n;
	z.next_out = (unsigned char *)out;
	z.avail_out = (unsigned)(max + EIO_DEFLATE_SLACK);
	/* With room left over, the flush is complete. */
	n = deflate(&z, Z_SYNC_FLUSH) == Z_OK && z.avail_in == 0 && z.avail_out > 0 ? z.total_out : 0;
	deflateEnd(&z);
	if (n <= sizeof flush_tail || n - sizeof flush_tail > max) return 0;
	return n - sizeof flush_tail;
}

/* Inflates what z is given into the buffer, until it is used up or something is wrong. *ended: a final block was the
 * last. */
static enum eio_inflated
inflate_some(z_stream *z, struct eio_buf *out, size_t max, bool *ended)
{
	size_t room = z->avail_in * (size_t)4 + 64; /* text shrinks to a third or so */
	int rc;

	for (;;) {
		/* One byte more than allowed shows that there is too much. */
		if (room > max - out->n + 1) room = max - out->n + 1;
		z->next_out = (unsigned char *)eio_buf_reserve(out, room);
		if (!z->next_out) return EIO_INFLATE_NOMEM;
		z->avail_out = (unsigned)room;
		rc = inflate(z, Z_SYNC_FLUSH);
		out->n += room - z->avail_out;
		if (rc == Z_MEM_ERROR) return EIO_INFLATE_NOMEM;
		if (rc != Z_OK && rc != Z_BUF_ERROR && rc != Z_STREAM_END) return EIO_INFLATE_BAD;
		if (out->n > max) return EIO_INFLATE_TOO_BIG;
		*ended = rc == Z_STREAM_END && z->avail_in == 0;
		if (*ended || (rc != Z_STREAM_END && z->avail_in == 0 && z->avail_out > 0)) return EIO_INFLATE_OK;
		/* A sender may go on behind a final block (RFC 7692 section 7.2.3.4). */
		if (rc == Z_STREAM_END) inflateReset(z);
		room = out->n + 64;
	}
}

enum eio_inflated
eio_inflate(struct eio_buf *out, struct eio_bytes s, size_t max)
{
	enum { BETWEEN_BLOCKS = 128 }; /* zlib's data_type: no bit left over, and the head of a block comes next */
	z_stream z = { .zalloc = zlib_alloc, .zfree = zlib_free };
	enum eio_inflated result;
	bool ended = false;

	if (s.n > UINT_MAX / 4 - 64 || max > UINT_MAX / 2 || out->n > max) return EIO_INFLATE_TOO_BIG;
	z.next_in = (unsigned char *)(uintptr_t)s.p;
	z.avail_in = (unsigned)s.n;
	if (inflateInit2(&z, -EIO_DEFLATE_WINDOW_MAX) != Z_OK) return EIO_INFLATE_NOMEM;
	result = inflate_some(&z, out, max, &ended);
	if (result == EIO_INFLATE_OK && !ended) {
		z.next_in = (unsigned char *)(uintptr_t)flush_tail;
		z.avail_in = sizeof flush_tail;
		result = inflate_some(&z, out, max, &ended);
		/* Anything but a whole number of blocks was cut off. */
		if (result == EIO_INFLATE_OK && (ended || z.data_type != BETWEEN_BLOCKS)) result = EIO_INFLATE_BAD;
	}
	inflateEnd(&z);
	return result;
}

/* Bodies */

void
eio_zip_begin(struct eio_zip *z, enum eio_coding coding)
{
	*z = (struct eio_zip){
		.coding = coding, .crc = (uint32_t)crc32(0, NULL, 0), .adler = (uint32_t)adler32(0, NULL, 0)
	};
	/* RFC 1952: no name, no time, made on Unix. RFC 1950: a window of 32 KiB. */
	if (coding == EIO_CODING_GZIP) eio_buf_append(&z->out, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
	if (coding == EIO_CODING_DEFLATE) eio_buf_append(&z->out, "\x78\x9c", 2);
}

/* Appends bytes in stored blocks. */
static void
append_stored(struct eio_buf *out, struct eio_bytes s)
{
	while (s.n) {
		size_t n = s.n < STORED_MAX ? s.n : STORED_MAX;
		char head[5] = { 0, (char)n, (char)(n >> 8), (char)~n, (char)(~n >> 8) };

		eio_buf_append(out, head, sizeof head);
		eio_buf_append(out, s.p, n);
		s = eio_bytes(s.p + n, s.n - n);
	}
}

static void
add_sums(struct eio_zip *z, uint32_t crc, uint32_t adler, size_t n)
{
	z->crc = (uint32_t)crc32_combine(z->crc, crc, (z_off_t)n);
	z->adler = (uint32_t)adler32_combine(z->adler, adler, (z_off_t)n);
	z->n += n;
}

void
eio_zip_add(struct eio_zip *z, struct eio_bytes s, const struct eio_deflate *o)
{
	const unsigned char *p = (const unsigned char *)s.p;
	char *to = s.n >= STORED_SHORT ? eio_buf_reserve(&z->out, s.n + EIO_DEFLATE_SLACK) : NULL;
	size_t n = to ? eio_deflate(to, s.n, s, o) : 0;

	if (s.n == 0) return;
	if (n) {
		z->out.n += n;
		eio_buf_append(&z->out, flush_tail, sizeof flush_tail);
	} else {
		append_stored(&z->out, s);
	}
	add_sums(
		z, (uint32_t)crc32_z(crc32(0, NULL, 0), p, s.n), (uint32_t)adler32_z(adler32(0, NULL, 0), p, s.n), s.n);
}

void
eio_zip_add_part(struct eio_zip *z, const struct eio_block *part, size_t n)
{
	uint32_t sums[2];

	memcpy(sums, part->data + part->n - SUMS, SUMS);
	eio_buf_append(&z->out, part->data, part->n - SUMS);
	add_sums(z, sums[0], sums[1], n);
}

static void
append_le32(struct eio_buf *out, uint32_t v)
{
	for (int i = 0; i < 32; i += 8) eio_buf_addc(out, (char)(v >> i));
}

static void
append_end(struct eio_zip *z)
{
	uint32_t sums[2] = { z->crc, z->adler };

	if (z->coding == EIO_CODING_PART) {
		eio_buf_append(&z->out, sums, SUMS);
		return;
	}
	eio_buf_append(&z->out, "\x03", 2); /* an empty final block */
	if (z->coding == EIO_CODING_GZIP) {
		append_le32(&z->out, z->crc);
		append_le32(&z->out, (uint32_t)z->n);
	} else {
		for (int i = 24; i >= 0; i -= 8) eio_buf_addc(&z->out, (char)(z->adler >> i));
	}
}

struct eio_block *
eio_zip_end(struct eio_zip *z)
{
	append_end(z);
	return eio_block_of_buf(&z->out);
}
