/* SPDX-License-Identifier: MIT */
/*
 * A connection of the HTTP server. It reads all the time, also while a request is
 * being answered: that is how a cancelled poll is noticed. What comes in then
 * waits in `pending` until the answer is out.
 *
 *     reading ──request──▶ waiting ──answer──▶ reading
 *        │                    │
 *        ▼                    ▼
 *     lingering ────────▶ closed        upgrade: the descriptor leaves, the handle closes
 */
#include "eio/check.h"
#include "eio/net/httpd_int.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void conn_feed(struct eio__conn *c, const char *data, size_t n);
static void on_conn_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
static void on_conn_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

/* While a body arrives parser and exchange share the request; when the exchange ends early the parser lets go of it. */
static void
release_request(struct eio__conn *c)
{
	if (c->notified && !c->complete) eio_http_take(c->http);
	c->notified = c->complete = false;
}

/* Lifetime */

void
eio__httpd_free_if_done(struct eio_httpd *h)
{
	if (!h->closing || h->handles > 0) return;
	eio__responses_deinit(&h->responses);
	eio_uring_free(h->ring);
	free(h);
}

static void
on_conn_closed(uv_handle_t *handle)
{
	struct eio__conn *c = handle->data;
	struct eio_httpd *h;

	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	h = c->httpd;
	eio_http_free(c->http);
	eio_buf_deinit(&c->pending);
	c->magic = 0;
	free(c);
	CHECK(h->handles > 0);
	h->handles--;
	eio__httpd_free_if_done(h);
}

void
eio__conn_close(struct eio__conn *c)
{
	struct eio_exchange *ex;
	bool notified;

	/* The answer first; that it fails may be another reason to close. */
	if (c->gathered) eio_uring_flush(c->httpd->ring);
	if (c->closing) return;
	c->closing = true;
	eio_clock_set(c->httpd->clock, &c->timer, UINT64_MAX);
	eio_list_remove(&c->link);
	c->httpd->stats.open--;
	uv_close(&c->h.handle, on_conn_closed);
	ex = c->ex;
	notified = c->notified;
	if (!ex) return;
	release_request(c);
	c->ex = NULL;
	ex->conn = NULL;
	if (notified) ex->abort(ex);
	eio_exchange_unref(ex);
}

/* Closes the connection after so many milliseconds, unless armed again; 0: never. */
static void
conn_arm(struct eio__conn *c, uint64_t ms)
{
	eio_clock_set(c->httpd->clock, &c->timer, ms ? eio_clock_now(c->httpd->clock) + ms : UINT64_MAX);
}

static void
on_conn_timer(struct eio_timer *t)
{
	eio__conn_close(EIO_CONTAINER(t, struct eio__conn, timer));
}

/* Ending behind an answer */

static void
on_shutdown(uv_shutdown_t *req, int status)
{
	(void)status;
	free(req);
}

/* Half-closes and waits a while for the peer, so that it can read the answer before a reset. */
static void
conn_linger(struct eio__conn *c)
{
	uv_shutdown_t *req = malloc(sizeof *req);

	if (!req || c->closing || c->eof || uv_shutdown(req, &c->h.stream, on_shutdown)) {
		free(req);
		eio__conn_close(c);
		return;
	}
	c->lingering = true;
	conn_arm(c, EIO_HTTPD_LINGER_MS);
}

void
eio__conn_written(struct eio__conn *c, enum eio__wrote how)
{
	switch (how) {
	case EIO__WROTE: break;
	case EIO__WROTE_LAST: conn_linger(c); break;
	case EIO__WROTE_FAILED: eio__conn_close(c); break;
	}
}

/* Answers */

/* After an answer: the next request, which may already be here. */
static void
conn_next(struct eio__conn *c)
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
		uv_read_start(&c->h.stream, on_conn_alloc, on_conn_read);
	}
}

void
eio_httpd_deliver(struct eio_exchange *ex)
{
	struct eio__conn *c = ex->conn;
	struct eio_response *r = &ex->response;
	bool close;

	if (!c) return;
	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	CHECK(c->ex == ex);
	release_request(c);
	ex->conn = NULL;
	c->ex = NULL;
	close = r->close || !ex->req->keep_alive || c->httpd->closing;
	if (r->destroy)
		eio__conn_close(c);
	else
		eio__conn_written(c, eio__conn_respond(c, r, ex->req->method == EIO_HTTP_HEAD, ex->req->minor0, close));
	eio_exchange_unref(ex);
	conn_next(c);
}

/* ex->abort at home. */
static void
abort_at_home(struct eio_exchange *ex)
{
	if (ex->on_abort) ex->on_abort(ex);
}

/* Reading */

static struct eio_exchange *
exchange_new(struct eio__conn *c)
{
	struct eio_exchange *ex = calloc(1, sizeof *ex);

	if (!ex) return NULL;
	atomic_init(&ex->refs, 1);
	ex->home = c->httpd->options.home;
	ex->conn = c;
	ex->respond = eio_httpd_deliver;
	ex->abort = abort_at_home;
	return ex;
}

static void
notify_exchange(struct eio__conn *c, enum eio_stage stage)
{
	struct eio_exchange *ex = eio_exchange_ref(c->ex);

	c->notified = true;
	if (stage != EIO_STAGE_BEGIN) conn_arm(c, 0);
	c->httpd->handler.exchange(c->httpd->handler.user, ex, stage);
	eio_exchange_unref(ex);
}

/* Makes the exchange of the request being read, if there is none yet. Its request stays with the parser until
 * complete. */
static bool
begin_exchange(struct eio__conn *c)
{
	if (c->ex) return true;
	c->ex = exchange_new(c);
	c->notified = false;
	if (c->ex) c->httpd->stats.requests++;
	return c->ex != NULL;
}

/* An answer of ours to what is not a request the handler could be told of. */
static void
refuse_request(struct eio__conn *c, int status)
{
	struct eio_response r = { .status = status, .close = true };

	if (status == 400 || status == 501 || status == 505) c->httpd->stats.malformed++;
	eio__conn_written(c, eio__conn_respond(c, &r, false, false, true));
}

static void
hand_over(struct eio__conn *c, const char *rest, size_t n)
{
	struct eio_upgrade *up = calloc(1, sizeof *up);
	uv_os_fd_t fd;

	if (!up || uv_fileno(&c->h.handle, &fd) || !c->httpd->handler.upgrade) {
		free(up);
		refuse_request(c, up ? 404 : 500);
		return;
	}
	c->httpd->stats.requests++;
	up->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	up->req = eio_http_take(c->http);
	eio_buf_append(&up->rest, rest, n);
	uv_read_stop(&c->h.stream);
	eio__conn_close(c);
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
request_partial(struct eio__conn *c)
{
	struct eio_request *req = eio_http_request(c->http);

	if (c->ex || !req || !eio_http_in_body(c->http)) return;
	if (!begin_exchange(c)) {
		eio__conn_close(c);
		return;
	}
	if (req->expect_continue)
		eio__conn_written(c, eio__conn_write(c, EIO_LIT("HTTP/1.1 100 Continue\r\n\r\n"), NULL, false));
	if (c->closing) return;
	c->ex->req = req;
	notify_exchange(c, EIO_STAGE_BEGIN);
}

static void
request_complete(struct eio__conn *c, enum eio_stage stage)
{
	struct eio_request *req;

	if (!begin_exchange(c)) {
		eio__conn_close(c);
		return;
	}
	req = eio_http_take(c->http);
	/* Once the handler was notified, another thread may read this. */
	if (!c->notified) c->ex->req = req;
	CHECK(c->ex->req == req);
	c->complete = true;
	notify_exchange(c, stage);
}

/* What one result of the parser means for the connection. */
static void
on_http_result(struct eio__conn *c, enum eio_http_result r, const char *rest, size_t n)
{
	switch (r) {
	case EIO_HTTP_MORE: request_partial(c); break;
	case EIO_HTTP_COMPLETE: request_complete(c, EIO_STAGE_COMPLETE); break;
	case EIO_HTTP_TOO_LARGE: request_complete(c, EIO_STAGE_TOO_LARGE); break;
	case EIO_HTTP_UPGRADE: hand_over(c, rest, n); break;
	case EIO_HTTP_BAD: refuse_request(c, eio_http_status(c->http)); break;
	case EIO_HTTP_NOMEM: eio__conn_close(c); break;
	}
}

/* Whether bytes have to wait: a complete request is being answered. */
static bool
conn_busy(const struct eio__conn *c)
{
	return c->ex && c->complete;
}

static void
conn_feed(struct eio__conn *c, const char *data, size_t n)
{
	enum eio_http_result r;
	size_t used;

	c->feeding = true;
	while (n > 0 && !conn_busy(c) && !c->closing && !c->lingering) {
		r = eio_http_feed(c->http, data, n, &used);
		data += used;
		n -= used;
		on_http_result(c, r, data, n);
	}
	c->feeding = false;
	if (n == 0 || c->closing || c->lingering) return;
	eio_buf_append(&c->pending, data, n);
	if (eio_buf_failed(&c->pending)) {
		eio__conn_close(c);
	} else if (c->pending.n >= EIO_HTTPD_PIPELINE_BYTES && !c->stopped) {
		c->stopped = true;
		uv_read_stop(&c->h.stream);
	}
}

/* The client will send nothing more. Whoever still waits for an answer gave up; what is being written still goes
 * out. */
static void
on_conn_eof(struct eio__conn *c)
{
	c->eof = true;
	if (c->ex || uv_stream_get_write_queue_size(&c->h.stream) == 0) eio__conn_close(c);
}

static void
on_conn_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct eio__conn *c = handle->data;

	(void)suggested;
	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	/* One buffer for all: what is in it is used up before the next read. */
	*buf = uv_buf_init(c->httpd->read_buffer, EIO__READ_BUFFER);
}

static void
on_conn_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct eio__conn *c = stream->data;

	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	if (n == 0 || c->closing) return;
	if (n == UV_EOF) {
		on_conn_eof(c);
	} else if (n < 0) {
		eio__conn_close(c);
	} else if (!c->lingering) {
		/* Each part of a body earns more time; a head must come in one allowance. */
		if (!conn_busy(c) && (c->ex || eio_http_idle(c->http)))
			conn_arm(c, c->httpd->options.header_timeout_ms);
		conn_feed(c, buf->base, (size_t)n);
		if (!c->closing && !c->ex && !c->lingering && eio_http_idle(c->http))
			conn_arm(c, c->httpd->options.keep_alive_timeout_ms);
	}
}

/* Beginning */

static int
conn_open_handle(struct eio__conn *c, int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;
	int err, on = 1;

	c->fd = fd;
	if (getsockname(fd, (struct sockaddr *)&ss, &n)) return UV_EINVAL;
	if (ss.ss_family == AF_UNIX) {
		err = uv_pipe_init(c->httpd->loop, &c->h.pipe, 0);
		if (!err) err = uv_pipe_open(&c->h.pipe, fd);
	} else {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		err = uv_tcp_init(c->httpd->loop, &c->h.tcp);
		if (!err) err = uv_tcp_open(&c->h.tcp, fd);
	}
	return err;
}

void
eio__conn_new(struct eio_httpd *h, int fd)
{
	struct eio__conn *c = calloc(1, sizeof *c);

	if (c) c->http = eio_http_new(h->options.max_head, h->options.max_body);
	if (!c || !c->http) {
		free(c);
		close(fd);
		return;
	}
	c->magic = EIO__CONN_MAGIC;
	c->httpd = h;
	eio_timer_init(&c->timer, on_conn_timer);
	eio_list_add_tail(&h->conns, &c->link);
	h->stats.accepted++;
	h->stats.open++;
	h->handles++;
	/* libuv's init of a stream cannot fail, so the handle is there to be closed in any case. */
	if (conn_open_handle(c, fd)) close(fd);
	c->h.handle.data = c;
	if (uv_read_start(&c->h.stream, on_conn_alloc, on_conn_read))
		eio__conn_close(c);
	else
		conn_arm(c, c->httpd->options.header_timeout_ms);
}
