/* SPDX-License-Identifier: MIT */
/*
 * The HTTP server has read and checked the request. From there on libwebsockets has the
 * socket (carrier.h), what arrives is understood by eio/inbound.c, and frames are
 * made by eio/bundle.c.
 *
 * A frame goes straight to the kernel. What that does not take waits here, as a
 * reference to the block, and leaves when the socket takes writes again.
 *
 * What broadcasts write may be gathered (eio/net/gather.h) first. Whatever else is
 * written to a socket that has something there flushes that before.
 */
#include "eio/net/websocket.h"

#include "eio/check.h"
#include "eio/inbound.h"
#include "eio/list.h"
#include "eio/net/carrier.h"
#include "eio/net/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CLOSE_TIMEOUT_S = 5, /* for the peer's close frame, and for its end of the connection */
	LAST_READS = 16, /* of what a peer sent behind its close frame */
};

enum { WS_MAGIC = 0x5ec0ffee, WS_SERVER_MAGIC = 0x77737376 };

/* What the kernel did not take of a block. */
struct unsent {
	struct unsent *next;
	struct eio_block *block;
	size_t at; /* bytes of it that have left */
};

struct eio_ws {
	unsigned magic; /* WS_MAGIC */
	int fd; /* -1 when the connection is lost */
	struct unsent *unsent; /* in their order; while there are any, whatever is written goes behind them */
	struct eio__burst burst; /* what the server gathered for it */
	bool open;
	bool closing; /* a close frame was written, or cannot be: nothing else is */
	bool peer_closed; /* the peer's close frame has come */
	bool deaf; /* what arrives is thrown away */
	bool want_writable;
	struct eio_ws_server *server;
	void *user;
	struct lws *socket;
	struct eio_block *pong; /* to the last ping that came while something was unsent, else NULL */
	struct eio_inbound in;
};

struct eio_ws_server {
	unsigned magic; /* WS_SERVER_MAGIC */
	struct eio__carrier *carrier;
	struct eio_ws_handler handler;
	size_t max_payload;
	struct eio__gather *gather;
};

/* The end */

static void
on_gone(void *owner)
{
	struct eio_ws *ws = owner;

	CHECK_MAGIC(ws, WS_MAGIC);
	CHECK(eio__burst_empty(&ws->burst));
	ws->server->handler.closed(ws->user, ws->open ? ws : NULL, !ws->peer_closed);
	for (struct unsent *u = ws->unsent, *next; u; u = next) {
		next = u->next;
		eio_block_unref(u->block);
		free(u);
	}
	eio_block_unref(ws->pong);
	eio_inbound_deinit(&ws->in);
	ws->magic = 0;
	free(ws);
}

/* Nothing more is written. The peer learns that now; the connection is closed when the loop runs next. */
static void
end_connection(struct eio_ws *ws)
{
	ws->closing = ws->deaf = true;
	shutdown(ws->fd, SHUT_WR);
	eio__carrier_end_after(ws->socket, 0);
}

/* Both sides have said that they close. What is still unread would turn the end into a reset, and the peer might lose
 * our frame. */
static void
end_closed(struct eio_ws *ws)
{
	char junk[4096];

	for (int i = 0; i < LAST_READS && recv(ws->fd, junk, sizeof junk, MSG_DONTWAIT) > 0; i++) continue;
	end_connection(ws);
}

/* Sending */

/* Sends what the kernel takes. Returns how much that is, 0 when there is no room, or -1 when the connection is
 * broken. */
static ssize_t
send_some(const struct eio_ws *ws, const char *p, size_t n)
{
	ssize_t sent = send(ws->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent >= 0) return sent;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM ? 0 : -1;
}

/* Keeps the rest of a block behind all that waits. When there is no memory for that, a frame may be cut: nothing may
 * follow it. */
static int
keep_rest(struct eio_ws *ws, struct eio_block *b, size_t at)
{
	struct unsent *u = malloc(sizeof *u), **end = &ws->unsent;

	CHECK_MAGIC(ws, WS_MAGIC);
	if (!u) {
		end_connection(ws);
		return -1;
	}
	*u = (struct unsent){ .block = eio_block_ref(b), .at = at };
	if (!ws->unsent) eio__carrier_await_room(ws->socket);
	while (*end) end = &(*end)->next;
	*end = u;
	return 0;
}

/* The one place that begins to write frames. */
static int
write_block(struct eio_ws *ws, struct eio_block *b)
{
	ssize_t sent = 0;

	if (!eio__burst_empty(&ws->burst)) eio__gather_flush(ws->server->gather);
	if (!ws->unsent) sent = send_some(ws, b->data, b->n);
	if (sent == (ssize_t)b->n) return 0;
	if (sent >= 0) return keep_rest(ws, b, (size_t)sent);
	end_connection(ws);
	return -1;
}

/* Writes a control frame. */
static void
write_control(struct eio_ws *ws, int opcode, struct eio_bytes data)
{
	struct eio_block *b = eio_block_new(2 + data.n);

	CHECK(data.n <= EIO__FRAME_CONTROL_MAX);
	if (!b) {
		end_connection(ws);
		return;
	}
	eio__frame_header(b->data, opcode, data.n);
	if (data.n) memcpy(b->data + 2, data.p, data.n);
	if (opcode == EIO__FRAME_PONG && ws->unsent) {
		/* Only the last ping has to be answered (RFC 6455 section 5.5.3), so who does not read cannot pile
		 * them up. */
		eio_block_unref(ws->pong);
		ws->pong = eio_block_ref(b);
	} else {
		write_block(ws, b);
	}
	eio_block_unref(b);
}

/* Sends what waits, as far as the kernel takes it. Returns whether all has left. */
static bool
send_unsent(struct eio_ws *ws)
{
	struct unsent *u;
	ssize_t sent;

	while ((u = ws->unsent)) {
		sent = send_some(ws, u->block->data + u->at, u->block->n - u->at);
		if (sent < 0) {
			end_connection(ws);
			return false;
		}
		u->at += (size_t)sent;
		if (u->at < u->block->n) {
			eio__carrier_await_room(ws->socket);
			return false;
		}
		ws->unsent = u->next;
		eio_block_unref(u->block);
		free(u);
	}
	return true;
}

/* The close frame has left. Who still has to answer it is waited for. */
static void
close_sent(struct eio_ws *ws)
{
	if (ws->peer_closed)
		end_closed(ws);
	else if (ws->deaf)
		shutdown(ws->fd, SHUT_WR);
}

static void
on_room(void *owner)
{
	struct eio_ws *ws = owner;
	struct eio_block *pong;

	CHECK_MAGIC(ws, WS_MAGIC);
	if (ws->fd < 0 || !send_unsent(ws)) return;
	pong = ws->pong;
	ws->pong = NULL;
	if (pong && !ws->closing) write_block(ws, pong);
	eio_block_unref(pong);
	if (ws->closing) {
		close_sent(ws);
	} else if (ws->want_writable && !ws->unsent) {
		ws->want_writable = false;
		ws->server->handler.writable(ws->user, ws);
	}
}

/* Says that this side closes, and waits for the other, but not for ever. */
static void
write_close(struct eio_ws *ws, struct eio_bytes data)
{
	write_control(ws, EIO__FRAME_CLOSE, data);
	if (ws->closing) return; /* it is over already */
	ws->closing = ws->in.skip = true;
	eio__carrier_end_after(ws->socket, CLOSE_TIMEOUT_S);
}

void
eio_ws_close(struct eio_ws *ws, int code)
{
	char data[2] = { (char)(code >> 8), (char)code };

	if (!ws->closing) write_close(ws, eio_bytes(data, code ? sizeof data : 0));
}

/* What a gathered send did not take. After a rest that could not be kept nothing may follow. */
static void
on_left(struct eio__burst *burst, struct eio_block *block, size_t at)
{
	struct eio_ws *ws = EIO_CONTAINER(burst, struct eio_ws, burst);

	CHECK_MAGIC(ws, WS_MAGIC);
	if (!ws->closing) keep_rest(ws, block, at);
}

int
eio_ws_server_use_uring(struct eio_ws_server *s)
{
	return eio__gather_use_uring(s->gather);
}

void
eio_ws_server_gather(struct eio_ws_server *s, bool wide)
{
	eio__gather_begin(s->gather, wide);
}

void
eio_ws_server_send_gathered(struct eio_ws_server *s)
{
	eio__gather_end(s->gather);
}

int
eio_ws_write(struct eio_ws *ws, struct eio_block *b)
{
	struct eio__gather *g = ws->server->gather;

	if (ws->closing) return -1;
	if (eio__burst_full(&ws->burst, b->n)) eio__gather_flush(g);
	if (!ws->unsent && eio__gather_add(g, &ws->burst, ws->fd, b)) return 0;
	return write_block(ws, b);
}

void
eio_ws_prefetch(const struct eio_ws *ws)
{
	__builtin_prefetch(ws);
}

bool
eio_ws_writable(struct eio_ws *ws)
{
	if (ws->closing) return false;
	if (eio__burst_full(&ws->burst, 1)) eio__gather_flush(ws->server->gather);
	if (!ws->unsent) return true;
	ws->want_writable = true;
	return false;
}

/* Receiving */

/* The peer closes: it is told the same, and nothing that it sent behind that counts. */
static void
on_peer_close(struct eio_ws *ws, struct eio_bytes data)
{
	ws->peer_closed = ws->deaf = true;
	if (!ws->closing) write_close(ws, data);
	if (!ws->unsent) close_sent(ws);
}

/* The peer has broken a rule. Whether it answers is no matter: it is told that this is the end, and has a while to
 * close its side. */
static void
fail_connection(struct eio_ws *ws, int code)
{
	eio_ws_close(ws, code);
	ws->deaf = true;
	if (!ws->unsent) close_sent(ws);
}

/* Handles what was found in what arrived. */
static void
on_found(struct eio_ws *ws, enum eio_inbound_result what, struct eio_inbound_message *m)
{
	switch (what) {
	case EIO_INBOUND_MORE: return;
	case EIO_INBOUND_MESSAGE: ws->server->handler.message(ws->user, ws, m->binary, m->data, m->n); break;
	case EIO_INBOUND_PING:
		if (!ws->closing) write_control(ws, EIO__FRAME_PONG, eio_bytes(m->data, m->n));
		break;
	case EIO_INBOUND_CLOSE: on_peer_close(ws, eio_bytes(m->data, m->n)); break;
	case EIO_INBOUND_BAD_FRAME: fail_connection(ws, EIO_WS_CLOSE_PROTOCOL_ERROR); return;
	case EIO_INBOUND_BAD_DATA: fail_connection(ws, EIO_WS_CLOSE_INVALID_DATA); return;
	case EIO_INBOUND_TOO_BIG: fail_connection(ws, EIO_WS_CLOSE_TOO_BIG); return;
	}
	eio_buf_deinit(&m->owned);
}

static void
on_received(void *owner, char *p, size_t n)
{
	struct eio_ws *ws = owner;
	struct eio_arrived bytes = { p, n };
	struct eio_inbound_message m;
	enum eio_inbound_result what = EIO_INBOUND_PING;

	CHECK_MAGIC(ws, WS_MAGIC);
	while (!ws->deaf && what != EIO_INBOUND_MORE) {
		what = eio_inbound_take(&ws->in, &bytes, ws->server->max_payload, &m);
		on_found(ws, what, &m);
	}
}

static void
on_lost(void *owner)
{
	struct eio_ws *ws = owner;

	CHECK_MAGIC(ws, WS_MAGIC);
	/* Another connection may get the number. */
	ws->fd = -1;
	ws->closing = ws->deaf = true;
}

/* The server */

struct eio_ws_server *
eio_ws_server_new(uv_loop_t *loop, size_t max_payload, const struct eio_ws_handler *handler)
{
	const struct eio__carrier_handler carrier = {
		.received = on_received, .room = on_room, .lost = on_lost, .gone = on_gone
	};
	struct eio_ws_server *s = calloc(1, sizeof *s);

	if (!s) return NULL;
	*s = (struct eio_ws_server){ .magic = WS_SERVER_MAGIC, .handler = *handler, .max_payload = max_payload };
	s->gather = eio__gather_new(on_left);
	s->carrier = s->gather ? eio__carrier_new(loop, &carrier) : NULL;
	if (s->carrier) return s;
	eio__gather_free(s->gather);
	free(s);
	return NULL;
}

void
eio_ws_server_close(struct eio_ws_server *s)
{
	CHECK_MAGIC(s, WS_SERVER_MAGIC);
	eio__carrier_close(s->carrier);
}

void
eio_ws_server_free(struct eio_ws_server *s)
{
	CHECK_MAGIC(s, WS_SERVER_MAGIC);
	eio__carrier_free(s->carrier);
	eio__gather_free(s->gather);
	s->magic = 0;
	free(s);
}

/* Beginning */

static struct eio_block *
block_101(const struct eio_ws_adoption *a)
{
	char accept[EIO__CARRIER_ANSWER_BYTES + 1];
	struct eio_buf out;

	eio__carrier_answer_key(a->key, accept);
	eio_buf_init(&out);
	EIO_BUF_ADD_LIT(&out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
	eio_buf_printf(&out, "Sec-WebSocket-Accept: %s\r\n", accept);
	if (a->extension.n)
		eio_buf_printf(&out, "Sec-WebSocket-Extensions: %.*s\r\n", (int)a->extension.n, a->extension.p);
	eio_buf_add(&out, a->headers);
	EIO_BUF_ADD_LIT(&out, "\r\n");
	return eio_block_of_buf(&out);
}

/* Answers, and takes what came behind the request. */
static void
open_websocket(struct eio_ws *ws, const struct eio_ws_adoption *a, struct eio_block *answer)
{
	struct eio_buf rest;

	ws->open = true;
	write_block(ws, answer);
	ws->server->handler.open(ws->user, ws);
	eio_buf_init(&rest);
	eio_buf_add(&rest, a->rest);
	if (eio_buf_failed(&rest)) end_connection(ws);
	on_received(ws, rest.p, rest.n);
	eio_buf_deinit(&rest);
}

void
eio_ws_adopt(struct eio_ws_server *s, const struct eio_ws_adoption *a)
{
	struct eio_ws *ws = calloc(1, sizeof *ws);
	struct eio_block *answer = block_101(a);
	bool enough = ws && answer;

	if (enough) {
		*ws = (struct eio_ws){ .magic = WS_MAGIC, .fd = a->fd, .server = s, .user = a->user };
		ws->in.deflate = a->extension.n > 0;
		ws->socket = eio__carrier_adopt(s->carrier, a->fd, ws);
	} else {
		close(a->fd);
	}
	if (enough && ws->socket) {
		open_websocket(ws, a, answer);
	} else {
		free(ws);
		s->handler.closed(a->user, NULL, true);
	}
	eio_block_unref(answer);
}
