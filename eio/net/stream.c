/* SPDX-License-Identifier: MIT */
/* Tries, waits for room, and keeps the order; the same for TLS and for what is plain. */
#include "eio/net/stream.h"

#include "eio/check.h"
#include "eio/list.h"
#include "eio/net/wire.h"

#include <stdlib.h>
#include <sys/epoll.h>

enum { SECURE_MAGIC = 0x73656375 };

struct eio__secure {
	unsigned magic; /* SECURE_MAGIC */
	struct eio_tls_server *server;
	struct eio_tls *tls; /* owned; NULL until something has arrived */
	bool shaking; /* the handshake goes on */
	bool waits; /* for its turn in it */
};

static bool
is_shaking(const struct eio__stream *s)
{
	return s->secure && s->secure->shaking;
}

/* Watching */

static uint32_t
wanted_events(const struct eio__stream *s)
{
	uint32_t events = 0;

	if (s->fd < 0 || (is_shaking(s) && s->secure->waits)) return 0;
	if (s->reading || is_shaking(s)) events |= EPOLLIN | EPOLLRDHUP;
	if (s->first || eio__wire_waits(eio__stream_tls(s))) events |= EPOLLOUT;
	/* What has come need not be told of again: less than the buffer takes is all there was. Of TLS one record is
	 * read at a time; and there may be room that the kernel has no memory for. */
	return events == (EPOLLIN | EPOLLRDHUP) && !s->secure ? events | EPOLLET : events;
}

/* Watches for what can be done now. Who wants nothing is not watched at all: that a connection is broken epoll would
 * tell again and again. A change tells anew of what is there, though nothing has changed. */
static void
watch_stream(struct eio__stream *s)
{
	uint32_t events = wanted_events(s);
	struct eio__watch *w = &s->all->watch;
	int err = 0;

	if (events == s->watched && !(s->more && s->reading)) return;
	s->more = false;
	if (!events)
		eio__watch_remove(w, s->fd);
	else if (s->watched)
		err = eio__watch_change(w, s->fd, events, s);
	else
		err = eio__watch_add(w, s->fd, events, s);
	/* The kernel is short of memory. Nobody would hear of this one any more; the clock of its owner ends it. */
	if (!err) s->watched = events;
}

/* Writing */

static size_t
bytes_of(const struct iovec *parts, unsigned n)
{
	size_t all = 0;

	for (unsigned i = 0; i < n; i++) all += parts[i].iov_len;
	return all;
}

/* So many bytes of a write are out. */
static void
advance(struct eio__stream_write *w, size_t n)
{
	for (unsigned i = 0; i < w->n; i++) {
		size_t some = n < w->parts[i].iov_len ? n : w->parts[i].iov_len;

		w->parts[i].iov_base = (char *)w->parts[i].iov_base + some;
		w->parts[i].iov_len -= some;
		n -= some;
	}
}

static void
end_write(struct eio__stream *s, bool failed)
{
	struct eio__stream_write *w = s->first;

	s->queued -= bytes_of(w->parts, w->n);
	s->first = w->next;
	if (!s->first) s->end = &s->first;
	w->done(w, failed);
}

/* Ends our side, now that all is out; with TLS, when it has said so, too. */
static void
end_side(struct eio__stream *s)
{
	struct eio_tls *tls = eio__stream_tls(s);

	if (tls) eio_tls_end(tls);
	if (eio__wire_waits(tls)) return;
	s->ends = false;
	shutdown(s->fd, SHUT_WR);
}

/* Sends what is queued, as far as there is room. */
static void
send_queued(struct eio__stream *s)
{
	struct eio__stream_write *w;
	struct eio_tls *tls = eio__stream_tls(s);
	ssize_t sent;

	while (s->fd >= 0 && (w = s->first)) {
		sent = eio__wire_send_parts(s->fd, tls, w->parts, w->n);
		if (sent > 0) {
			advance(w, (size_t)sent);
			s->queued -= (size_t)sent;
		}
		/* It is out when its last record is. */
		if (sent >= 0 && (bytes_of(w->parts, w->n) > 0 || eio__wire_flush(tls) == 0)) break;
		end_write(s, sent < 0);
	}
	if (s->fd >= 0 && !s->first && eio__wire_flush(tls) > 0 && s->ends) end_side(s);
}

ssize_t
eio__stream_try_write(struct eio__stream *s, const struct iovec *parts, unsigned n)
{
	ssize_t sent;

	if (s->first) return 0;
	sent = eio__wire_send_parts(s->fd, eio__stream_tls(s), parts, n);
	if (sent >= 0 && s->secure) watch_stream(s);
	return sent;
}

void
eio__stream_write(struct eio__stream_write *w, struct eio__stream *s, const struct iovec *parts, unsigned n,
	void (*done)(struct eio__stream_write *w, bool failed))
{
	CHECK(n <= EIO__STREAM_PARTS);
	for (unsigned i = 0; i < n; i++) w->parts[i] = parts[i];
	w->n = n;
	w->done = done;
	w->next = NULL;
	*s->end = w;
	s->end = &w->next;
	s->queued += bytes_of(parts, n);
	watch_stream(s);
}

size_t
eio__stream_queue_size(const struct eio__stream *s)
{
	return s->queued;
}

/* Reading */

/* Returns whether something came. */
static bool
read_stream(struct eio__stream *s)
{
	struct eio__streams *all = s->all;
	ssize_t n;

	do n = eio__wire_recv(s->fd, eio__stream_tls(s), all->buffer, sizeof all->buffer);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) return false;
	if (n <= 0) s->reading = false;
	s->more = n == (ssize_t)sizeof all->buffer;
	all->busy = true;
	all->read(s, all->buffer, n < 0 ? -1 : n);
	all->busy = false;
	return n > 0;
}

static void
on_stream_event(struct eio__watch *w, void *ptr, uint32_t events)
{
	struct eio__stream *s = ptr;

	(void)w;
	if (s->fd < 0) return; /* it is over: this was told of it in the same turn */
	if (is_shaking(s)) {
		s->secure->waits = true;
		watch_stream(s);
		s->all->wants_turn(s);
		return;
	}
	/* Errors are found by whatever is tried. */
	if (events & ~(uint32_t)EPOLLIN) send_queued(s);
	if (events & ~(uint32_t)EPOLLOUT) {
		/* An end that came with what was read is not told once more. */
		while (s->fd >= 0 && s->reading && read_stream(s) && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
			continue;
	}
	watch_stream(s);
}

void
eio__stream_read_start(struct eio__stream *s)
{
	s->reading = true;
	watch_stream(s);
}

void
eio__stream_read_stop(struct eio__stream *s)
{
	s->reading = false;
	watch_stream(s);
}

void
eio__stream_read_now(struct eio__stream *s)
{
	s->reading = true;
	if (!s->all->busy) read_stream(s);
	watch_stream(s);
}

/* The handshake */

struct eio_tls *
eio__stream_tls(const struct eio__stream *s)
{
	return s->secure ? s->secure->tls : NULL;
}

bool
eio__stream_fresh(const struct eio__stream *s)
{
	return is_shaking(s) && !s->secure->tls;
}

bool
eio__stream_shaking(const struct eio__stream *s)
{
	return is_shaking(s) && s->secure->tls;
}

enum eio_tls_step
eio__stream_handshake(struct eio__stream *s)
{
	struct eio__secure *c = s->secure;
	enum eio_tls_step step = EIO_TLS_FAILED;

	CHECK_MAGIC(c, SECURE_MAGIC);
	CHECK(c->shaking);
	if (!c->tls) c->tls = eio_tls_new(c->server, s->fd);
	if (c->tls && eio_tls_flush(c->tls) >= 0) step = eio_tls_handshake(c->tls);
	if (step != EIO_TLS_MORE) c->shaking = false;
	c->waits = false;
	watch_stream(s);
	return step;
}

/* Beginning and end */

int
eio__streams_open(struct eio__streams *all, uv_loop_t *loop)
{
	return eio__watch_open(&all->watch, loop, EIO__WATCH_MOST, on_stream_event);
}

int
eio__stream_open(struct eio__stream *s, struct eio__streams *all, int fd, struct eio_tls_server *tls)
{
	*s = (struct eio__stream){ .all = all, .fd = fd, .end = &s->first };
	if (!tls) return 0;
	s->secure = malloc(sizeof *s->secure);
	if (!s->secure) return -1;
	*s->secure = (struct eio__secure){ .magic = SECURE_MAGIC, .server = tls, .shaking = true };
	watch_stream(s);
	return 0;
}

int
eio__stream_leave(struct eio__stream *s, struct eio_tls **tls)
{
	int fd = s->fd;

	*tls = eio__stream_tls(s);
	if (*tls) s->secure->tls = NULL;
	if (s->watched) eio__watch_remove(&s->all->watch, fd);
	s->watched = 0;
	s->fd = -1;
	return fd;
}

void
eio__stream_shutdown(struct eio__stream *s)
{
	s->ends = true;
	send_queued(s);
	watch_stream(s);
}

void
eio__stream_close(struct eio__stream *s)
{
	struct eio_tls *tls = eio__stream_tls(s);

	if (s->fd < 0) return;
	if (s->watched) eio__watch_remove(&s->all->watch, s->fd);
	s->watched = 0;
	if (tls && !s->first) eio_tls_end(tls);
	close(s->fd);
	s->fd = -1;
}

void
eio__stream_free(struct eio__stream *s)
{
	while (s->first) end_write(s, true);
	if (!s->secure) return;
	CHECK_MAGIC(s->secure, SECURE_MAGIC);
	eio_tls_free(s->secure->tls);
	s->secure->magic = 0;
	free(s->secure);
	s->secure = NULL;
}
