/* SPDX-License-Identifier: MIT */
/*
 * A connection of the HTTP server: bytes in, requests, and the way of their answers.
 * It reads all the time, also while a request is being answered: that is how a
 * cancelled poll is noticed. What comes in then waits in `pending` until the answer
 * is out.
 *
 * Nobody gets more than his share. In one turn of the loop a connection has one
 * buffer read and some requests answered; what is left waits for the next turn, and
 * the client with it, who is not read meanwhile. Nor is one that does not read its
 * answers.
 */
#include "eio/check.h"
#include "eio/net/door.h"
#include "eio/net/httpd_int.h"
#include "eio/net/repeat.h"

#include <stdlib.h>
#include <unistd.h>

static void conn_go_on(struct eio__conn *c, bool answered);

/* Answers */

void
eio_httpd_deliver(struct eio_exchange *ex)
{
	struct eio__conn *c = ex->conn;
	struct eio_response *r = &ex->response;
	bool close;

	if (!c) return;
	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	CHECK(c->ex == ex);
	/* A body that is still to come is thrown away. */
	c->discarding = c->notified && !c->complete;
	eio__conn_release_request(c);
	ex->conn = NULL;
	c->ex = NULL;
	c->ending = close = r->close || !ex->req->keep_alive || c->httpd->closing || c->relayed;
	if (r->destroy)
		eio__conn_close(c);
	else
		eio__conn_written(c, eio__conn_respond(c, r, ex->req->method == EIO_HTTP_HEAD, ex->req->minor0, close));
	eio_exchange_written(ex);
	CHECK(!c->last);
	if (eio__request_may_repeat(ex->req) && !c->closing && !close)
		c->last = ex;
	else
		eio_exchange_unref(ex);
	conn_go_on(c, true);
}

void **
eio_httpd_pass(const struct eio_exchange *ex)
{
	struct eio__conn *c = ex->conn;

	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	return &c->pass;
}

/* ex->abort at home. */
static void
abort_at_home(struct eio_exchange *ex)
{
	if (ex->on_abort) ex->on_abort(ex);
}

/* Reading */

/* With one reference. */
static void
exchange_init(struct eio__conn *c, struct eio_exchange *ex, struct eio_request *req)
{
	*ex = (struct eio_exchange){ .home = c->httpd->options.home,
		.req = req,
		.conn = c,
		.respond = eio_httpd_deliver,
		.abort = abort_at_home };
	atomic_init(&ex->refs, 1);
}

static void
notify_exchange(struct eio__conn *c, enum eio_stage stage)
{
	struct eio_exchange *ex = eio_exchange_ref(c->ex);

	c->notified = true;
	if (stage != EIO_STAGE_BEGIN) eio__conn_arm(c, 0);
	if (c->door && c->door->redirect)
		eio_exchange_respond(ex, eio__redirect_response(c->door, ex->req));
	else
		c->httpd->handler.exchange(c->httpd->handler.user, ex, stage);
	eio_exchange_unref(ex);
}

/* Makes the exchange of the request being read, if there is none yet. Its request stays with the parser until
 * complete. */
static bool
begin_exchange(struct eio__conn *c)
{
	if (c->ex) return true;
	c->ex = malloc(sizeof *c->ex);
	c->notified = false;
	if (!c->ex) return false;
	eio_list_remove(&c->silent);
	exchange_init(c, c->ex, NULL);
	c->httpd->stats.requests++;
	return true;
}

/* An answer of ours to what the handler is not told of, and the last one. Takes over the headers. */
static void
answer_last(struct eio__conn *c, struct eio_response r)
{
	c->ending = true;
	eio__conn_written(c, eio__conn_respond(c, &r, false, false, true));
	eio_block_unref(r.headers);
}

/* The same for what is not a request it could be told of. */
static void
refuse_request(struct eio__conn *c, int status)
{
	if (status == 400 || status == 501 || status == 505) c->httpd->stats.malformed++;
	answer_last(c, (struct eio_response){ .status = status, .close = true });
}

/* It becomes a WebSocket. */
static void
hand_over(struct eio__conn *c, const char *rest, size_t n)
{
	int status;

	if (c->door && c->door->redirect) {
		answer_last(c, eio__redirect_response(c->door, eio_http_request(c->http)));
		return;
	}
	status = eio__conn_upgrade(c, eio_bytes(rest, n));
	if (status) refuse_request(c, status);
}

/* The request got further without being complete: does somebody have to know? */
static void
request_partial(struct eio__conn *c)
{
	struct eio_request *req = eio_http_request(c->http);
	bool expected;

	if (c->ex || !req || !eio_http_in_body(c->http)) return;
	if (!begin_exchange(c)) {
		eio__conn_close(c);
		return;
	}
	expected = req->expect_continue;
	eio__conn_say_whose(c, eio__stream_tls(&c->io), req);
	c->ex->req = req;
	notify_exchange(c, EIO_STAGE_BEGIN);
	/* Unless it was refused without its body. */
	if (c->ex && expected)
		eio__conn_written(c, eio__conn_write(c, EIO_LIT("HTTP/1.1 100 Continue\r\n\r\n"), NULL, false));
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
	if (!c->notified) {
		eio__conn_say_whose(c, eio__stream_tls(&c->io), req);
		c->ex->req = req;
	}
	CHECK(c->ex->req == req);
	c->complete = true;
	notify_exchange(c, stage);
}

/* Whether the bytes begin with the request before, once more. Then its exchange is that of this one, too, if nobody
 * else has it any more. Returns how many bytes it has, or 0. */
static size_t
request_again(struct eio__conn *c, const char *p, size_t n)
{
	struct eio_exchange *ex = c->last;
	size_t used = 0;

	if (!ex || !eio_http_idle(c->http)) return 0;
	c->last = NULL;
	if (eio_exchange_single(ex)) used = eio__request_repeat(ex->req, p, n);
	if (used == 0) {
		eio_exchange_unref(ex);
		return 0;
	}
	exchange_init(c, ex, ex->req);
	c->ex = ex;
	eio_list_remove(&c->silent);
	c->complete = true;
	c->httpd->stats.requests++;
	notify_exchange(c, EIO_STAGE_COMPLETE);
	return used;
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
	case EIO_HTTP_BAD:
		if (c->discarding)
			eio__conn_linger(c); /* its request was answered, and the answer may not have been read */
		else
			refuse_request(c, eio_http_status(c->http));
		break;
	case EIO_HTTP_NOMEM: eio__conn_close(c); break;
	}
}

/* Whether more was written than the client reads. */
static bool
output_full(const struct eio__conn *c)
{
	return c->unsent && eio__conn_unsent(c) > EIO_HTTPD_UNSENT_BYTES;
}

/* Whether a complete request is being answered. */
static bool
conn_answering(const struct eio__conn *c)
{
	return c->ex && c->complete;
}

/* Whether bytes have to wait: for an answer, or until answers are read. */
static bool
conn_busy(const struct eio__conn *c)
{
	return conn_answering(c) || output_full(c);
}

/* Whether what the client sends is looked at. */
static bool
conn_listens(const struct eio__conn *c)
{
	return !c->closing && !c->lingering && !c->ending;
}

/* Sets the clock for what the client is at: a head has one allowance, each part of a body earns another, and a whole
 * request has a time that nothing extends. begins: a request has begun since the last call, if there is one. */
static void
time_request(struct eio__conn *c, bool begins)
{
	const struct eio_httpd_options *o = &c->httpd->options;
	uint64_t now, left;

	if (conn_answering(c)) return;
	if (eio_http_idle(c->http)) {
		eio__conn_arm(c, o->keep_alive_timeout_ms);
		if (!c->unsent) eio__conn_silent(c);
		return;
	}
	now = eio_clock_now(c->httpd->clock);
	if (begins) c->request_until = o->request_timeout_ms ? now + o->request_timeout_ms : UINT64_MAX;
	if (!begins && !c->ex) return; /* the same head, or a body that nobody reads */
	left = c->request_until > now ? c->request_until - now : 1;
	eio__conn_arm(c, left < o->header_timeout_ms ? left : o->header_timeout_ms);
}

/* Parses on from *at, which moves on. Returns whether a request ended. */
static bool
feed_parser(struct eio__conn *c, const char *data, size_t n, size_t *at)
{
	bool begins = eio_http_idle(c->http);
	size_t used, from = *at;
	enum eio_http_result r = eio_http_feed(c->http, data + from, n - from, &used);

	*at += used;
	if (r == EIO_HTTP_COMPLETE && begins)
		eio__request_remember(eio_http_request(c->http), eio_bytes(data + from, used));
	on_http_result(c, r, data + *at, n - *at);
	return r != EIO_HTTP_MORE;
}

/* How many of the requests of a turn that are left one with so many bytes uses up: long heads are work. */
static unsigned
requests_used(size_t bytes, unsigned left)
{
	size_t used = 1 + bytes / EIO_HTTPD_TURN_BYTES;

	return used < left ? (unsigned)used : left;
}

/* Whether a request, or the rest of one, is being read or answered. */
static bool
conn_engaged(const struct eio__conn *c)
{
	return c->ex || c->discarding;
}

/* Whether the head of a request has arrived in part. */
static bool
in_head(const struct eio__conn *c)
{
	return !conn_engaged(c) && !eio_http_idle(c->http);
}

/* Whether its next request is for another process. */
static bool
conn_held(const struct eio__conn *c)
{
	return c->httpd->parting != EIO__STAYS && !conn_engaged(c);
}

/* Takes as much as is for this turn. Returns how many bytes that was. *from: where in them the request begins that is
 * not complete. */
static size_t
conn_feed(struct eio__conn *c, const char *data, size_t n, size_t *from)
{
	unsigned requests = EIO_HTTPD_TURN_REQUESTS;
	bool begins = eio_http_idle(c->http);
	size_t at = 0;

	*from = 0;
	c->feeding = true;
	while (at < n && requests > 0 && !conn_busy(c) && conn_listens(c) && !conn_held(c)) {
		size_t start = at, again = request_again(c, data + at, n - at);

		at += again;
		if (again || feed_parser(c, data, n, &at)) {
			requests -= requests_used(at - start, requests);
			begins = true;
			*from = at;
		}
		if (eio_http_idle(c->http)) c->discarding = false;
	}
	c->feeding = false;
	if (conn_listens(c)) time_request(c, begins);
	return at;
}

/* Turns */

static bool
has_waiting(const struct eio__conn *c)
{
	return eio__pending_waiting(&c->pending).n > 0;
}

static void
feed_pending(struct eio__conn *c)
{
	struct eio_bytes all = eio__pending_waiting(&c->pending);
	size_t from, used = conn_feed(c, all.p, all.n, &from);

	eio__pending_seen(&c->pending, used);
	if (used < all.n) return;
	if (in_head(c))
		eio__pending_keep_last(&c->pending, used - from);
	else
		eio__pending_clear(&c->pending);
}

/* Decides whether the client is read: not while too much waits, nor while what is here waits for its turn, nor by the
 * wrong process. more: its socket has more, probably. */
static void
conn_pace(struct eio__conn *c, bool more)
{
	bool listens = conn_listens(c), held = listens && conn_held(c), turn, stop;

	if (c->closing) return;
	turn = more || (listens && has_waiting(c));
	if (held || (listens && conn_busy(c))) turn = false;
	stop = turn || held || output_full(c) ||
	       (listens && eio__pending_waiting(&c->pending).n >= EIO_HTTPD_PIPELINE_BYTES);
	if (turn) eio__conn_ready(c);
	if (stop && !c->stopped) eio__stream_read_stop(&c->io);
	if (!stop && c->stopped) eio__stream_read_start(&c->io);
	c->stopped = stop;
	if (held && c->httpd->parting == EIO__LEAVES) eio__conn_leave(c);
}

void
eio__conn_hold(struct eio__conn *c)
{
	conn_pace(c, false);
}

/* After an answer, or when its turn has come: the next requests, which may already be here. Behind an answer they wait
 * for their turn: those that are answered at the end of the loop's turn would have all of them done in this one. */
static void
conn_go_on(struct eio__conn *c, bool answered)
{
	bool more = has_waiting(c);

	if (c->closing || c->feeding) return;
	if (conn_listens(c) && more && !answered)
		feed_pending(c);
	else if (conn_listens(c) && !more && answered)
		time_request(c, true);
	conn_pace(c, false);
}

void
eio__conn_go_on(struct eio__conn *c)
{
	conn_go_on(c, false);
}

/* Reading */

static void
conn_take(struct eio__conn *c, const char *data, size_t n)
{
	size_t from = 0, used = has_waiting(c) ? 0 : conn_feed(c, data, n, &from);
	bool kept = true;

	if (!conn_listens(c)) return;
	if (used == n && in_head(c))
		kept = eio__pending_head(&c->pending, data + from, n - from, from > 0);
	else if (used == n)
		eio__pending_clear(&c->pending);
	else
		kept = eio__pending_add(&c->pending, data + used, n - used, used == 0 && in_head(c));
	if (!kept) eio__conn_close(c);
}

/* The client will send nothing more. Whoever still waits for an answer gave up; what is being written still goes
 * out. */
static void
on_conn_eof(struct eio__conn *c)
{
	c->eof = true;
	if (c->ex || eio__stream_queue_size(&c->io) == 0) eio__conn_close(c);
}

void
eio__conn_read(struct eio__stream *io, const char *p, ssize_t n)
{
	struct eio__conn *c = EIO_CONTAINER(io, struct eio__conn, io);

	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	if (n == 0) {
		on_conn_eof(c);
	} else if (n < 0) {
		eio__conn_close(c);
	} else {
		if (conn_listens(c)) conn_take(c, p, (size_t)n);
		/* There is more, probably: not in this turn. */
		conn_pace(c, n == EIO__STREAM_READ_BYTES);
	}
}

/* The clock of a request's head begins. */
static void
begin_to_listen(struct eio__conn *c)
{
	c->stopped = false;
	eio__conn_arm(c, c->httpd->options.header_timeout_ms);
}

void
eio__conn_begin(struct eio__conn *c)
{
	begin_to_listen(c);
	if (conn_held(c))
		conn_pace(c, false);
	else
		eio__stream_read_now(&c->io);
}

void
eio__conn_begin_with(struct eio__conn *c, struct eio_bytes begun)
{
	begin_to_listen(c);
	eio__stream_read_start(&c->io);
	if (begun.n > 0) conn_take(c, begun.p, begun.n);
	conn_pace(c, false);
}
