/* SPDX-License-Identifier: MIT */
/* Connections that are answered and held: what it costs that a client comes, and that it is there. */
#include "bench/floor.h"

#include "bench/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, FILES = 20000 };

static void
accept_idle(int listener)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP };
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 || fd >= FILES) bench_die_errno("accept4");
	/* By its number: what is there of a client is known without a search. */
	fl.peers[fd] = (struct peer){ .fd = fd };
	ev.data.ptr = &fl.peers[fd];
	if (epoll_ctl(fl.epoll, EPOLL_CTL_ADD, fd, &ev)) bench_die_errno("epoll_ctl");
}

static void
on_idle_event(int listener, const struct epoll_event *e)
{
	struct peer *p = e->data.ptr;

	if (!p)
		accept_idle(listener);
	else if (e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		close(p->fd);
	else
		fl.mode->answer(p);
}

void
idle_run(void)
{
	struct epoll_event events[EVENTS];
	int listener, n;

	bench_open_files(FILES);
	fl.peers = calloc(FILES, sizeof *fl.peers);
	if (!fl.peers) bench_die("out of memory");
	listener = connect_listen();
	for (;;) {
		n = epoll_wait(fl.epoll, events, EVENTS, -1);
		if (n < 0 && errno != EINTR) bench_die_errno("epoll_wait");
		for (int i = 0; i < n; i++) on_idle_event(listener, &events[i]);
	}
}

const struct mode mode_idle = { .name = "idle", .answer = block_answer, .stages = 2, .idle = true };
