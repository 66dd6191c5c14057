/* SPDX-License-Identifier: MIT */
/*
 * Random bytes from the kernel, fetched many at a time: each id needs a few, and a
 * system call for each would cost more than the rest of it. Belongs to one thread.
 */
#ifndef EIO_NET_RANDOM_H
#define EIO_NET_RANDOM_H

#include <stddef.h>

enum { EIO_RANDOM_BYTES = 512 };

/* The fields are private. All zero is an empty one. */
struct eio_random {
	unsigned char bytes[EIO_RANDOM_BYTES]; /* unused are the last `left` */
	size_t left;
};

/* n bytes (at most EIO_RANDOM_BYTES) that were never handed out before; valid until the next call. Ends the program
 * when the kernel has none: ids must not be guessable, and it always has some. */
const unsigned char *eio_random_take(struct eio_random *r, size_t n);

#endif
