/* SPDX-License-Identifier: MIT */
/*
 * One block to many sockets in one system call, by the kernel's io_uring. Each send
 * takes what its socket has room for and waits for nothing, so the call that hands
 * them over returns when all of them are through: nothing stays under way.
 *
 * Threads: a ring belongs to the thread that made it; another one may free it when
 * that has ended.
 */
#ifndef EIO_NET_URING_H
#define EIO_NET_URING_H

#include "eio/bundle.h"

struct eio_uring;

/* A send is through. rest: the n bytes that the socket did not take, because it had no room or is broken; a send()
 * finds out which. n is 0 when it took all. Nothing may be added during the call. */
typedef void eio_uring_sent(void *owner, const char *rest, size_t n);

/* A ring. NULL, with errno set, when it was not built in, the kernel is too old for it or forbids it, as in most
 * containers, or when out of memory. */
struct eio_uring *eio_uring_new(eio_uring_sent *sent);

/* Frees a ring in which nothing waits. NULL is fine. */
void eio_uring_free(struct eio_uring *r);

/* Whether sends are still tried: the kernel may refuse them later on, and then goes on refusing. */
bool eio_uring_works(const struct eio_uring *r);

/* Adds a send to a stream socket; takes a reference to the block until it is through. A ring that is full is flushed
 * then. */
void eio_uring_add(struct eio_uring *r, void *owner, int fd, struct eio_block *b);

/* Does all that was added, in that order, a single send without the ring, and then calls sent() for each of them in
 * that order. */
void eio_uring_flush(struct eio_uring *r);

#endif
