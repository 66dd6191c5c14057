/* SPDX-License-Identifier: MIT */
/* Descriptors in messages; see the header. */
#include "src/base/fd_message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* Room for one descriptor, aligned as the kernel wants it. */
union fd_control {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

int
fd_message_send(int to, struct eio_bytes message, int fd)
{
	struct iovec io = { .iov_base = (void *)(uintptr_t)message.p, .iov_len = message.n };
	union fd_control control = { .space = { 0 } };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof control;
		control.head = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	do {
		sent = sendmsg(to, &m, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0) return -errno;
	return (size_t)sent == message.n ? 0 : -EMSGSIZE;
}

ssize_t
fd_message_receive(int from, char *to, size_t size, int *fd, int flags)
{
	struct iovec io = { .iov_base = to, .iov_len = size };
	union fd_control control;
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	struct cmsghdr *c;
	ssize_t n;

	*fd = -1;
	do {
		n = recvmsg(from, &m, MSG_CMSG_CLOEXEC | flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0) return -errno;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(c), sizeof *fd);
	return n;
}
