/* SPDX-License-Identifier: MIT */
/*
 * In the place of uring.c where io_uring is not built in: there never is a ring.
 */
#include "eio/net/uring.h"

#include <errno.h>

struct eio_uring *
eio_uring_new(eio_uring_sent *sent, void *user)
{
	(void)sent;
	(void)user;
	errno = ENOSYS;
	return NULL;
}

void
eio_uring_free(struct eio_uring *r)
{
	(void)r;
}

bool
eio_uring_works(const struct eio_uring *r)
{
	(void)r;
	return false;
}

void
eio_uring_add(struct eio_uring *r, void *owner, int fd, struct eio_block *b)
{
	(void)r;
	(void)owner;
	(void)fd;
	(void)b;
}

void
eio_uring_add_parts(struct eio_uring *r, void *owner, int fd, const struct iovec *parts, unsigned n)
{
	(void)r;
	(void)owner;
	(void)fd;
	(void)parts;
	(void)n;
}

void
eio_uring_flush(struct eio_uring *r)
{
	(void)r;
}
