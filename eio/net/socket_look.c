/* SPDX-License-Identifier: MIT */
/* Looking at sockets, for who wants to know which are slow: nothing here changes one. */
#include "eio/check.h"
#include "eio/net/socket_int.h"
#include "eio/net/unsent.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

size_t
eio_socket_backlog(const struct eio_socket *s)
{
	size_t n = eio_session_queued(&s->session);

	if (s->unsent) n += eio_unsent_bytes(s->unsent);
	return n + (s->ws ? eio_ws_unsent(s->ws) : 0);
}

bool
eio_socket_connection(const struct eio_socket *s, struct eio_connection *out)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof info;
	int n = 0, fd;

	if (!s->ws) return false;
	fd = eio_ws_fd(s->ws);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size)) info.tcpi_rtt = 0;
	if (ioctl(fd, SIOCOUTQ, &n) || n < 0) n = 0;
	*out = (struct eio_connection){ .rtt_us = info.tcpi_rtt, .kernel_bytes = (uint64_t)n };
	return true;
}

struct walk {
	eio_socket_visit_fn visit;
	void *user;
};

static void
visit_socket_node(void *user, struct eio_hash_node *n)
{
	const struct walk *w = user;

	w->visit(w->user, EIO_CONTAINER(n, struct eio_socket, node));
}

bool
eio_server_walk(struct eio_server *s, size_t *at, size_t n, eio_socket_visit_fn visit, void *user)
{
	struct walk w = { visit, user };

	CHECK_MAGIC(s, EIO__SERVER_MAGIC);
	return eio_hash_walk(&s->sids, at, n, visit_socket_node, &w);
}
