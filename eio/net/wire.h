/* SPDX-License-Identifier: MIT */
/*
 * A connection on the wire: its descriptor, with TLS before it or not. What
 * is plain goes straight to the kernel; the one thing that it pays is a look at a
 * pointer beside the descriptor.
 */
#ifndef EIO_NET_WIRE_H
#define EIO_NET_WIRE_H

#include "eio/net/tls.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* As recv(). */
static inline ssize_t
eio__wire_recv(int fd, struct eio_tls *tls, char *p, size_t n)
{
	return tls ? eio_tls_recv(tls, p, n) : recv(fd, p, n, MSG_DONTWAIT);
}

/* What a failed call that sends means. */
static inline ssize_t
eio__wire_unsent(int err)
{
	return err == EAGAIN || err == EINTR || err == ENOBUFS || err == ENOMEM ? 0 : -1;
}

/* Sends what is taken. Returns how much that is, 0 when there is no room, or -1 when the connection is broken. */
static inline ssize_t
eio__wire_send(int fd, struct eio_tls *tls, const char *p, size_t n)
{
	ssize_t sent = tls ? eio_tls_send_bytes(tls, p, n) : send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent >= 0 ? sent : eio__wire_unsent(errno);
}

/* The same of bytes that lie in several places. */
static inline ssize_t
eio__wire_send_parts(int fd, struct eio_tls *tls, const struct iovec *parts, unsigned n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = n };
	ssize_t sent;

	if (tls) return eio_tls_send(tls, parts, n);
	if (n == 1) return eio__wire_send(fd, NULL, parts->iov_base, parts->iov_len);
	sent = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent >= 0 ? sent : eio__wire_unsent(errno);
}

/* Whether something waits that was taken. */
static inline bool
eio__wire_waits(const struct eio_tls *tls)
{
	return tls && eio_tls_waits(tls);
}

/* Lets that leave: 1 when all has left, 0 when not, -1 when the connection is broken. */
static inline int
eio__wire_flush(struct eio_tls *tls)
{
	return tls ? eio_tls_flush(tls) : 1;
}

/* Nothing more is sent: the peer learns that. */
static inline void
eio__wire_shutdown(int fd, struct eio_tls *tls)
{
	if (tls) eio_tls_end(tls);
	if (!eio__wire_waits(tls)) shutdown(fd, SHUT_WR);
}

/* Closes the descriptor, and frees its TLS: the peer hears that this is the end. */
static inline void
eio__wire_close(int fd, struct eio_tls *tls)
{
	if (tls) eio_tls_end(tls);
	eio_tls_free(tls);
	close(fd);
}

#endif
