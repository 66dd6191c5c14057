/* SPDX-License-Identifier: MIT */
/*
 * The HTTP server. A connection reads all the time, also while a request is
 * being answered: that is how a cancelled poll is noticed. What comes in then
 * waits in `pending` until the answer is out.
 *
 *     reading ──request──▶ waiting ──answer──▶ reading
 *        │                    │
 *        ▼                    ▼
 *     lingering ────────▶ closed        upgrade: the descriptor leaves, the handle closes
 */
#define _GNU_SOURCE
#include "eio/net/httpd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	READ_BUFFER = 65536,
	ACCEPT_BURST = 64, /* connections taken per wake-up, so that the ones already here get their turn */
	ACCEPT_RETRY_MS = 100, /* how long accepting pauses when descriptors ran out */
	DATE_LEN = 29,
};

struct listener {
	struct listener *next;
	struct eio_httpd *httpd;
	uv_poll_t poll;
	int fd;
};

struct eio_httpd {
	uv_loop_t *loop;
	struct eio_clock *clock;
	struct eio_httpd_handler handler;
	struct eio_httpd_stats stats;
	struct listener *listeners;
	struct eio_list conns;
	struct eio_timer accept_retry;
	struct eio_httpd_options options;
	unsigned handles; /* listeners and connections whose libuv handle is not closed yet */
	bool closing, paused;
	time_t date_at;
	char date[DATE_LEN + 1];
	char read_buffer[READ_BUFFER];
};

struct conn {
	struct eio_list link;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} h;
	struct eio_httpd *httpd;
	struct eio_http *http;
	struct eio_exchange *ex; /* being received or answered; a reference */
	struct eio_buf pending; /* bytes that came while an exchange was being answered */
	struct eio_timer timer;
	bool told; /* the handler knows the exchange */
	bool complete; /* the request of ex is complete */
	bool feeding, lingering, closing, stopped, eof;
};

struct write {
	uv_write_t req;
	struct conn *conn;
	struct eio_block *body;
	bool close;
	char head[];
};

static void conn_feed(struct conn *c, const char *data, size_t n);
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

/* While a body arrives parser and exchange share the request; when the exchange ends early the parser lets go of it. */
static void
release_request(struct conn *c)
{
	if (c->told && !c->complete) eio_http_take(c->http);
	c->told = c->complete = false;
}

/* Lifetime */

static void
httpd_free_if_done(struct eio_httpd *h)
{
	if (h->closing && h->handles == 0) free(h);
}

static void
on_conn_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	struct eio_httpd *h = c->httpd;

	eio_http_free(c->http);
	eio_buf_deinit(&c->pending);
	free(c);
	h->handles--;
	httpd_free_if_done(h);
}

/* Ends the connection; whoever answers its exchange is told, and the answer will go nowhere. */
static void
conn_close(struct conn *c)
{
	struct eio_exchange *ex = c->ex;
	bool told = c->told;

	if (c->closing) return;
	c->closing = true;
	eio_clock_set(c->httpd->clock, &c->timer, UINT64_MAX);
	eio_list_remove(&c->link);
	c->httpd->stats.open--;
	uv_close(&c->h.handle, on_conn_closed);
	if (!ex) return;
	release_request(c);
	c->ex = NULL;
	ex->conn = NULL;
	if (told) ex->abort(ex);
	eio_exchange_unref(ex);
}

static void
conn_arm(struct conn *c, uint64_t ms)
{
	eio_clock_set(c->httpd->clock, &c->timer, ms ? eio_clock_now(c->httpd->clock) + ms : UINT64_MAX);
}

static void
on_conn_timer(struct eio_timer *t)
{
	conn_close(EIO_CONTAINER(t, struct conn, timer));
}

/* Writing */

static void
on_shutdown(uv_shutdown_t *req, int status)
{
	(void)status;
	free(req);
}

/* Half-closes and waits a while for the peer, so that it can read the answer before a reset. */
static void
conn_linger(struct conn *c)
{
	uv_shutdown_t *req = malloc(sizeof(*req));

	if (!req || c->closing || c->eof || uv_shutdown(req, &c->h.stream, on_shutdown)) {
		free(req);
		conn_close(c);
		return;
	}
	c->lingering = true;
	conn_arm(c, EIO_HTTPD_LINGER_MS);
}

static void
on_written(uv_write_t *req, int status)
{
	struct write *w = EIO_CONTAINER(req, struct write, req);

	if (status)
		conn_close(w->conn);
	else if (w->conn->eof || w->conn->httpd->closing)
		conn_close(w->conn);
	else if (w->close)
		conn_linger(w->conn);
	eio_block_unref(w->body);
	free(w);
}

/* What the socket did not take at once is kept: the head by a copy, the body by a reference. */
static void
conn_write_rest(struct conn *c, struct eio_bytes head, struct eio_block *body, size_t sent, bool close)
{
	struct write *w = malloc(sizeof(*w) + head.n);
	size_t head_sent = sent < head.n ? sent : head.n, body_sent = sent - head_sent;
	uv_buf_t bufs[2];
	unsigned n = 0;

	if (!w) {
		conn_close(c);
		return;
	}
	memcpy(w->head, head.p, head.n);
	*w = (struct write){ .conn = c, .body = body ? eio_block_ref(body) : NULL, .close = close };
	if (head_sent < head.n) bufs[n++] = uv_buf_init(w->head + head_sent, (unsigned)(head.n - head_sent));
	if (body && body_sent < body->n)
		bufs[n++] = uv_buf_init(body->data + body_sent, (unsigned)(body->n - body_sent));
	if (uv_write(&w->req, &c->h.stream, bufs, n, on_written)) {
		eio_block_unref(w->body);
		free(w);
		conn_close(c);
	}
}

static void
conn_write(struct conn *c, struct eio_bytes head, struct eio_block *body, bool close)
{
	uv_buf_t bufs[2] = { { (char *)(uintptr_t)head.p, head.n } };
	size_t total = head.n + (body ? body->n : 0);
	int n;

	if (body) bufs[1] = uv_buf_init(body->data, (unsigned)body->n);
	c->httpd->stats.bytes_out += total;
	n = uv_try_write(&c->h.stream, bufs, body ? 2 : 1);
	if (n < 0 && n != UV_EAGAIN)
		conn_close(c);
	else if (n < 0 || (size_t)n < total)
		conn_write_rest(c, head, body, n < 0 ? 0 : (size_t)n, close);
	else if (close)
		conn_linger(c);
}

static const char *
http_date(struct eio_httpd *h)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now != h->date_at) {
		gmtime_r(&now, &tm);
		strftime(h->date, sizeof(h->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		h->date_at = now;
	}
	return h->date;
}

static void
write_response(struct conn *c, const struct eio_response *r, bool head_only, bool minor0, bool close)
{
	struct eio_buf head;

	eio_buf_init(&head);
	eio_buf_printf(&head, "HTTP/1.1 %d %s\r\n", r->status, eio_http_status_text(r->status));
	if (r->headers) eio_buf_append(&head, r->headers->data, r->headers->n);
	eio_buf_printf(&head, "Date: %s\r\n", http_date(c->httpd));
	if (!r->no_length) eio_buf_printf(&head, "Content-Length: %zu\r\n", r->length);
	if (close)
		EIO_BUF_ADD_LIT(&head, "Connection: close\r\n");
	else if (minor0)
		EIO_BUF_ADD_LIT(&head, "Connection: keep-alive\r\n");
	EIO_BUF_ADD_LIT(&head, "\r\n");
	if (eio_buf_failed(&head))
		conn_close(c);
	else
		conn_write(c, eio_buf_bytes(&head), head_only ? NULL : r->body, close);
	eio_buf_deinit(&head);
}

/* After an answer: the next request, which may already be here. */
static void
conn_next(struct conn *c)
{
	struct eio_buf waiting = c->pending;

	if (c->closing || c->lingering || c->feeding) return;
	eio_buf_init(&c->pending);
	conn_arm(c,
		eio_http_idle(c->http) ? c->httpd->options.keep_alive_timeout_ms : c->httpd->options.header_timeout_ms);
	if (waiting.n) conn_feed(c, waiting.p, waiting.n);
	eio_buf_deinit(&waiting);
	if (c->stopped && !c->closing && c->pending.n < EIO_HTTPD_PIPELINE_BYTES) {
		c->stopped = false;
		uv_read_start(&c->h.stream, on_alloc, on_read);
	}
}

/* ex->respond at home. */
static void
deliver(struct eio_exchange *ex)
{
	struct conn *c = ex->conn;
	struct eio_response *r = &ex->response;
	bool close;

	if (!c) return;
	release_request(c);
	ex->conn = NULL;
	c->ex = NULL;
	close = r->close || !ex->req->keep_alive || c->httpd->closing;
	if (r->destroy)
		conn_close(c);
	else
		write_response(c, r, ex->req->method == EIO_HTTP_HEAD, ex->req->minor0, close);
	eio_exchange_unref(ex);
	conn_next(c);
}

void
eio_httpd_deliver(struct eio_exchange *ex)
{
	deliver(ex);
}

/* ex->abort at home. */
static void
abort_here(struct eio_exchange *ex)
{
	if (ex->on_abort) ex->on_abort(ex);
}

/* Reading */

static struct eio_exchange *
exchange_new(struct conn *c)
{
	struct eio_exchange *ex = calloc(1, sizeof(*ex));

	if (!ex) return NULL;
	atomic_init(&ex->refs, 1);
	ex->home = c->httpd->options.home;
	ex->conn = c;
	ex->respond = deliver;
	ex->abort = abort_here;
	return ex;
}

static void
tell(struct conn *c, enum eio_stage stage)
{
	struct eio_exchange *ex = eio_exchange_ref(c->ex);

	c->told = true;
	if (stage != EIO_STAGE_BEGIN) conn_arm(c, 0);
	c->httpd->handler.exchange(c->httpd->handler.user, ex, stage);
	eio_exchange_unref(ex);
}

/* Makes the exchange of the request being read, if there is none yet. Its request stays with the parser until complete. */
static bool
begin_exchange(struct conn *c)
{
	if (c->ex) return true;
	c->ex = exchange_new(c);
	c->told = false;
	if (c->ex) c->httpd->stats.requests++;
	return c->ex != NULL;
}

/* An answer of ours to what is not a request the handler could be told of. */
static void
refuse(struct conn *c, int status)
{
	struct eio_response r = { .status = status, .close = true };

	if (status == 400) c->httpd->stats.malformed++;
	write_response(c, &r, false, false, true);
}

static void
hand_over(struct conn *c, const char *rest, size_t n)
{
	struct eio_upgrade *up = calloc(1, sizeof(*up));
	uv_os_fd_t fd;

	if (!up || uv_fileno(&c->h.handle, &fd) || !c->httpd->handler.upgrade) {
		free(up);
		refuse(c, up ? 404 : 500);
		return;
	}
	c->httpd->stats.requests++;
	up->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	up->req = eio_http_take(c->http);
	eio_buf_append(&up->rest, rest, n);
	uv_read_stop(&c->h.stream);
	conn_close(c);
	if (up->fd < 0 || up->rest.failed)
		eio_upgrade_free(up);
	else
		c->httpd->handler.upgrade(c->httpd->handler.user, up);
}

void
eio_upgrade_free(struct eio_upgrade *up)
{
	if (up->fd >= 0) close(up->fd);
	eio_request_free(up->req);
	eio_buf_deinit(&up->rest);
	free(up);
}

/* The request got further without being complete: does somebody have to know? */
static void
partial(struct conn *c)
{
	struct eio_request *req = eio_http_request(c->http);

	if (c->ex || !req || !eio_http_in_body(c->http)) return;
	if (!begin_exchange(c)) {
		conn_close(c);
		return;
	}
	if (req->expect_continue) conn_write(c, EIO_LIT("HTTP/1.1 100 Continue\r\n\r\n"), NULL, false);
	if (c->closing) return;
	c->ex->req = req;
	tell(c, EIO_STAGE_BEGIN);
}

static void
whole(struct conn *c, enum eio_stage stage)
{
	if (!begin_exchange(c)) {
		conn_close(c);
		return;
	}
	c->ex->req = eio_http_take(c->http);
	c->complete = true;
	tell(c, stage);
}

/* What one result of the parser means for the connection. */
static void
on_result(struct conn *c, enum eio_http_result r, const char *rest, size_t n)
{
	switch (r) {
	case EIO_HTTP_MORE: partial(c); break;
	case EIO_HTTP_COMPLETE: whole(c, EIO_STAGE_COMPLETE); break;
	case EIO_HTTP_TOO_LARGE: whole(c, EIO_STAGE_TOO_LARGE); break;
	case EIO_HTTP_UPGRADE: hand_over(c, rest, n); break;
	case EIO_HTTP_BAD: refuse(c, 400); break;
	case EIO_HTTP_HEAD_TOO_LARGE: refuse(c, 431); break;
	case EIO_HTTP_NOMEM: conn_close(c); break;
	}
}

/* Whether bytes have to wait: a complete request is being answered. */
static bool
busy(const struct conn *c)
{
	return c->ex && c->complete;
}

static void
conn_feed(struct conn *c, const char *data, size_t n)
{
	enum eio_http_result r;
	size_t used;

	c->feeding = true;
	while (n > 0 && !busy(c) && !c->closing && !c->lingering) {
		r = eio_http_feed(c->http, data, n, &used);
		data += used;
		n -= used;
		on_result(c, r, data, n);
	}
	c->feeding = false;
	if (n == 0 || c->closing || c->lingering) return;
	eio_buf_append(&c->pending, data, n);
	if (eio_buf_failed(&c->pending)) {
		conn_close(c);
	} else if (c->pending.n >= EIO_HTTPD_PIPELINE_BYTES && !c->stopped) {
		c->stopped = true;
		uv_read_stop(&c->h.stream);
	}
}

/* The client will send nothing more. Whoever still waits for an answer gave up; what is being written still goes out. */
static void
on_eof(struct conn *c)
{
	c->eof = true;
	if (c->ex || uv_stream_get_write_queue_size(&c->h.stream) == 0) conn_close(c);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct conn *c = handle->data;

	(void)suggested;
	/* One buffer for all: what is in it is used up before the next read. */
	*buf = uv_buf_init(c->httpd->read_buffer, READ_BUFFER);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;

	if (n == 0 || c->closing) return;
	if (n == UV_EOF) {
		on_eof(c);
	} else if (n < 0) {
		conn_close(c);
	} else if (!c->lingering) {
		/* Each part of a body earns more time; a head must come in one allowance. */
		if (!busy(c) && (c->ex || eio_http_idle(c->http))) conn_arm(c, c->httpd->options.header_timeout_ms);
		conn_feed(c, buf->base, (size_t)n);
		if (!c->closing && !c->ex && !c->lingering && eio_http_idle(c->http))
			conn_arm(c, c->httpd->options.keep_alive_timeout_ms);
	}
}

/* Accepting */

static int
conn_open_handle(struct conn *c, int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int err, on = 1;

	if (getsockname(fd, (struct sockaddr *)&ss, &n)) return UV_EINVAL;
	if (ss.ss_family == AF_UNIX) {
		err = uv_pipe_init(c->httpd->loop, &c->h.pipe, 0);
		if (!err) err = uv_pipe_open(&c->h.pipe, fd);
	} else {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		err = uv_tcp_init(c->httpd->loop, &c->h.tcp);
		if (!err) err = uv_tcp_open(&c->h.tcp, fd);
	}
	return err;
}

static void
conn_new(struct eio_httpd *h, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c) c->http = eio_http_new(h->options.max_head, h->options.max_body);
	if (!c || !c->http) {
		free(c);
		close(fd);
		return;
	}
	c->httpd = h;
	eio_timer_init(&c->timer, on_conn_timer);
	eio_list_add_tail(&h->conns, &c->link);
	h->stats.accepted++;
	h->stats.open++;
	h->handles++;
	/* libuv's init of a stream cannot fail, so the handle is there to be closed in any case. */
	if (conn_open_handle(c, fd)) close(fd);
	c->h.handle.data = c;
	if (uv_read_start(&c->h.stream, on_alloc, on_read))
		conn_close(c);
	else
		conn_arm(c, c->httpd->options.header_timeout_ms);
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void
accept_pause(struct eio_httpd *h, int err)
{
	for (struct listener *l = h->listeners; l; l = l->next) uv_poll_stop(&l->poll);
	eio_clock_set(h->clock, &h->accept_retry, eio_clock_now(h->clock) + ACCEPT_RETRY_MS);
	if (!h->paused && h->handler.accept_paused) h->handler.accept_paused(h->handler.user, -err);
	h->paused = true;
}

static void
on_accept_retry(struct eio_timer *t)
{
	struct eio_httpd *h = EIO_CONTAINER(t, struct eio_httpd, accept_retry);

	for (struct listener *l = h->listeners; l; l = l->next) uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
}

static bool
out_of_resources(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void
on_acceptable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct eio_httpd *h = l->httpd;
	int fd;

	(void)events;
	for (int i = 0; status == 0 && i < ACCEPT_BURST; i++) {
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && out_of_resources(errno)) {
			accept_pause(h, errno);
			return;
		}
		if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
		if (fd < 0) continue; /* a connection that died before it was taken */
		if (h->paused && h->handler.accept_paused) h->handler.accept_paused(h->handler.user, 0);
		h->paused = false;
		if (h->handler.admit && !h->handler.admit(h->handler.user))
			close(fd);
		else
			conn_new(h, fd);
	}
}

int
eio_httpd_accept(struct eio_httpd *h, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));
	int err = l ? uv_poll_init(h->loop, &l->poll, fd) : UV_ENOMEM;

	if (err) {
		free(l);
		close(fd);
		return err;
	}
	l->httpd = h;
	l->fd = fd;
	l->poll.data = l;
	l->next = h->listeners;
	h->listeners = l;
	h->handles++;
	return uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
}

static void
on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	struct eio_httpd *h = l->httpd;

	free(l);
	h->handles--;
	httpd_free_if_done(h);
}

void
eio_httpd_stop_accepting(struct eio_httpd *h)
{
	struct listener *l = h->listeners, *next;

	eio_clock_set(h->clock, &h->accept_retry, UINT64_MAX);
	h->listeners = NULL;
	for (; l; l = next) {
		next = l->next;
		uv_close((uv_handle_t *)&l->poll, on_listener_closed);
		close(l->fd);
	}
}

struct eio_httpd *
eio_httpd_new(uv_loop_t *loop, struct eio_clock *clock, const struct eio_httpd_options *options,
	const struct eio_httpd_handler *handler)
{
	struct eio_httpd *h = calloc(1, sizeof(*h));

	if (!h) return NULL;
	h->loop = loop;
	h->clock = clock;
	h->options = *options;
	h->handler = *handler;
	eio_list_init(&h->conns);
	eio_timer_init(&h->accept_retry, on_accept_retry);
	return h;
}

void
eio_httpd_close(struct eio_httpd *h)
{
	struct eio_list *l, *next;

	eio_httpd_stop_accepting(h);
	h->closing = true;
	/* An answer that is on its way out is allowed to leave; the linger timer bounds it. */
	EIO_LIST_FOREACH_SAFE(l, next, &h->conns)
	{
		struct conn *c = EIO_CONTAINER(l, struct conn, link);

		if (!c->lingering && uv_stream_get_write_queue_size(&c->h.stream) == 0) conn_close(c);
	}
	httpd_free_if_done(h);
}

const struct eio_httpd_stats *
eio_httpd_stats(const struct eio_httpd *h)
{
	return &h->stats;
}
