/* SPDX-License-Identifier: MIT */
/*
 * The HTTP server has read and checked the request. From there on the carrier has the
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
#include "eio/net/handshake_key.h"
#include "eio/net/rest.h"
#include "eio/net/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LAST_READS = 16, /* of what a peer sent behind its close frame */
	TURN_MESSAGES = 32, /* and pings, of one WebSocket that are taken in a turn of the loop */
};

enum { WS_MAGIC = 0x5ec0ffee, WS_SERVER_MAGIC = 0x77737376 };

/* There are many of these, and most are idle: what only some need at the moment is allocated for them. What a broadcast
 * looks at comes first, so that it lies together. */
struct eio_ws {
	unsigned magic; /* WS_MAGIC */
	bool open : 1;
	bool closing : 1; /* a close frame was written, or cannot be: nothing else is */
	bool peer_closed : 1; /* the peer's close frame has come */
	bool deaf : 1; /* what arrives is thrown away */
	bool want_writable : 1;
	bool deflate : 1; /* messages may come compressed */
	struct eio__rest *rest; /* owned; while there is one, whatever is written goes behind it */
	struct eio__burst burst; /* what the server gathered for it */
	struct eio_ws_server *server;
	struct eio__carried socket;
	void *user;
	struct eio_inbound *in; /* owned; NULL while it is at rest */
};

_Static_assert(sizeof(struct eio_ws) <= 88, "one for each client with a WebSocket");

struct eio_ws_server {
	unsigned magic; /* WS_SERVER_MAGIC */
	struct eio__carrier *carrier;
	struct eio_ws_handler handler;
	size_t max_payload;
	struct eio__gather *gather;
	struct eio__behind behind; /* those for which something is unsent */
	struct eio_behind_stats behind_stats;
};

static struct eio_ws *
ws_of(struct eio__carried *s)
{
	struct eio_ws *ws = EIO_CONTAINER(s, struct eio_ws, socket);

	CHECK_MAGIC(ws, WS_MAGIC);
	return ws;
}

/* The end */

static void
on_gone(struct eio__carried *s)
{
	struct eio_ws *ws = ws_of(s);

	CHECK(eio__burst_empty(&ws->burst));
	ws->server->handler.closed(ws->user, ws->open ? ws : NULL, !ws->peer_closed);
	eio__rest_free(ws->rest);
	if (ws->in) eio_inbound_deinit(ws->in);
	free(ws->in);
	ws->magic = 0;
	free(ws);
}

/* Nothing more is written. The peer learns that now; the connection is closed when the loop runs next. */
static void
end_connection(struct eio_ws *ws)
{
	ws->closing = ws->deaf = true;
	eio__wire_shutdown(ws->socket.fd, ws->socket.tls);
	eio__carrier_end(ws->server->carrier, &ws->socket);
}

/* Both sides have said that they close. What is still unread would turn the end into a reset, and the peer might lose
 * our frame. */
static void
end_closed(struct eio_ws *ws)
{
	char junk[4096];

	for (int i = 0; i < LAST_READS && recv(ws->socket.fd, junk, sizeof junk, MSG_DONTWAIT) > 0; i++) continue;
	end_connection(ws);
}

/* Sending */

/* Keeps the rest of a block, or of what is encrypted (NULL), behind all that waits. When there is no memory for that, a
 * frame may be cut: nothing may follow it. */
static int
keep_rest(struct eio_ws *ws, struct eio_block *b, size_t at)
{
	if (!ws->rest) {
		ws->rest = eio__rest_new(&ws->server->behind, ws->socket.fd);
		if (ws->rest) eio__carrier_await_room(ws->server->carrier, &ws->socket);
	}
	if (ws->rest && (!b || eio__rest_add(ws->rest, b, at))) return 0;
	end_connection(ws);
	return -1;
}

/* The one place that begins to write frames. */
static int
write_block(struct eio_ws *ws, struct eio_block *b)
{
	ssize_t sent = 0;

	if (!eio__burst_empty(&ws->burst)) eio__gather_flush(ws->server->gather);
	if (!ws->rest) sent = eio__wire_send(ws->socket.fd, ws->socket.tls, b->data, b->n);
	if (sent == (ssize_t)b->n && !eio__wire_waits(ws->socket.tls)) return 0;
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
	if (opcode == EIO__FRAME_PONG && ws->rest)
		eio__rest_set_pong(ws->rest, b);
	else
		write_block(ws, b);
	eio_block_unref(b);
}

/* Sends what waits. Returns whether all has left. */
static bool
send_rest(struct eio_ws *ws)
{
	struct eio_tls *tls = ws->socket.tls;
	int sent = ws->rest ? eio__rest_send(ws->rest, ws->socket.fd, tls) : eio__wire_flush(tls);
	struct eio_block *pong;

	if (sent < 0) end_connection(ws);
	if (sent == 0) eio__carrier_await_room(ws->server->carrier, &ws->socket);
	if (sent <= 0) return false;
	pong = ws->rest ? eio__rest_take_pong(ws->rest) : NULL;
	eio__rest_free(ws->rest);
	ws->rest = NULL;
	if (pong && !ws->closing) write_block(ws, pong);
	eio_block_unref(pong);
	return true;
}

/* The close frame has left. Who still has to answer it is waited for. */
static void
close_sent(struct eio_ws *ws)
{
	if (ws->peer_closed)
		end_closed(ws);
	else if (ws->deaf)
		eio__wire_shutdown(ws->socket.fd, ws->socket.tls);
}

static void
on_room(struct eio__carried *s)
{
	struct eio_ws *ws = ws_of(s);

	if (!send_rest(ws)) return;
	if (ws->closing) {
		close_sent(ws);
	} else if (ws->want_writable && !ws->rest) {
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
	ws->closing = true;
	eio__carrier_end_later(ws->server->carrier, &ws->socket);
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

struct eio_behind_stats
eio_ws_server_behind(struct eio_ws_server *s, uint64_t now_ms)
{
	eio__behind_look(&s->behind, now_ms);
	return s->behind_stats;
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

static bool
gather_block(struct eio_ws *ws, struct eio_block *b)
{
	struct eio__gather *g = ws->server->gather;
	struct eio_tls *tls = ws->socket.tls;

	if (!tls) return eio__gather_add(g, &ws->burst, ws->socket.fd, b);
	return !eio_tls_waits(tls) && eio__gather_add_tls(g, &ws->burst, ws->socket.fd, tls, b);
}

int
eio_ws_write(struct eio_ws *ws, struct eio_block *b)
{
	struct eio__gather *g = ws->server->gather;

	if (ws->closing) return -1;
	if (eio__burst_full(&ws->burst, b->n)) eio__gather_flush(g);
	if (!ws->rest && gather_block(ws, b)) return 0;
	return write_block(ws, b);
}

void
eio_ws_prefetch(const struct eio_ws *ws)
{
	__builtin_prefetch(ws);
}

size_t
eio_ws_unsent(const struct eio_ws *ws)
{
	return ws->rest ? eio__rest_bytes(ws->rest) : 0;
}

void *
eio_ws_server_user(const struct eio_ws *ws)
{
	return ws->server->handler.server_user;
}

int
eio_ws_fd(const struct eio_ws *ws)
{
	return ws->socket.fd;
}

bool
eio_ws_writable(struct eio_ws *ws)
{
	if (ws->closing) return false;
	if (eio__burst_full(&ws->burst, 1)) eio__gather_flush(ws->server->gather);
	if (!ws->rest) return true;
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
	if (!ws->rest) close_sent(ws);
}

/* The peer has broken a rule. Whether it answers is no matter: it is told that this is the end, and has a while to
 * close its side. */
static void
fail_connection(struct eio_ws *ws, int code)
{
	eio_ws_close(ws, code);
	ws->deaf = true;
	if (!ws->rest) close_sent(ws);
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

/* What has arrived of something that is not complete is kept until more does. */
static void
keep_inbound(struct eio_ws *ws, struct eio_inbound *in)
{
	if (eio_inbound_at_rest(in) || ws->deaf) {
		eio_inbound_deinit(in);
		free(ws->in);
		ws->in = NULL;
		return;
	}
	if (!ws->in) ws->in = malloc(sizeof *ws->in);
	if (ws->in) {
		*ws->in = *in;
	} else {
		eio_inbound_deinit(in);
		end_connection(ws);
	}
}

static size_t
on_received(struct eio__carried *s, char *p, size_t n)
{
	struct eio_ws *ws = ws_of(s);
	struct eio_arrived bytes = { p, n };
	struct eio_inbound in = ws->in ? *ws->in : (struct eio_inbound){ .deflate = ws->deflate };
	struct eio_inbound_message m;
	enum eio_inbound_result what = EIO_INBOUND_PING;

	for (int i = 0; i < TURN_MESSAGES && !ws->deaf && what != EIO_INBOUND_MORE; i++) {
		in.skip = ws->closing;
		what = eio_inbound_take(&in, &bytes, ws->server->max_payload, &m);
		on_found(ws, what, &m);
	}
	keep_inbound(ws, &in);
	return ws->deaf ? n : n - bytes.n;
}

static void
on_lost(struct eio__carried *s)
{
	struct eio_ws *ws = ws_of(s);

	/* Another connection may get the number. */
	if (ws->rest) eio__rest_lost(ws->rest);
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
	eio__behind_init(&s->behind, &s->behind_stats);
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
	char accept[EIO__HANDSHAKE_ANSWER_BYTES + 1];
	struct eio_buf out;

	eio__handshake_answer(a->key, accept);
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
	eio_ws_write(ws, answer);
	ws->server->handler.open(ws->user, ws);
	eio_buf_init(&rest);
	eio_buf_add(&rest, a->rest);
	if (eio_buf_failed(&rest)) end_connection(ws);
	eio__carrier_feed(ws->server->carrier, &ws->socket, rest.p, rest.n);
	eio_buf_deinit(&rest);
}

void
eio_ws_adopt(struct eio_ws_server *s, const struct eio_ws_adoption *a)
{
	struct eio_ws *ws = calloc(1, sizeof *ws);
	struct eio_block *answer = block_101(a);
	bool enough = ws && answer;

	if (enough) {
		*ws = (struct eio_ws){ .magic = WS_MAGIC, .server = s, .user = a->user };
		ws->deflate = a->extension.n > 0;
		ws->socket.tls = a->tls;
		enough = eio__carrier_adopt(s->carrier, &ws->socket, a->fd) == 0;
	} else {
		eio__wire_close(a->fd, a->tls);
	}
	if (enough) {
		open_websocket(ws, a, answer);
	} else {
		free(ws);
		s->handler.closed(a->user, NULL, true);
	}
	eio_block_unref(answer);
}
