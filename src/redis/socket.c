/* SPDX-License-Identifier: MIT */
/* The stream. What libuv calls finds its socket by the handle's data; who let go of it is told nothing more. */
#include "src/redis/socket.h"

#include "eio/check.h"
#include "eio/list.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define REDIS_SOCKET_MAGIC 0x4ed150c4

struct redis_socket {
	unsigned magic;
	const struct redis_socket_events *events; /* NULL once it is closed */
	void *user;
	uv_loop_t *loop;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} u;
	bool has_handle, is_tcp;
	uv_connect_t connect;
	size_t unwritten;
	char buf[REDIS_SOCKET_READ_BYTES];
};

struct socket_write {
	uv_write_t req;
	struct redis_socket *socket;
	struct eio_buf buf;
};

static struct redis_socket *
socket_of(void *data)
{
	struct redis_socket *s = data;

	CHECK_MAGIC(s, REDIS_SOCKET_MAGIC);
	return s;
}

struct redis_socket *
redis_socket_new(uv_loop_t *loop, const struct redis_socket_events *events, void *user)
{
	struct redis_socket *s = malloc(sizeof *s); /* without zeros: most of it is the buffer */

	if (!s) return NULL;
	s->magic = REDIS_SOCKET_MAGIC;
	s->events = events;
	s->user = user;
	s->loop = loop;
	s->has_handle = s->is_tcp = false;
	s->unwritten = 0;
	return s;
}

void
redis_socket_hand_over(struct redis_socket *s, const struct redis_socket_events *events, void *user)
{
	s->events = events;
	s->user = user;
}

static void
free_socket(struct redis_socket *s)
{
	s->magic = 0;
	free(s);
}

static void
on_socket_closed(uv_handle_t *h)
{
	free_socket(socket_of(h->data));
}

void
redis_socket_close(struct redis_socket *s)
{
	CHECK(s->events);
	s->events = NULL;
	if (s->has_handle)
		uv_close(&s->u.handle, on_socket_closed);
	else
		free_socket(s);
}

/* Connecting */

static void
on_socket_connected(uv_connect_t *req, int status)
{
	struct redis_socket *s = socket_of(req->data);

	if (!s->events) return;
	if (status == 0 && s->is_tcp) {
		uv_tcp_nodelay(&s->u.tcp, 1);
		uv_tcp_keepalive(&s->u.tcp, 1, 60);
	}
	s->events->connected(s->user, status < 0 ? uv_strerror(status) : NULL);
}

/* err: how making the handle went. */
static const char *
begin_socket(struct redis_socket *s, bool is_tcp, int err)
{
	CHECK(!s->has_handle);
	if (err) return uv_strerror(err);
	s->has_handle = true;
	s->is_tcp = is_tcp;
	s->u.handle.data = s->connect.data = s;
	return NULL;
}

const char *
redis_socket_connect(struct redis_socket *s, const struct sockaddr *address)
{
	const char *why = begin_socket(s, true, uv_tcp_init(s->loop, &s->u.tcp));
	int err;

	if (why) return why;
	err = uv_tcp_connect(&s->connect, &s->u.tcp, address, on_socket_connected);
	return err ? uv_strerror(err) : NULL;
}

const char *
redis_socket_connect_unix(struct redis_socket *s, const char *path)
{
	const char *why = begin_socket(s, false, uv_pipe_init(s->loop, &s->u.pipe, 0));

	if (!why) uv_pipe_connect(&s->connect, &s->u.pipe, path, on_socket_connected);
	return why;
}

/* Reading */

static void
on_socket_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct redis_socket *s = socket_of(h->data);

	(void)suggested;
	*buf = uv_buf_init(s->buf, sizeof s->buf);
}

static void
on_socket_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct redis_socket *s = socket_of(stream->data);

	if (!s->events || n == 0) return;
	if (n > 0)
		s->events->read(s->user, eio_bytes(buf->base, (size_t)n));
	else
		s->events->broken(s->user, n == UV_EOF ? "closed by the server" : uv_strerror((int)n));
}

const char *
redis_socket_read_start(struct redis_socket *s)
{
	int err = uv_read_start(&s->u.stream, on_socket_alloc, on_socket_read);

	return err ? uv_strerror(err) : NULL;
}

void
redis_socket_read_stop(struct redis_socket *s)
{
	uv_read_stop(&s->u.stream);
}

struct eio_bytes
redis_socket_look(struct redis_socket *s)
{
	uv_os_fd_t fd = -1;
	ssize_t n;

	uv_fileno(&s->u.handle, &fd);
	n = recv(fd, s->buf, sizeof s->buf, MSG_DONTWAIT);
	return eio_bytes(s->buf, n > 0 ? (size_t)n : 0);
}

size_t
redis_socket_unread(const struct redis_socket *s)
{
	uv_os_fd_t fd = -1;
	int n = 0;

	if (uv_fileno(&s->u.handle, &fd) || ioctl(fd, FIONREAD, &n) || n < 0) return 0;
	return (size_t)n;
}

/* Writing */

static void
on_socket_written(uv_write_t *req, int status)
{
	struct socket_write *w = EIO_CONTAINER(req, struct socket_write, req);
	struct redis_socket *s = socket_of(w->socket);

	s->unwritten -= w->buf.n;
	eio_buf_deinit(&w->buf);
	free(w);
	if (s->events && status < 0) s->events->broken(s->user, uv_strerror(status));
}

const char *
redis_socket_write(struct redis_socket *s, struct eio_buf *buf)
{
	struct socket_write *w = eio_buf_failed(buf) ? NULL : malloc(sizeof *w);
	uv_buf_t b = uv_buf_init(buf->p, (unsigned)buf->n);
	int err;

	if (!w) {
		eio_buf_deinit(buf);
		return "out of memory";
	}
	w->socket = s;
	w->buf = *buf;
	eio_buf_init(buf);
	err = uv_write(&w->req, &s->u.stream, &b, 1, on_socket_written);
	if (!err) {
		s->unwritten += w->buf.n;
		return NULL;
	}
	eio_buf_deinit(&w->buf);
	free(w);
	return uv_strerror(err);
}

size_t
redis_socket_unwritten(const struct redis_socket *s)
{
	return s->unwritten;
}
