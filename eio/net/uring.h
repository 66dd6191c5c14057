/* SPDX-License-Identifier: MIT */
/*
 * Sends to many sockets in one system call, by the kernel's io_uring. Each send
 * takes what its socket has room for and waits for nothing, so the call that hands
 * them over returns when all of them are through: nothing stays under way.
 *
 * Threads: a ring belongs to the thread that made it; another one may free it when
 * that has ended.
 */
#ifndef EIO_NET_URING_H
#define EIO_NET_URING_H

#include "eio/bundle.h"

#include <sys/uio.h>

enum { EIO_URING_PARTS = 64 }; /* of one send */

struct eio_uring;

/* A send is through. left: how many of its last bytes the socket did not take, because it had no room or is broken; a
 * send() finds out which. Nothing may be added during the call. */
typedef void eio_uring_sent(void *user, void *owner, size_t left);

/* A ring; user is for sent(). NULL, with errno set, when it was not built in, the kernel is too old for it or forbids
 * it, as in most containers, or when out of memory. */
struct eio_uring *eio_uring_new(eio_uring_sent *sent, void *user);

/* Frees a ring in which nothing waits. NULL is fine. */
void eio_uring_free(struct eio_uring *r);

/* Whether sends are still tried: the kernel may refuse them later on, and then goes on refusing. */
bool eio_uring_works(const struct eio_uring *r);

/* Adds a send to a stream socket; takes a reference to the block until it is through. A ring that is full is flushed
 * then. */
void eio_uring_add(struct eio_uring *r, void *owner, int fd, struct eio_block *b);

/* The same with a message of 1 to EIO_URING_PARTS parts. Their list is copied; the bytes stay as they are until sent()
 * was called. */
void eio_uring_add_parts(struct eio_uring *r, void *owner, int fd, const struct iovec *parts, unsigned n);

/* Does all that was added, in that order, a single send without the ring, and then calls sent() for each of them in
 * that order. */
void eio_uring_flush(struct eio_uring *r);

#endif
