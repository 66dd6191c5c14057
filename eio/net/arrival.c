/* SPDX-License-Identifier: MIT */
/*
 * The header is looked at where it waits in the socket, and what is sure to belong to it is taken out: so nothing is
 * read that was not ours, and the poll does not tell again of what was seen.
 */
#include "eio/net/arrival.h"

#include "eio/check.h"
#include "eio/net/proxy_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ARRIVAL_MAGIC = 0x61727276 };

struct arrival {
	unsigned magic; /* ARRIVAL_MAGIC */
	int fd; /* -1: it was handed on */
	struct eio_list link; /* in httpd->arrivals */
	struct eio_httpd *httpd;
	struct eio_httpd_door *door; /* a reference */
	struct eio_peer peer;
	uv_poll_t poll;
	struct eio_timer timer;
	size_t n; /* of the header, taken so far */
	char header[EIO_PROXY_HEADER_BYTES];
};

static void
on_arrival_closed(uv_handle_t *handle)
{
	struct arrival *a = handle->data;
	struct eio_httpd *h;

	CHECK_MAGIC(a, ARRIVAL_MAGIC);
	h = a->httpd;
	a->magic = 0;
	eio_httpd_door_unref(a->door);
	free(a);
	CHECK(h->handles > 0);
	h->handles--;
	eio__httpd_free_if_done(h);
}

/* It is no arrival any more; with its descriptor, unless that was handed on. */
static void
end_arrival(struct arrival *a)
{
	eio_clock_set(a->httpd->clock, &a->timer, UINT64_MAX);
	eio_list_remove(&a->link);
	a->httpd->stats.open--;
	uv_close((uv_handle_t *)&a->poll, on_arrival_closed);
	if (a->fd >= 0) close(a->fd);
	a->fd = -1;
}

static void
refuse_arrival(struct arrival *a)
{
	a->httpd->stats.proxy_bad++;
	end_arrival(a);
}

/* Who came is known. The poll watches a descriptor that somebody else is going to watch. */
static void
hand_on(struct arrival *a)
{
	struct eio_httpd *h = a->httpd;
	struct eio_peer peer = a->peer;
	int fd = a->fd;

	uv_poll_stop(&a->poll);
	a->fd = -1;
	end_arrival(a);
	h->arrived(h, fd, &peer, a->door, false); /* it is there until its handle is closed */
}

/* Takes n bytes that are known to wait, out of the socket. */
static bool
take_out_header(struct arrival *a, size_t n)
{
	ssize_t got = n ? recv(a->fd, a->header + a->n, n, MSG_DONTWAIT) : 0;

	if (got < 0 || (size_t)got != n) return false;
	a->n += n;
	return true;
}

static void
on_arrival(uv_poll_t *poll, int status, int events)
{
	struct arrival *a = poll->data;
	size_t room, used = 0;
	ssize_t there;

	(void)events;
	CHECK_MAGIC(a, ARRIVAL_MAGIC);
	room = sizeof a->header - a->n;
	there = status < 0 ? 0 : recv(a->fd, a->header + a->n, room, MSG_PEEK | MSG_DONTWAIT);
	if (there < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (there <= 0) { /* who looks whether the port is open, and leaves, has broken no rule */
		if (a->n)
			refuse_arrival(a);
		else
			end_arrival(a);
		return;
	}
	switch (eio_proxy_header_read(a->header, a->n + (size_t)there, &used, &a->peer)) {
	case EIO_PROXY_HEADER_MORE:
		if (take_out_header(a, (size_t)there)) return;
		break;
	case EIO_PROXY_HEADER_DONE:
		if (!take_out_header(a, used - a->n)) break;
		hand_on(a);
		return;
	case EIO_PROXY_HEADER_BAD: break;
	}
	refuse_arrival(a);
}

static void
on_arrival_late(struct eio_timer *t)
{
	refuse_arrival(EIO_CONTAINER(t, struct arrival, timer));
}

void
eio__arrival_new(
	struct eio_httpd *h, int fd, struct eio_httpd_door *door, const struct eio_peer *proxy, struct eio_bytes begun)
{
	struct arrival *a = malloc(sizeof *a); /* without zeros: most of it is the header */

	if (!a || begun.n > sizeof a->header || uv_poll_init(h->loop, &a->poll, fd)) {
		free(a);
		close(fd);
		return;
	}
	a->magic = ARRIVAL_MAGIC;
	a->fd = fd;
	a->httpd = h;
	a->door = eio_httpd_door_ref(door);
	a->peer = *proxy;
	a->n = begun.n;
	if (begun.n) memcpy(a->header, begun.p, begun.n);
	a->poll.data = a;
	eio_timer_init(&a->timer, on_arrival_late);
	eio_list_add_tail(&h->arrivals, &a->link);
	h->stats.open++;
	h->handles++;
	eio_clock_set(h->clock, &a->timer, eio_clock_now(h->clock) + h->options.header_timeout_ms);
	if (uv_poll_start(&a->poll, UV_READABLE, on_arrival)) end_arrival(a);
}

static void
leave_arrival(struct arrival *a)
{
	const struct eio_httpd_handler *handler = &a->httpd->handler;
	const struct eio_leaver l = {
		.stage = EIO_LEAVER_ARRIVES,
		.fd = a->fd,
		.peer = a->peer,
		.door = a->door,
		.begun = { a->header, a->n },
	};

	if (handler->leave) {
		a->fd = -1;
		handler->leave(handler->user, &l);
	}
	end_arrival(a);
}

void
eio__arrivals_part(struct eio_httpd *h)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &h->arrivals)
	{
		struct arrival *a = EIO_CONTAINER(l, struct arrival, link);

		uv_poll_stop(&a->poll);
		if (h->parting == EIO__LEAVES) leave_arrival(a);
	}
}

void
eio__arrivals_close(struct eio_httpd *h)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &h->arrivals) end_arrival(EIO_CONTAINER(l, struct arrival, link));
}
