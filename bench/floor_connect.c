/* SPDX-License-Identifier: MIT */
/* The clients of the floor: accepted, and answered until they have joined. */
#include "bench/floor.h"

#include "bench/bench.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512 };

static int listener;

static void
accept_peer(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct peer *p = &fl.peers[fl.accepted];
	int one = 1;

	p->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (p->fd < 0) bench_die_errno("accept4");
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	ev.data.ptr = p;
	if (epoll_ctl(fl.epoll, EPOLL_CTL_ADD, p->fd, &ev)) bench_die_errno("epoll_ctl");
	fl.accepted++;
}

static void
answer_peer(struct peer *p)
{
	unsigned before = p->stage;

	fl.mode->answer(p);
	if (p->stage != before && p->stage == fl.mode->stages) fl.joined++;
}

void
connect_events(int ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(fl.epoll, events, EVENTS, ms);

	if (n < 0 && errno != EINTR) bench_die_errno("epoll_wait");
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			answer_peer(events[i].data.ptr);
		else if (fl.accepted < fl.n)
			accept_peer();
	}
}

int
connect_listen(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int one = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fl.epoll = epoll_create1(EPOLL_CLOEXEC);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fl.epoll < 0 || listener < 0 || bind(listener, (struct sockaddr *)&fl.listen, sizeof fl.listen) ||
		listen(listener, 4096) || epoll_ctl(fl.epoll, EPOLL_CTL_ADD, listener, &ev))
		bench_die_errno("listen");
	puts("{\"listening\":true}");
	fflush(stdout);
	return listener;
}

void
connect_all(void)
{
	connect_listen();
	while (fl.joined < fl.n) connect_events(-1);
	close(listener);
}
