/* SPDX-License-Identifier: MIT */
/*
 * DEFLATE (RFC 1951), the one door to zlib: messages of permessage-deflate (RFC
 * 7692) and bodies in the content codings gzip and deflate. All of it is of one
 * piece, with a window of its own: no state is kept between calls, so what is
 * compressed once can be sent to everybody.
 *
 * Threads: pure functions, any thread.
 */
#ifndef EIO_DEFLATE_H
#define EIO_DEFLATE_H

#include "eio/buf.h"
#include "eio/bundle.h"

enum {
	EIO_DEFLATE_WINDOW_MIN = 9, /* zlib cannot do the 8 that RFC 7692 knows */
	EIO_DEFLATE_WINDOW_MAX = 15,
	/* What is longer, in bytes, goes as it is: nobody else of a thread has a turn while it compresses, about 10 ms
	 * for each megabyte at level 3. */
	EIO_DEFLATE_MOST = 4 << 20,
};

/* How messages are compressed. */
struct eio_deflate {
	bool on;
	size_t threshold; /* what is shorter, in bytes, goes as it is */
	int level; /* 1 to 9 */
	int window_bits; /* EIO_DEFLATE_WINDOW_MIN to _MAX: how far back a receiver must remember */
};

/* Compresses s into at most max bytes at out, as a message of permessage-deflate: ended by a sync flush whose last four
 * bytes are left out. Out must have room for EIO_DEFLATE_SLACK more. Returns how many, or 0 when they do not fit,
 * s is longer than EIO_DEFLATE_MOST, or memory is short. */
enum { EIO_DEFLATE_SLACK = 16 };
size_t eio_deflate(char *out, size_t max, struct eio_bytes s, const struct eio_deflate *o);

enum eio_inflated { EIO_INFLATE_OK, EIO_INFLATE_BAD, EIO_INFLATE_TOO_BIG, EIO_INFLATE_NOMEM };

/* Appends what a message of permessage-deflate holds, which a peer made with a fresh window. More than max bytes are
 * too big; then, and when it is bad, some of it may have been appended. */
enum eio_inflated eio_inflate(struct eio_buf *out, struct eio_bytes s, size_t max);

/* Bodies. One is put together of parts that are compressed each with a fresh window, so parts that are there already
 * need not be compressed again. */

enum eio_coding {
	EIO_CODING_IDENTITY,
	EIO_CODING_GZIP,
	EIO_CODING_DEFLATE, /* which is zlib's format (RFC 9110 section 8.4.1.2) */
	EIO_CODING_PART, /* not a coding: what eio_zip_add_part() takes */
};

/* A body that is being made; the fields are private. */
struct eio_zip {
	struct eio_buf out;
	enum eio_coding coding;
	uint32_t crc, adler;
	size_t n; /* bytes so far, before compression */
};

void eio_zip_begin(struct eio_zip *z, enum eio_coding coding);

/* Adds bytes: compressed, or as they are when that does not make them shorter. */
void eio_zip_add(struct eio_zip *z, struct eio_bytes s, const struct eio_deflate *o);

/* Adds the part that was made of n bytes. */
void eio_zip_add_part(struct eio_zip *z, const struct eio_block *part, size_t n);

/* The body as a block with one reference, or NULL when memory was short at any time. Ends the life of z. */
struct eio_block *eio_zip_end(struct eio_zip *z);

#endif
