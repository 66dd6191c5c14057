/* SPDX-License-Identifier: MIT */
/*
 * One connection: bytes to its session, messages out of that to the taker, answers back. What stops it, until it goes
 * on where it was: answers that nobody reads, others who have had no turn, a taker that does not keep up.
 */
#include "src/resp/server_int.h"

#include "eio/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Answers that did not leave at once. */
struct resp_write {
	uv_write_t req;
	struct resp_conn *conn;
	struct eio_buf buf;
};

static struct resp_conn *
conn_of_handle(void *data)
{
	struct resp_conn *c = data;

	CHECK_MAGIC(c, RESP_CONN_MAGIC);
	return c;
}

/* Memory: what there is, by the connection and in all. */
static void
count_held(struct resp_conn *c)
{
	size_t now = resp_reader_size(&c->session.reader) + c->rest.cap + c->unsent;

	c->server->held += now - c->held;
	c->held = now;
}

static size_t
most_held(const struct resp_server *s)
{
	return RESP_HELD_BYTES + 2 * s->options.spec->message_bytes;
}

/* Two words of the longest kind, as long as there is memory for all. */
static void
set_room(struct resp_conn *c)
{
	const struct resp_server *s = c->server;
	size_t most = 2 * s->options.spec->message_bytes + RESP_LINE_BYTES, all = most_held(s);
	size_t left = c->session.reader.held.n + (all > s->held ? all - s->held : 0);

	c->session.reader.room = left < most ? left : most;
}

static size_t
most_unsent(const struct resp_server *s)
{
	return s->held < most_held(s) / 2 ? RESP_UNSENT_BYTES : RESP_UNSENT_TIGHT;
}

/* The end */

static void
on_resp_conn_closed(uv_handle_t *h)
{
	struct resp_conn *c = conn_of_handle(h->data);

	resp_session_deinit(&c->session);
	eio_buf_deinit(&c->rest);
	c->magic = 0;
	free(c);
}

void
resp_conn_close(struct resp_conn *c)
{
	if (c->closing) return;
	c->closing = true;
	eio_list_remove(&c->link);
	eio_list_remove(&c->wait);
	c->server->n_conns--;
	c->server->held -= c->held;
	metrics_put(c->server->metrics, RESP_METRIC_CONNECTIONS, c->server->n_conns);
	uv_close(&c->u.handle, on_resp_conn_closed);
}

/* The last answer has left. What nobody reads any more is taken out first: else the kernel would reset the connection,
 * and the answer with it. */
static void
end_conn(struct resp_conn *c)
{
	struct resp_server *s = c->server;
	ssize_t n = 1;

	for (size_t all = 0; n > 0 && all < RESP_LAST_BYTES; all += (size_t)n) {
		n = recv(c->fd, s->buf, sizeof s->buf, MSG_DONTWAIT);
		if (n < 0) break;
	}
	resp_conn_close(c);
}

/* Reading, and waiting for it */

static void on_resp_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf);
static void on_resp_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static bool
has_to_stop(const struct resp_conn *c)
{
	return c->closing || c->session.ends || c->unsent > most_unsent(c->server);
}

static bool
may_take(const struct resp_server *s)
{
	return s->turn_bytes < RESP_TURN_BYTES && s->options.taker.keeps_up(s->options.taker.user);
}

/* It goes on when its turn comes. */
static void
stand_in_line(struct resp_conn *c)
{
	uv_read_stop(&c->u.stream);
	c->paused = false;
	eio_list_remove(&c->wait);
	eio_list_add_tail(&c->server->waiting, &c->wait);
	c->server->wake(c->server);
}

/* Answers */

static void
on_resp_written(uv_write_t *req, int status)
{
	struct resp_write *w = EIO_CONTAINER(req, struct resp_write, req);
	struct resp_conn *c = conn_of_handle(w->conn);

	c->unsent -= w->buf.n;
	eio_buf_deinit(&w->buf);
	free(w);
	if (c->closing) return;
	count_held(c);
	if (status < 0)
		resp_conn_close(c);
	else if (c->session.ends && !c->unsent)
		end_conn(c);
	else if (c->paused && !has_to_stop(c))
		stand_in_line(c);
}

/* What the kernel does not take now, which is kept. */
static void
write_later(struct resp_conn *c, size_t sent)
{
	struct eio_buf *out = &c->session.out;
	struct resp_write *w = malloc(sizeof *w);
	uv_buf_t b;

	if (w) *w = (struct resp_write){ .conn = c };
	if (w) eio_buf_append(&w->buf, out->p + sent, out->n - sent);
	if (!w || eio_buf_failed(&w->buf)) {
		free(w);
		resp_conn_close(c);
		return;
	}
	b = uv_buf_init(w->buf.p, (unsigned)w->buf.n);
	c->unsent += w->buf.n;
	if (uv_write(&w->req, &c->u.stream, &b, 1, on_resp_written) == 0) return;
	c->unsent -= w->buf.n;
	eio_buf_deinit(&w->buf);
	free(w);
	resp_conn_close(c);
}

static void
send_answers(struct resp_conn *c)
{
	struct eio_buf *out = &c->session.out;
	uv_buf_t b = uv_buf_init(out->p, (unsigned)out->n);
	int sent = 0;

	if (eio_buf_failed(out)) {
		resp_conn_close(c);
		return;
	}
	if (out->n && !c->unsent) sent = uv_try_write(&c->u.stream, &b, 1);
	if (sent < 0 && sent != UV_EAGAIN) {
		resp_conn_close(c);
		return;
	}
	if (sent < 0) sent = 0;
	if ((size_t)sent < out->n) write_later(c, (size_t)sent);
	if (out->cap > 2 * RESP_OUT_BYTES)
		eio_buf_deinit(out);
	else
		eio_buf_clear(out);
}

/* Requests */

/* What was not looked at stays there; it may lie in there already. */
static void
keep_unseen(struct resp_conn *c)
{
	struct eio_bytes rest = resp_reader_rest(&c->session.reader);
	struct eio_buf kept = { 0 };

	eio_buf_add(&kept, rest);
	eio_buf_deinit(&c->rest);
	c->rest = kept;
	resp_reader_feed(&c->session.reader, eio_bytes(NULL, 0));
	if (eio_buf_failed(&kept)) resp_conn_close(c);
}

static void
tell_errors(struct resp_conn *c, uint64_t passwords)
{
	struct resp_server *s = c->server;
	uint64_t now = uv_now(c->u.handle.loop);

	if (s->tally.errors[RESP_ERROR_PASSWORD] != passwords)
		log_limited(LOG_LEVEL_WARN, &s->limit, now, "event=intake-wrong-password conn=%" PRIu64, c->session.id);
	if (*c->session.reader.fault)
		LOG_DEBUG_LIMITED(&s->debug_limit, now, "event=intake-protocol-error conn=%" PRIu64 " reason=\"%s\"",
			c->session.id, LOG_ESCAPE(eio_cstr(c->session.reader.fault)));
}

/* Takes what was fed, until there is nothing left or it has to stop. */
static void
run_conn(struct resp_conn *c)
{
	const struct resp_taker *t = &c->server->options.taker;
	uint64_t passwords = c->server->tally.errors[RESP_ERROR_PASSWORD];
	struct resp_publication p;
	enum resp_event event;

	set_room(c);
	do {
		while ((event = resp_session_next(&c->session, &p)) == RESP_EVENT_PUBLISH)
			resp_session_published(&c->session, t->publish(t->user, p.channel, p.payload));
		send_answers(c);
	} while (event == RESP_EVENT_FULL && !has_to_stop(c));
	if (c->closing) return;
	tell_errors(c, passwords);
	if (c->session.ends && !c->unsent) {
		end_conn(c);
		return;
	}
	c->paused = has_to_stop(c);
	if (c->paused) uv_read_stop(&c->u.stream);
	if (event == RESP_EVENT_FULL || c->rest.cap) keep_unseen(c);
	if (!c->closing) count_held(c);
}

/* Nothing to read into: it has to wait for its turn. */
static void
on_resp_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct resp_conn *c = conn_of_handle(h->data);

	(void)suggested;
	*buf = may_take(c->server) ? uv_buf_init(c->server->buf, sizeof c->server->buf) : uv_buf_init(NULL, 0);
}

/* So much was read into the buffer. */
static void
take_input(struct resp_conn *c, size_t n)
{
	struct resp_server *s = c->server;

	c->active_ms = uv_now(&s->options.thread->loop);
	s->turn_bytes += n;
	metrics_add(s->metrics, RESP_METRIC_BYTES, n);
	resp_reader_feed(&c->session.reader, eio_bytes(s->buf, n));
	run_conn(c);
}

static void
on_resp_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct resp_conn *c = conn_of_handle(stream->data);

	if (n == UV_ENOBUFS) {
		stand_in_line(c);
		return;
	}
	(void)buf;
	if (n < 0) resp_conn_close(c);
	if (n <= 0) return;
	take_input(c, (size_t)n);
	/* There is more. */
	if ((size_t)n == RESP_READ_BYTES && !c->closing && !c->paused) stand_in_line(c);
}

/* What was read before and not looked at. */
static void
take_rest(struct resp_conn *c)
{
	c->server->turn_bytes += c->rest.n;
	resp_reader_feed(&c->session.reader, eio_buf_bytes(&c->rest));
	run_conn(c);
}

/* Reads once itself: by the loop the first in the kernel's list would have all the turns. */
void
resp_conn_go_on(struct resp_conn *c)
{
	struct resp_server *s = c->server;
	ssize_t n = 0;

	if (c->rest.n) {
		take_rest(c);
	} else {
		n = recv(c->fd, s->buf, sizeof s->buf, MSG_DONTWAIT);
		if (n > 0) take_input(c, (size_t)n);
	}
	if (c->closing || c->session.ends || c->paused) return;
	if (n == RESP_READ_BYTES)
		stand_in_line(c);
	else
		uv_read_start(&c->u.stream, on_resp_alloc, on_resp_read);
}

/* The beginning */

static int
open_resp_handle(struct resp_conn *c, int fd)
{
	const struct resp_spec *spec = c->server->options.spec;
	uv_loop_t *loop = &c->server->options.thread->loop;
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof ss;
	int err;

	c->fd = fd;
	if (getsockname(fd, (struct sockaddr *)&ss, &n) == 0 && ss.ss_family == AF_UNIX) {
		err = uv_pipe_init(loop, &c->u.pipe, 0);
		return err ? err : uv_pipe_open(&c->u.pipe, fd);
	}
	err = uv_tcp_init(loop, &c->u.tcp);
	if (!err) err = uv_tcp_open(&c->u.tcp, fd);
	if (err) return err;
	uv_tcp_nodelay(&c->u.tcp, 1);
	if (spec->keep_alive_s) uv_tcp_keepalive(&c->u.tcp, 1, spec->keep_alive_s);
	return 0;
}

void
resp_conn_new(struct resp_server *s, int fd)
{
	struct resp_conn *c = calloc(1, sizeof *c);

	if (!c) {
		close(fd);
		return;
	}
	c->magic = RESP_CONN_MAGIC;
	c->server = s;
	eio_list_init(&c->wait);
	eio_list_add_tail(&s->conns, &c->link);
	s->n_conns++;
	resp_session_init(&c->session, s->options.spec, &s->tally, s->options.version, ++s->ids);
	c->active_ms = uv_now(&s->options.thread->loop);
	if (open_resp_handle(c, fd)) close(fd);
	c->u.handle.data = c;
	metrics_inc(s->metrics, RESP_METRIC_ACCEPTED);
	metrics_put(s->metrics, RESP_METRIC_CONNECTIONS, s->n_conns);
	if (uv_read_start(&c->u.stream, on_resp_alloc, on_resp_read)) resp_conn_close(c);
}

/* Nobody waits for a turn any more: it is the last. */
void
resp_conn_finish(struct resp_conn *c)
{
	struct resp_server *s = c->server;
	size_t all = 0;
	ssize_t n;

	uv_read_stop(&c->u.stream);
	eio_list_remove(&c->wait);
	if (c->rest.n) take_rest(c);
	while (!c->closing && !c->paused && all < RESP_LAST_BYTES) {
		n = recv(c->fd, s->buf, sizeof s->buf, MSG_DONTWAIT);
		if (n <= 0) break;
		all += (size_t)n;
		take_input(c, (size_t)n);
	}
	resp_conn_close(c);
}
