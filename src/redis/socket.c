/* SPDX-License-Identifier: MIT */
/*
 * The stream. What libuv calls finds its socket by the handle's data; who let go of it is told nothing more.
 *
 * With TLS what libuv reads is fed to it, and what comes out of that is what was read. All of it is told at once,
 * unless whoever is told stops reading: the rest then waits for a look.
 */
#include "src/redis/socket.h"

#include "eio/check.h"
#include "eio/list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

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
	bool shaking; /* hands, with TLS: it is connected, and nobody was told */
	bool reading; /* whoever has it wants to be told what comes */
	uv_connect_t connect;
	struct redis_tls *tls; /* or NULL: bytes are what they are */
	char *plain; /* what was read last with it: REDIS_SOCKET_READ_BYTES, owned */
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
	s->has_handle = s->is_tcp = s->shaking = s->reading = false;
	s->tls = NULL;
	s->plain = NULL;
	s->unwritten = 0;
	return s;
}

void
redis_socket_hand_over(struct redis_socket *s, const struct redis_socket_events *events, void *user)
{
	s->events = events;
	s->user = user;
}

const char *
redis_socket_encrypt(struct redis_socket *s, struct redis_tls_context *context)
{
	CHECK(!s->has_handle && !s->tls);
	s->tls = redis_tls_new(context);
	s->plain = malloc(REDIS_SOCKET_READ_BYTES);
	return s->tls && s->plain ? NULL : "out of memory";
}

bool
redis_socket_shakes_hands(const struct redis_socket *s)
{
	return s->shaking;
}

static void
free_socket(struct redis_socket *s)
{
	redis_tls_free(s->tls);
	free(s->plain);
	s->magic = 0;
	free(s);
}

static void
on_socket_closed(uv_handle_t *h)
{
	free_socket(socket_of(h->data));
}

/* The server is told so; that it cannot be does not matter. */
static void
end_tls(struct redis_socket *s)
{
	struct eio_buf *out = redis_tls_out(s->tls);
	uv_buf_t b;

	redis_tls_end(s->tls);
	b = uv_buf_init(out->p, (unsigned)out->n);
	if (out->n) uv_try_write(&s->u.stream, &b, 1);
}

void
redis_socket_close(struct redis_socket *s)
{
	CHECK(s->events);
	s->events = NULL;
	if (s->tls && s->has_handle) end_tls(s);
	if (s->has_handle)
		uv_close(&s->u.handle, on_socket_closed);
	else
		free_socket(s);
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

/* Writes a buffer as it is, and takes it over. NULL, or why not. */
static const char *
write_plainly(struct redis_socket *s, struct eio_buf *buf)
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

/* Sends what TLS has to send. NULL, or why the socket is over: by that, or by what TLS has read before. */
static const char *
flush_tls(struct redis_socket *s)
{
	struct eio_buf *out = redis_tls_out(s->tls);
	const char *why = out->n ? write_plainly(s, out) : NULL;

	return redis_tls_failure(s->tls) ? redis_tls_failure(s->tls) : why;
}

const char *
redis_socket_write(struct redis_socket *s, struct eio_buf *buf)
{
	if (!s->tls || eio_buf_failed(buf)) return write_plainly(s, buf);
	redis_tls_write(s->tls, eio_buf_bytes(buf));
	eio_buf_deinit(buf);
	return flush_tls(s);
}

size_t
redis_socket_unwritten(const struct redis_socket *s)
{
	return s->unwritten;
}

/* Reading */

static void
on_socket_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct redis_socket *s = socket_of(h->data);

	(void)suggested;
	*buf = uv_buf_init(s->buf, sizeof s->buf);
}

/* Whoever has it is told whether it is connected, once it has shaken hands or failed to. */
static void
shake_hands(struct redis_socket *s, const char *why)
{
	bool over = !why && redis_tls_shake_hands(s->tls);

	if (!why) why = flush_tls(s);
	if (!over && !why) return;
	s->shaking = false;
	uv_read_stop(&s->u.stream);
	s->events->connected(s->user, why);
}

/* Bytes came with TLS, maybe together with the end of the handshake, or so many as make more than one read. */
static void
take_encrypted(struct redis_socket *s, struct eio_bytes bytes)
{
	const char *why = NULL;
	size_t n;

	redis_tls_feed(s->tls, bytes);
	if (s->shaking) shake_hands(s, NULL);
	while (s->events && s->reading && !why) {
		n = redis_tls_read(s->tls, s->plain, REDIS_SOCKET_READ_BYTES);
		why = flush_tls(s);
		if (n) s->events->read(s->user, eio_bytes(s->plain, n));
		if (n < REDIS_SOCKET_READ_BYTES) break;
	}
	if (s->events && s->reading && why) s->events->broken(s->user, why);
}

static void
on_socket_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct redis_socket *s = socket_of(stream->data);
	const char *why = n == UV_EOF ? "closed by the server" : n < 0 ? uv_strerror((int)n) : NULL;

	if (!s->events || n == 0) return;
	if (why && s->shaking)
		shake_hands(s, n == UV_EOF ? "closed by the server instead of a TLS handshake" : why);
	else if (why)
		s->events->broken(s->user, why);
	else if (s->tls)
		take_encrypted(s, eio_bytes(buf->base, (size_t)n));
	else
		s->events->read(s->user, eio_bytes(buf->base, (size_t)n));
}

static const char *
start_reading(struct redis_socket *s)
{
	int err = uv_read_start(&s->u.stream, on_socket_alloc, on_socket_read);

	return err ? uv_strerror(err) : NULL;
}

const char *
redis_socket_read_start(struct redis_socket *s)
{
	const char *why = redis_socket_failure(s);

	if (!why) why = start_reading(s);
	s->reading = !why;
	return why;
}

void
redis_socket_read_stop(struct redis_socket *s)
{
	s->reading = false;
	uv_read_stop(&s->u.stream);
}

const char *
redis_socket_failure(const struct redis_socket *s)
{
	return s->tls ? redis_tls_failure(s->tls) : NULL;
}

const char *
redis_socket_encryption(const struct redis_socket *s)
{
	return s->tls ? redis_tls_version(s->tls) : NULL;
}

static struct eio_bytes
receive_now(struct redis_socket *s)
{
	uv_os_fd_t fd = -1;
	ssize_t n;

	uv_fileno(&s->u.handle, &fd);
	n = recv(fd, s->buf, sizeof s->buf, MSG_DONTWAIT);
	return eio_bytes(s->buf, n > 0 ? (size_t)n : 0);
}

/* A record can be longer than what comes at once, and what comes holds less than its length: it is filled up. */
static struct eio_bytes
receive_encrypted_now(struct redis_socket *s)
{
	size_t n = redis_tls_read(s->tls, s->plain, REDIS_SOCKET_READ_BYTES);
	struct eio_bytes bytes;

	while (n < REDIS_SOCKET_READ_BYTES && !redis_tls_failure(s->tls) && (bytes = receive_now(s)).n) {
		redis_tls_feed(s->tls, bytes);
		n += redis_tls_read(s->tls, s->plain + n, REDIS_SOCKET_READ_BYTES - n);
	}
	(void)flush_tls(s); /* the next read tells */
	return eio_bytes(s->plain, n);
}

struct eio_bytes
redis_socket_look(struct redis_socket *s)
{
	return s->tls ? receive_encrypted_now(s) : receive_now(s);
}

size_t
redis_socket_unread(const struct redis_socket *s)
{
	uv_os_fd_t fd = -1;
	int n = 0;

	if (uv_fileno(&s->u.handle, &fd) || ioctl(fd, FIONREAD, &n) || n < 0) return 0;
	return (size_t)n;
}

/* Connecting */

static void
on_socket_connected(uv_connect_t *req, int status)
{
	struct redis_socket *s = socket_of(req->data);
	const char *why = status < 0 ? uv_strerror(status) : NULL;

	if (!s->events) return;
	if (status == 0 && s->is_tcp) {
		uv_tcp_nodelay(&s->u.tcp, 1);
		uv_tcp_keepalive(&s->u.tcp, 1, 60);
	}
	s->shaking = !why && s->tls;
	if (s->shaking)
		shake_hands(s, start_reading(s));
	else
		s->events->connected(s->user, why);
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

/* From one process to the next */

static bool
is_unix_socket(int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof ss;

	return getsockname(fd, (struct sockaddr *)&ss, &n) == 0 && ss.ss_family == AF_UNIX;
}

const char *
redis_socket_adopt(struct redis_socket *s, int fd)
{
	bool is_tcp = !is_unix_socket(fd);
	const char *why = begin_socket(
		s, is_tcp, is_tcp ? uv_tcp_init(s->loop, &s->u.tcp) : uv_pipe_init(s->loop, &s->u.pipe, 0));
	int err = why ? 0 : is_tcp ? uv_tcp_open(&s->u.tcp, fd) : uv_pipe_open(&s->u.pipe, fd);

	if (err) why = uv_strerror(err);
	if (why) close(fd);
	return why;
}

int
redis_socket_copy(const struct redis_socket *s)
{
	uv_os_fd_t fd;

	if (s->tls || s->unwritten || !s->has_handle || uv_fileno(&s->u.handle, &fd)) return -1;
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}
