/* SPDX-License-Identifier: MIT */
/*
 * An epoll set below the loop's, which the loop watches as one descriptor. A handle of
 * libuv for each of many sockets would be 160 bytes more, an allocation that lives
 * until a later turn, and system calls for whoever hands his socket on: libuv wants to
 * close what it once had.
 *
 * Threads: everything here belongs to the loop's thread.
 */
#ifndef EIO_NET_WATCH_H
#define EIO_NET_WATCH_H

#include <stdint.h>
#include <uv.h>

enum { EIO__WATCH_MOST = 1024 };

/* Part of whatever has it. All of it is private. */
struct eio__watch {
	unsigned magic;
	int epoll, most;
	uv_poll_t poll; /* of the epoll set */
	void (*ready)(struct eio__watch *w, void *ptr, uint32_t events);
	void (*closed)(struct eio__watch *w);
};

/* Opens the set. In a turn of the loop it tells of no more than `most` descriptors, EIO__WATCH_MOST at most: others
 * wait for the next, whose turn it is then. ready: events (of epoll, as it has them) have come for something that was
 * added with ptr. It may add, change and remove anything; what it removes may still be told of in the same turn of the
 * loop, and has to be there until that is over. 0, or -1 with errno. */
int eio__watch_open(struct eio__watch *w, uv_loop_t *loop, int most,
	void (*ready)(struct eio__watch *w, void *ptr, uint32_t events));

/* Closes it; closed is called from the loop, when nothing of it is needed any more. */
void eio__watch_close(struct eio__watch *w, void (*closed)(struct eio__watch *w));

/* Adds a descriptor; has other events told of it. 0, or -1 with errno. */
int eio__watch_add(struct eio__watch *w, int fd, uint32_t events, void *ptr);
int eio__watch_change(struct eio__watch *w, int fd, uint32_t events, void *ptr);

/* Before it is closed: another process may have it, too, and then it would stay in the set. */
void eio__watch_remove(struct eio__watch *w, int fd);

#endif
