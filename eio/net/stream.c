/* SPDX-License-Identifier: MIT */
/* Plain streams are libuv's. For those with TLS this does what libuv does for the others: it tries, waits for room, and
 * keeps the order. */
#include "eio/net/stream.h"

#include "eio/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SECURE_MAGIC = 0x73656375 };

struct eio__secure {
	unsigned magic; /* SECURE_MAGIC */
	struct eio_tls_server *server;
	struct eio_tls *tls; /* owned; NULL until something has arrived */
	void (*wants_turn)(struct eio__stream *s);
	bool shaking; /* the handshake goes on */
	bool reading;
	bool ends; /* our side does, when all is out */
	bool closing;
	uv_alloc_cb alloc;
	uv_read_cb read;
	uv_close_cb closed;
	struct eio__stream_write *first, **end; /* in their order */
	size_t queued; /* bytes */
};

static void on_secure_event(uv_poll_t *poll, int status, int events);

static struct eio__stream *
stream_of(void *handle)
{
	uv_handle_t *h = handle;

	return (struct eio__stream *)((char *)h - offsetof(struct eio__stream, h));
}

/* Watches for what can be done now. */
static void
watch_secure(struct eio__stream *s)
{
	const struct eio__secure *c = s->secure;
	int events = 0;

	if (c->closing) return;
	if (c->reading || c->shaking) events |= UV_READABLE;
	if (c->first || (c->tls && eio_tls_waits(c->tls))) events |= UV_WRITABLE;
	if (events)
		uv_poll_start(&s->h.poll, events, on_secure_event);
	else
		uv_poll_stop(&s->h.poll);
}

/* Writing */

static void
to_parts(struct iovec *parts, const uv_buf_t *bufs, unsigned n)
{
	CHECK(n <= EIO__STREAM_PARTS);
	for (unsigned i = 0; i < n; i++) parts[i] = (struct iovec){ bufs[i].base, bufs[i].len };
}

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
end_write(struct eio__secure *c, int status)
{
	struct eio__stream_write *w = c->first;

	c->queued -= bytes_of(w->parts, w->n);
	c->first = w->next;
	if (!c->first) c->end = &c->first;
	w->done(&w->req, status);
}

/* Sends what is queued, as far as there is room. */
static void
send_queued(struct eio__stream *s)
{
	struct eio__secure *c = s->secure;
	struct eio__stream_write *w;
	ssize_t sent;

	while (!c->closing && (w = c->first)) {
		sent = eio_tls_send(c->tls, w->parts, w->n);
		if (sent > 0) {
			advance(w, (size_t)sent);
			c->queued -= (size_t)sent;
		}
		/* It is out when its last record is. */
		if (sent >= 0 && (bytes_of(w->parts, w->n) > 0 || eio_tls_flush(c->tls) == 0)) break;
		end_write(c, sent < 0 ? UV_EPIPE : 0);
	}
	if (!c->first && c->tls && !c->closing && eio_tls_flush(c->tls) > 0 && c->ends) {
		c->ends = false;
		eio_tls_end(c->tls);
		shutdown(s->fd, SHUT_WR);
	}
}

int
eio__stream_try_write(struct eio__stream *s, const uv_buf_t *bufs, unsigned n)
{
	struct eio__secure *c = s->secure;
	struct iovec parts[EIO__STREAM_PARTS];
	ssize_t sent;

	if (!c) return uv_try_write(&s->h.stream, bufs, n);
	if (c->first) return UV_EAGAIN;
	to_parts(parts, bufs, n);
	sent = eio_tls_send(c->tls, parts, n);
	if (sent < 0) return UV_EPIPE;
	if (eio_tls_waits(c->tls)) watch_secure(s);
	return sent > 0 ? (int)sent : UV_EAGAIN;
}

int
eio__stream_write(
	struct eio__stream_write *w, struct eio__stream *s, const uv_buf_t *bufs, unsigned n, uv_write_cb done)
{
	struct eio__secure *c = s->secure;

	if (!c) return uv_write(&w->req, &s->h.stream, bufs, n, done);
	to_parts(w->parts, bufs, n);
	w->n = n;
	w->done = done;
	w->next = NULL;
	*c->end = w;
	c->end = &w->next;
	c->queued += bytes_of(w->parts, n);
	watch_secure(s);
	return 0;
}

size_t
eio__stream_queue_size(const struct eio__stream *s)
{
	return s->secure ? s->secure->queued : uv_stream_get_write_queue_size(&s->h.stream);
}

/* Reading */

int
eio__stream_read_start(struct eio__stream *s, uv_alloc_cb alloc, uv_read_cb read)
{
	struct eio__secure *c = s->secure;

	if (!c) return uv_read_start(&s->h.stream, alloc, read);
	c->alloc = alloc;
	c->read = read;
	c->reading = true;
	watch_secure(s);
	return 0;
}

void
eio__stream_read_stop(struct eio__stream *s)
{
	if (!s->secure) {
		uv_read_stop(&s->h.stream);
		return;
	}
	s->secure->reading = false;
	watch_secure(s);
}

static void
read_secure(struct eio__stream *s)
{
	struct eio__secure *c = s->secure;
	uv_buf_t buf = { 0 };
	ssize_t n;

	c->alloc(&s->h.handle, EIO_TLS_RECORD, &buf);
	CHECK(buf.len >= EIO_TLS_RECORD);
	n = eio_tls_recv(c->tls, buf.base, buf.len);
	if (n == 0)
		n = UV_EOF;
	else if (n < 0)
		n = errno == EAGAIN ? 0 : UV_ECONNRESET;
	if (n == UV_EOF) c->reading = false; /* it would be told again and again */
	c->read(&s->h.stream, n, &buf);
}

static void
on_secure_event(uv_poll_t *poll, int status, int events)
{
	struct eio__stream *s = stream_of(poll);
	struct eio__secure *c = s->secure;
	uv_buf_t none = { 0 };

	CHECK_MAGIC(c, SECURE_MAGIC);
	if (c->shaking) {
		uv_poll_stop(poll); /* until it was its turn */
		c->wants_turn(s);
		return;
	}
	if (status < 0) {
		c->read(&s->h.stream, UV_ECONNRESET, &none);
		return;
	}
	if (events & UV_WRITABLE) send_queued(s);
	if ((events & UV_READABLE) && c->reading && !c->closing) read_secure(s);
	watch_secure(s);
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
	return s->secure && s->secure->shaking && !s->secure->tls;
}

bool
eio__stream_shaking(const struct eio__stream *s)
{
	return s->secure && s->secure->shaking && s->secure->tls;
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
	watch_secure(s);
	return step;
}

/* Beginning and end */

static int
open_plain(struct eio__stream *s, uv_loop_t *loop, int fd, bool unix_socket)
{
	int err;

	if (unix_socket) {
		err = uv_pipe_init(loop, &s->h.pipe, 0);
		if (!err) err = uv_pipe_open(&s->h.pipe, fd);
	} else {
		err = uv_tcp_init(loop, &s->h.tcp);
		if (!err) err = uv_tcp_open(&s->h.tcp, fd);
	}
	return err;
}

int
eio__stream_open(struct eio__stream *s, uv_loop_t *loop, int fd, bool is_unix, struct eio_tls_server *tls,
	void (*wants_turn)(struct eio__stream *s))
{
	struct eio__secure *c;
	int err;

	s->fd = fd;
	if (!tls) {
		err = open_plain(s, loop, fd, is_unix);
		if (err) close(fd);
		return err;
	}
	c = calloc(1, sizeof *c);
	err = c ? uv_poll_init(loop, &s->h.poll, fd) : UV_ENOMEM;
	if (err) {
		free(c);
		close(fd);
		uv_tcp_init(loop, &s->h.tcp); /* to be closed */
		return err;
	}
	c->magic = SECURE_MAGIC;
	c->server = tls;
	c->wants_turn = wants_turn;
	c->shaking = true;
	c->end = &c->first;
	s->secure = c;
	watch_secure(s);
	return 0;
}

int
eio__stream_leave(struct eio__stream *s, struct eio_tls **tls)
{
	struct eio__secure *c = s->secure;
	int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);

	*tls = NULL;
	if (!c || !c->tls || fd < 0) return fd;
	CHECK_MAGIC(c, SECURE_MAGIC);
	*tls = c->tls;
	eio_tls_move(c->tls, fd);
	c->tls = NULL;
	return fd;
}

static void
on_shutdown(uv_shutdown_t *req, int status)
{
	(void)status;
	free(req);
}

int
eio__stream_shutdown(struct eio__stream *s)
{
	struct eio__secure *c = s->secure;
	uv_shutdown_t *req;
	int err;

	if (c) {
		c->ends = true;
		send_queued(s);
		watch_secure(s);
		return 0;
	}
	req = malloc(sizeof *req);
	err = req ? uv_shutdown(req, &s->h.stream, on_shutdown) : UV_ENOMEM;
	if (err) free(req);
	return err;
}

static void
on_secure_closed(uv_handle_t *handle)
{
	struct eio__stream *s = stream_of(handle);
	struct eio__secure *c = s->secure;
	uv_close_cb closed = c->closed;

	while (c->first) end_write(c, UV_ECANCELED);
	eio_tls_free(c->tls);
	c->magic = 0;
	free(c);
	s->secure = NULL;
	closed(handle);
}

void
eio__stream_close(struct eio__stream *s, uv_close_cb closed)
{
	struct eio__secure *c = s->secure;

	if (!c) {
		uv_close(&s->h.handle, closed);
		return;
	}
	CHECK_MAGIC(c, SECURE_MAGIC);
	c->closing = true;
	c->closed = closed;
	if (c->tls && !c->first) eio_tls_end(c->tls);
	uv_close(&s->h.handle, on_secure_closed);
	close(s->fd);
}
