/* SPDX-License-Identifier: MIT */
/* The HTTP server: listeners and accepting. The connections are in conn_read.c. */
#include "eio/check.h"
#include "eio/net/arrival.h"
#include "eio/net/door.h"
#include "eio/net/httpd_int.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LISTENER_MAGIC = 0x6c697374,
	ACCEPT_BURST = 64, /* connections taken per wake-up, so that the ones already here get their turn */
	ACCEPT_LAST = 4096, /* taken of a listener that closes: more than there is room for in its queue */
	ACCEPT_RETRY_MS = 100, /* how long accepting pauses when descriptors ran out */
	ACCEPT_CALM_MS = 5000, /* without that, and it is over: one freed here and there does not end it */
};

struct eio_httpd_listener {
	unsigned magic; /* LISTENER_MAGIC */
	struct eio_list link; /* in httpd->listeners */
	struct eio_httpd *httpd;
	uv_poll_t poll;
	int fd;
	struct eio_httpd_door *door; /* a reference, or NULL */
	bool begun;
	bool is_tcp, drained; /* it had nobody to accept once it had its options: who comes has them, too */
};

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void
accept_pause(struct eio_httpd *h, int err)
{
	struct eio_list *i, *next;

	EIO_LIST_FOREACH_SAFE(i, next, &h->listeners)
	uv_poll_stop(&EIO_CONTAINER(i, struct eio_httpd_listener, link)->poll);
	h->short_ms = eio_clock_now(h->clock);
	eio_clock_set(h->clock, &h->accept_retry, h->short_ms + ACCEPT_RETRY_MS);
	if (!h->paused && h->handler.accept_paused) h->handler.accept_paused(h->handler.user, -err);
	h->paused = true;
}

static void
on_accept_retry(struct eio_timer *t)
{
	struct eio_httpd *h = EIO_CONTAINER(t, struct eio_httpd, accept_retry);
	struct eio_list *i, *next;

	EIO_LIST_FOREACH_SAFE(i, next, &h->listeners)
	{
		struct eio_httpd_listener *l = EIO_CONTAINER(i, struct eio_httpd_listener, link);

		if (l->begun) uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
	}
}

/* Descriptors were there for one. */
static void
end_pause(struct eio_httpd *h)
{
	if (eio_clock_now(h->clock) - h->short_ms < ACCEPT_CALM_MS) return;
	if (h->handler.accept_paused) h->handler.accept_paused(h->handler.user, 0);
	h->paused = false;
}

static bool
out_of_resources(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* A descriptor or -1 with errno. The peer comes with it where somebody asks: later its socket may not know any more. */
static int
accept_one(const struct eio_httpd *h, int listening, bool proxied, struct eio_peer *peer)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof ss;
	int fd;

	if (!h->options.peers && !proxied) return accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	fd = accept4(listening, (struct sockaddr *)&ss, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) *peer = eio_peer_of((const struct sockaddr *)&ss);
	return fd;
}

/* A connection of a proxy, which has to say whose it is, or of somebody who may not say so. */
static void
begin_proxied(struct eio_httpd *h, int fd, const struct eio_peer *peer, struct eio_httpd_door *door)
{
	if (eio_networks_have(&h->options.proxies, peer)) {
		eio__arrival_new(h, fd, door, peer, EIO_LIT(""));
		return;
	}
	h->stats.proxy_bad++;
	close(fd);
}

static void
accept_some(struct eio_httpd_listener *l, int most)
{
	bool proxied = l->door && l->door->proxied;
	struct eio_httpd *h = l->httpd;
	struct eio_peer peer = { 0 };
	int fd;

	for (int i = 0; i < most; i++) {
		fd = accept_one(h, l->fd, proxied, &peer);
		if (fd < 0 && out_of_resources(errno)) {
			accept_pause(h, errno);
			return;
		}
		if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			l->drained = true;
			return;
		}
		if (fd < 0) continue; /* a connection that died before it was taken */
		if (h->paused) end_pause(h);
		if (h->handler.admit && !h->handler.admit(h->handler.user))
			close(fd);
		else if (proxied)
			begin_proxied(h, fd, &peer, l->door);
		else
			eio__conn_new(h, fd, h->options.peers ? &peer : NULL, l->door, l->is_tcp && l->drained);
		if (eio_list_empty(&l->link)) return; /* what it said has closed the listener */
	}
}

static void
on_acceptable(uv_poll_t *poll, int status, int events)
{
	struct eio_httpd_listener *l = poll->data;
	const struct eio_httpd_handler *handler = &l->httpd->handler;

	(void)events;
	CHECK_MAGIC(l, LISTENER_MAGIC);
	if (status) return;
	if (handler->burst) handler->burst(handler->user, true);
	accept_some(l, ACCEPT_BURST);
	if (handler->burst) handler->burst(handler->user, false);
}

int
eio_httpd_accept(struct eio_httpd *h, int fd)
{
	struct eio_httpd_listener *l;
	int err = eio_httpd_listener_new(h, fd, NULL, &l);

	if (!err) eio_httpd_listener_begin(l);
	return err;
}

int
eio_httpd_listener_new(struct eio_httpd *h, int fd, struct eio_httpd_door *door, struct eio_httpd_listener **out)
{
	struct eio_httpd_listener *l = calloc(1, sizeof *l);
	int err = l ? uv_poll_init(h->loop, &l->poll, fd) : UV_ENOMEM;

	if (err) {
		free(l);
		close(fd);
		return err;
	}
	l->magic = LISTENER_MAGIC;
	l->httpd = h;
	l->fd = fd;
	l->is_tcp = eio__conn_set_options(fd);
	l->door = eio_httpd_door_ref(door);
	l->poll.data = l;
	eio_list_add_tail(&h->listeners, &l->link);
	h->handles++;
	*out = l;
	return 0;
}

void
eio_httpd_listener_begin(struct eio_httpd_listener *l)
{
	CHECK_MAGIC(l, LISTENER_MAGIC);
	l->begun = true;
	/* That fails only for a handle that is being closed. */
	uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
}

void
eio_httpd_listener_set_door(struct eio_httpd_listener *l, struct eio_httpd_door *door)
{
	struct eio_httpd_door *before = l->door;

	CHECK_MAGIC(l, LISTENER_MAGIC);
	l->door = eio_httpd_door_ref(door);
	eio_httpd_door_unref(before);
}

static void
on_listener_closed(uv_handle_t *handle)
{
	struct eio_httpd_listener *l = handle->data;
	struct eio_httpd *h;

	CHECK_MAGIC(l, LISTENER_MAGIC);
	h = l->httpd;
	l->magic = 0;
	eio_httpd_door_unref(l->door);
	free(l);
	CHECK(h->handles > 0);
	h->handles--;
	eio__httpd_free_if_done(h);
}

static void
close_listener(struct eio_httpd_listener *l)
{
	eio_list_remove(&l->link);
	uv_close((uv_handle_t *)&l->poll, on_listener_closed);
	close(l->fd);
}

void
eio_httpd_listener_close(struct eio_httpd_listener *l)
{
	CHECK_MAGIC(l, LISTENER_MAGIC);
	if (l->begun) accept_some(l, ACCEPT_LAST);
	close_listener(l);
}

void
eio_httpd_stop_accepting(struct eio_httpd *h)
{
	struct eio_list *i, *next;

	eio_clock_set(h->clock, &h->accept_retry, UINT64_MAX);
	EIO_LIST_FOREACH_SAFE(i, next, &h->listeners)
	close_listener(EIO_CONTAINER(i, struct eio_httpd_listener, link));
}

static void
part(struct eio_httpd *h, enum eio__parting how)
{
	struct eio_list *l, *next;

	eio_httpd_stop_accepting(h);
	h->parting = how;
	eio__arrivals_part(h);
	EIO_LIST_FOREACH_SAFE(l, next, &h->conns) h->hold(EIO_CONTAINER(l, struct eio__conn, link));
}

void
eio_httpd_hold(struct eio_httpd *h)
{
	if (h->parting == EIO__STAYS) part(h, EIO__HOLDS);
}

void
eio_httpd_leave(struct eio_httpd *h)
{
	if (h->parting != EIO__LEAVES) part(h, EIO__LEAVES);
}

size_t
eio_httpd_staying(const struct eio_httpd *h)
{
	return (size_t)h->stats.open;
}

size_t
eio_httpd_relaying(const struct eio_httpd *h)
{
	return h->splices ? eio_splices_count(h->splices) : 0;
}

struct eio_httpd *
eio_httpd_new(uv_loop_t *loop, struct eio_clock *clock, const struct eio_httpd_options *options,
	const struct eio_httpd_handler *handler)
{
	struct eio_httpd *h = calloc(1, sizeof *h);

	if (!h) return NULL;
	if (eio__streams_open(&h->streams, loop)) {
		free(h);
		return NULL;
	}
	h->streams.read = eio__conn_read;
	h->streams.wants_turn = eio__conn_wants_turn;
	h->written = eio__conn_written;
	h->go_on = eio__conn_go_on;
	h->shake = eio__conn_shake;
	h->hold = eio__conn_hold;
	h->arrived = eio__conn_new;
	eio_list_init(&h->arrivals);
	h->loop = loop;
	h->clock = clock;
	h->options = *options;
	h->handler = *handler;
	eio_list_init(&h->listeners);
	eio_list_init(&h->conns);
	eio__behind_init(&h->behind, &h->stats.behind);
	eio_list_init(&h->ready);
	eio_list_init(&h->shaking);
	eio_list_init(&h->silent);
	eio_list_init(&h->gone);
	uv_idle_init(loop, &h->turn);
	h->turn.data = h;
	eio_timer_init(&h->accept_retry, on_accept_retry);
	return h;
}

/* Of one whose socket has been closed meanwhile it stays unknown; of one that had to say whose it is, it is known. */
static void
find_peers(struct eio_httpd *h)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &h->conns)
	{
		struct eio__conn *c = EIO_CONTAINER(l, struct eio__conn, link);
		socklen_t n = sizeof ss;

		if (c->closing || (c->door && c->door->proxied)) continue;
		if (getpeername(c->io.fd, (struct sockaddr *)&ss, &n)) continue;
		c->peer = eio_peer_of((const struct sockaddr *)&ss);
	}
}

void
eio_httpd_change(struct eio_httpd *h, const struct eio_httpd_options *options)
{
	struct eio_httpd_options before = h->options;

	h->options = *options;
	h->options.home = before.home;
	h->options.max_body = before.max_body;
	if (options->peers && !before.peers) find_peers(h);
}

void
eio_httpd_close(struct eio_httpd *h)
{
	struct eio_list *l, *next;

	eio_httpd_stop_accepting(h);
	h->closing = true;
	eio__arrivals_close(h);
	eio_splices_close(h->splices);
	h->splices = NULL;
	/* An answer that is on its way out is allowed to leave; the linger timer bounds it. */
	EIO_LIST_FOREACH_SAFE(l, next, &h->conns)
	{
		struct eio__conn *c = EIO_CONTAINER(l, struct eio__conn, link);

		if (!c->lingering && eio__stream_queue_size(&c->io) == 0) eio__conn_close(c);
	}
	eio__httpd_free_if_done(h);
}

const struct eio_httpd_stats *
eio_httpd_stats(const struct eio_httpd *h)
{
	return &h->stats;
}
