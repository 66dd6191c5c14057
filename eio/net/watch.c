/* SPDX-License-Identifier: MIT */
/* Of epoll, what libuv has no functions for; see the header. */
#include "eio/net/watch.h"

#include "eio/check.h"
#include "eio/list.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { WATCH_MAGIC = 0x77617463 };

static void
on_set_ready(uv_poll_t *poll, int status, int events)
{
	struct eio__watch *w = EIO_CONTAINER(poll, struct eio__watch, poll);
	struct epoll_event ready[EIO__WATCH_MOST];
	int n;

	(void)status;
	(void)events;
	CHECK_MAGIC(w, WATCH_MAGIC);
	n = epoll_wait(w->epoll, ready, w->most, 0);
	for (int i = 0; i < n && w->magic == WATCH_MAGIC; i++) w->ready(w, ready[i].data.ptr, ready[i].events);
}

int
eio__watch_open(struct eio__watch *w, uv_loop_t *loop, int most,
	void (*ready)(struct eio__watch *w, void *ptr, uint32_t events))
{
	int err;

	CHECK(most > 0 && most <= EIO__WATCH_MOST);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0) return -1;
	err = uv_poll_init(loop, &w->poll, w->epoll);
	if (err) {
		close(w->epoll);
		errno = -err;
		return -1;
	}
	w->magic = WATCH_MAGIC;
	w->most = most;
	w->ready = ready;
	uv_poll_start(&w->poll, UV_READABLE, on_set_ready);
	return 0;
}

static void
on_watch_closed(uv_handle_t *handle)
{
	struct eio__watch *w = EIO_CONTAINER(handle, struct eio__watch, poll);

	close(w->epoll);
	w->closed(w);
}

void
eio__watch_close(struct eio__watch *w, void (*closed)(struct eio__watch *w))
{
	CHECK_MAGIC(w, WATCH_MAGIC);
	w->magic = 0; /* no more is told of what is ready */
	w->closed = closed;
	uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static int
control(struct eio__watch *w, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = ptr } };

	return epoll_ctl(w->epoll, op, fd, &ev);
}

int
eio__watch_add(struct eio__watch *w, int fd, uint32_t events, void *ptr)
{
	return control(w, EPOLL_CTL_ADD, fd, events, ptr);
}

int
eio__watch_change(struct eio__watch *w, int fd, uint32_t events, void *ptr)
{
	return control(w, EPOLL_CTL_MOD, fd, events, ptr);
}

void
eio__watch_remove(struct eio__watch *w, int fd)
{
	control(w, EPOLL_CTL_DEL, fd, 0, NULL);
}
