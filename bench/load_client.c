/* SPDX-License-Identifier: MIT */
/* The clients' connections: made, read, written, closed. */
#include "bench/load.h"

#include "bench/bench.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_BYTES = 256 * 1024,
	SOURCES_MAX = 250, /* 127.0.0.2 and so on */
	SOURCE_CLIENTS = 10000, /* of one address: with more the kernel searches long for a free port */
};

static void
epoll_set(struct client *c, enum client_link link, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)c->index * LINKS + link };

	if (epoll_ctl(load.epoll, op, c->fd[link], &ev)) bench_die_errno("epoll_ctl");
}

void
load_close(struct client *c, enum client_link link)
{
	if (c->fd[link] < 0) return;
	if (c->tls[link]) load_tls_close(c, link);
	close(c->fd[link]);
	c->fd[link] = -1;
	c->connecting[link] = c->shaking[link] = false;
}

void
load_fail(struct client *c, const char *fmt, ...)
{
	va_list ap;

	if (c->state == CLIENT_CLOSED) return;
	/* One is told whole; thousands would say the same. */
	if (load.closed == 0) {
		va_start(ap, fmt);
		fprintf(stderr, "load: client %u: ", load.first + c->index);
		vfprintf(stderr, fmt, ap);
		fputc('\n', stderr);
		va_end(ap);
	}
	if (load.joined < load.n) bench_die("%u of %u clients had joined", load.joined, load.n);
	load.closed++;
	c->state = CLIENT_CLOSED;
	for (unsigned i = 0; i < LINKS; i++) {
		load_close(c, i);
		if (c->on[i]) c->on[i]->reset(c);
	}
}

void
load_send(struct client *c, enum client_link link, const void *p, size_t n)
{
	ssize_t sent;

	if (c->fd[link] < 0 || n == 0) return;
	sent = c->tls[link] ? load_tls_send(c, link, p, n) : send(c->fd[link], p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent != (ssize_t)n) load_fail(c, "send: %s", strerror(errno));
	load.sent += n;
}

/* The receive buffer can only be chosen before the connection is made. */
static int
open_socket(const struct client *c)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int one = 1, size = (int)load.rcvbuf, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) bench_die_errno("socket");
	if (size && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + load.sources + c->index / SOURCE_CLIENTS);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&from, sizeof from)) bench_die_errno("bind");
	return fd;
}

/* From one of the loopback addresses: the kernel chooses a free port of it, and when there is none any more, the next
 * address is taken. */
void
load_connect(struct client *c, enum client_link link, const struct transport *t)
{
	for (; load.sources < SOURCES_MAX; load.sources++) {
		c->fd[link] = open_socket(c);
		if (connect(c->fd[link], (struct sockaddr *)&load.server, sizeof load.server) == 0 ||
			errno == EINPROGRESS) {
			c->on[link] = t;
			c->connecting[link] = true;
			epoll_set(c, link, EPOLL_CTL_ADD, EPOLLOUT);
			return;
		}
		if (errno != EADDRNOTAVAIL) bench_die_errno("connect");
		close(c->fd[link]);
	}
	bench_die("no local port is left on %d addresses", SOURCES_MAX);
}

/* Behind its handshake, if it has one. */
static void
begin_transport(struct client *c, enum client_link link)
{
	const char *why = c->shaking[link] ? load_tls_shake(c, link) : NULL;

	if (why && *why) load_fail(c, "TLS: %s", why);
	if (why) return;
	c->shaking[link] = false;
	c->on[link]->start(c);
}

static void
on_client_connected(struct client *c, enum client_link link)
{
	int err = 0, one = 1;
	socklen_t n = sizeof err;

	if (getsockopt(c->fd[link], SOL_SOCKET, SO_ERROR, &err, &n)) err = errno;
	if (err) {
		load_fail(c, "connect: %s", strerror(err));
		return;
	}
	setsockopt(c->fd[link], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	epoll_set(c, link, EPOLL_CTL_MOD, EPOLLIN);
	c->connecting[link] = false;
	c->shaking[link] = load.tls;
	if (load.tls) load_tls_begin(c, link);
	begin_transport(c, link);
}

static void
on_readable(struct client *c, enum client_link link)
{
	static char buf[READ_BYTES];
	ssize_t n = c->tls[link] ? load_tls_recv(c, link, buf, sizeof buf)
				 : recv(c->fd[link], buf, sizeof buf, MSG_DONTWAIT);

	if (n > 0) {
		load.received += (uint64_t)n;
		load.reads++;
		load.last_ns = bench_now_ns();
		c->on[link]->input(c, buf, (size_t)n);
	} else if (n == 0) {
		load_fail(c, "the server closed the connection");
	} else if (errno != EAGAIN && errno != EINTR) {
		load_fail(c, "recv: %s", strerror(errno));
	}
}

static bool
is_stopped(const struct client *c)
{
	return load.joined == load.n && c->index >= load.n - load.stopped;
}

void
load_on_event(struct client *c, enum client_link link, uint32_t events)
{
	/* The event may be of a connection that another event of the same turn has closed. */
	if (c->state == CLIENT_CLOSED || c->fd[link] < 0) return;
	if (is_stopped(c)) {
		/* The server gave it up, as it may. */
		load.stopped_closed++;
		c->state = CLIENT_CLOSED;
		load_close(c, link);
	} else if (c->connecting[link]) {
		on_client_connected(c, link);
	} else if (events && c->shaking[link]) {
		begin_transport(c, link);
	} else if (events) {
		do on_readable(c, link);
		while (load_tls_pending(c, link));
	}
}

void
load_stop(struct client *c)
{
	for (unsigned i = 0; i < LINKS; i++)
		if (c->fd[i] >= 0) epoll_set(c, i, EPOLL_CTL_MOD, EPOLLRDHUP);
}

void
load_joined(struct client *c)
{
	if (c->state != CLIENT_OPENING) return;
	c->state = CLIENT_JOINED;
	hist_add(&load.connect, bench_now_ns() - c->connect_ns);
	load.joined++;
	load.connecting--;
	if (load.joined < load.n) return;
	for (unsigned i = load.n - load.stopped; i < load.n; i++) load_stop(&load.clients[i]);
	report_ready();
	report_begin();
}
