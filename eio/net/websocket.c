/* SPDX-License-Identifier: MIT */
/*
 * The only file that includes libwebsockets (and so never llhttp: both define
 * the same enumerators).
 *
 * The HTTP server has read the request already. What lws gets to see is a
 * minimal request of our own: no header of a client can trip its parser, and no
 * sub-protocol is looked up. Frames are made by eio/bundle.c. While lws holds
 * nothing back they go straight to the kernel: the way through lws_write touches
 * half a kilobyte of cold memory for each connection. What the kernel does not
 * take, and everything until that is gone, goes to lws_write, which passes bytes
 * through untouched when told LWS_WRITE_HTTP, but behind whatever it still holds
 * itself, so their order with its pongs is safe. tests/unit/eio_net/test_websocket.c fails
 * when a future lws stops doing that.
 *
 * A broadcast's sends may be gathered in a ring (eio/net/uring.h) first. A socket has at most one of them
 * there, and whatever else is written to it waits for the ring to be emptied; lws itself
 * writes from the loop only, when nothing is gathered.
 *
 * Permessage-deflate is ours, too: lws knows an extension of that name which does
 * nothing, so that it answers with what was negotiated and lets frames with RSV1
 * pass, in both directions. No window is kept between messages, so a socket that
 * negotiated it needs no more memory than another.
 */
#include "eio/net/websocket.h"

#include "eio/check.h"
#include "eio/inbound.h"
#include "eio/net/uring.h"

#include <errno.h>
#include <libwebsockets.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	RX_BUFFER = 128, /* per connection; inbound messages are few and small, connections are many */
	CLOSE_TIMEOUT_S = 5, /* for the peer's close frame */
	MAX_HEADERS = 512, /* lws's buffer for the request, which is our own and short */
};

static const char vhost_name[] = "engine.io";

/* Text is checked here, and may come compressed: lws must not look at it. 4.1 does only when it is asked to, later
 * versions unless they are told not to. */
#ifdef LWS_SERVER_OPTION_DISABLE_UTF8_VALIDATION
static const uint64_t no_utf8_check = LWS_SERVER_OPTION_DISABLE_UTF8_VALIDATION;
#else
static const uint64_t no_utf8_check = 0;
#endif

enum { WS_MAGIC = 0x5ec0ffee, WS_SERVER_MAGIC = 0x77737376 };

struct eio_ws {
	unsigned magic; /* WS_MAGIC */
	int fd; /* of wsi while it is open, else -1 */
	struct lws *wsi;
	bool open, closing, peer_closed, want_writable;
	bool corked; /* the 101 waits for the first write */
	bool gathered; /* a send to it is in the server's ring */
	struct eio_ws_server *server;
	void *user;
	struct eio_inbound in;
};

/* A handshake that lws is doing right now. */
struct handshake {
	struct eio_ws *ws; /* its wsi is set when lws has made one, and NULL again when lws gave up */
	struct eio_bytes headers; /* for the 101 */
};

struct eio_ws_server {
	unsigned magic; /* WS_SERVER_MAGIC */
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct eio_ws_handler handler;
	size_t max_payload;
	/* Inside eio_ws_adopt, else NULL: lws has no way to hand a socket over with both the bytes that were read of it
	 * and a pointer of ours, so the first callback for it finds that here. */
	struct handshake *adopting;
	struct lws_protocols protocols[2];
	lws_retry_bo_t retry;
	struct eio_uring *ring; /* NULL without */
	bool gathers;
};

static struct eio_ws *
ws_of(struct lws *wsi)
{
	struct eio_ws *ws = lws_get_opaque_user_data(wsi);

	/* What lws hands back is checked: it must be what we gave it. */
	if (ws) CHECK_MAGIC(ws, WS_MAGIC);
	return ws;
}

/* Receiving */

static void
on_receive(struct eio_ws *ws, char *data, size_t n)
{
	struct eio_piece piece = {
		.data = data,
		.n = n,
		.left = lws_remaining_packet_payload(ws->wsi),
		.first = lws_is_first_fragment(ws->wsi),
		.final = lws_is_final_fragment(ws->wsi),
		.binary = lws_frame_is_binary(ws->wsi),
		.rsv = lws_get_reserved_bits(ws->wsi),
	};
	struct eio_inbound_message m;

	if (ws->closing) return;
	switch (eio_inbound_take(&ws->in, &piece, ws->server->max_payload, &m)) {
	case EIO_INBOUND_MORE: break;
	case EIO_INBOUND_MESSAGE:
		ws->server->handler.message(ws->user, ws, piece.binary, m.data, m.n);
		eio_buf_deinit(&m.owned);
		break;
	case EIO_INBOUND_BAD_FRAME: eio_ws_close(ws, EIO_WS_CLOSE_PROTOCOL_ERROR); break;
	case EIO_INBOUND_BAD_DATA: eio_ws_close(ws, EIO_WS_CLOSE_INVALID_DATA); break;
	case EIO_INBOUND_TOO_BIG: eio_ws_close(ws, EIO_WS_CLOSE_TOO_BIG); break;
	}
}

/* Life */

static void
ws_free(struct eio_ws *ws)
{
	CHECK(!ws->gathered);
	ws->server->handler.closed(ws->user, ws->open ? ws : NULL, !ws->peer_closed);
	eio_inbound_deinit(&ws->in);
	ws->magic = 0;
	free(ws);
}

/* Appends our header lines to the 101 that lws is writing. */
static int
add_headers(const struct eio_ws *ws, struct lws_process_html_args *args)
{
	const struct handshake *now = ws->server->adopting;
	struct eio_bytes headers = now ? now->headers : eio_bytes(NULL, 0);

	/* lws puts CRLF and a NUL behind them without looking. */
	if (args->max_len < 3 || (size_t)args->max_len - 3 < headers.n) return -1;
	if (headers.n) memcpy(args->p, headers.p, headers.n);
	args->p += headers.n;
	return 0;
}

static int
on_ws_event(struct eio_ws *ws, enum lws_callback_reasons reason, void *in, size_t n)
{
	switch (reason) {
	case LWS_CALLBACK_ADD_HEADERS: return add_headers(ws, in);
	case LWS_CALLBACK_ESTABLISHED:
		ws->open = true;
		ws->fd = lws_get_socket_fd(ws->wsi);
		ws->server->handler.open(ws->user, ws);
		break;
	case LWS_CALLBACK_RECEIVE: on_receive(ws, in, n); break;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		if (ws->want_writable && !lws_partial_buffered(ws->wsi)) {
			ws->want_writable = false;
			if (!ws->closing) ws->server->handler.writable(ws->user, ws);
		}
		break;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		ws->peer_closed = true;
		/* The peer's answer to our own close frame is not answered again. */
		return ws->closing ? -1 : 0;
	case LWS_CALLBACK_CLOSED:
		/* lws closes it before it tells of the end, and another connection may get the number. */
		ws->fd = -1;
		ws->closing = true;
		break;
	case LWS_CALLBACK_WSI_DESTROY:
		lws_set_opaque_user_data(ws->wsi, NULL);
		if (ws->server->adopting && ws == ws->server->adopting->ws)
			ws->wsi = NULL; /* eio_ws_adopt is still at work with it */
		else
			ws_free(ws);
		break;
	default: break;
	}
	return 0;
}

static int
on_lws_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
	struct eio_ws_server *s;
	struct eio_ws *ws;

	(void)user;
	switch (reason) {
	case LWS_CALLBACK_ADD_HEADERS:
	case LWS_CALLBACK_ESTABLISHED:
	case LWS_CALLBACK_RECEIVE:
	case LWS_CALLBACK_SERVER_WRITEABLE:
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY: break;
	default: return 0;
	}
	s = lws_context_user(lws_get_context(wsi));
	CHECK_MAGIC(s, WS_SERVER_MAGIC);
	ws = ws_of(wsi);
	if (!ws && s->adopting && !s->adopting->ws->wsi && reason == LWS_CALLBACK_ADD_HEADERS) {
		ws = s->adopting->ws;
		ws->wsi = wsi;
		lws_set_opaque_user_data(wsi, ws);
	}
	return ws ? on_ws_event(ws, reason, in, n) : 0;
}

/* lws 4.1.6 reports each adoption as an error, which it is not. The application sees no line of lws: what matters comes
 * as a callback. */
static void
drop_log_line(int level, const char *line)
{
	(void)level;
	(void)line;
}

/* Permessage-deflate as lws sees it: it constructs, takes the parameters that we put into the request, and changes
 * nothing. */
static int
on_extension(struct lws_context *context, const struct lws_extension *ext, struct lws *wsi,
	enum lws_extension_callback_reasons reason, void *user, void *in, size_t n)
{
	/* Each can be one of these; lws puts those of the request into its answer. */
	static const struct lws_ext_options parameters[] = {
		{ "server_no_context_takeover", EXTARG_NONE },
		{ "client_no_context_takeover", EXTARG_NONE },
		{ "server_max_window_bits=9", EXTARG_NONE },
		{ "server_max_window_bits=10", EXTARG_NONE },
		{ "server_max_window_bits=11", EXTARG_NONE },
		{ "server_max_window_bits=12", EXTARG_NONE },
		{ "server_max_window_bits=13", EXTARG_NONE },
		{ "server_max_window_bits=14", EXTARG_NONE },
		{ "server_max_window_bits=15", EXTARG_NONE },
		{ NULL, EXTARG_NONE },
	};

	(void)context;
	(void)ext;
	(void)wsi;
	(void)user;
	(void)n;
	if (reason == LWS_EXT_CB_CONSTRUCT) *(const struct lws_ext_options **)in = parameters;
	return 0;
}

static const struct lws_extension extensions[] = {
	{ .name = "permessage-deflate", .callback = on_extension, .client_offer = "permessage-deflate" },
	{ 0 },
};

static void
configure_protocol(struct eio_ws_server *s)
{
	s->protocols[0] = (struct lws_protocols){
		.name = "engine.io",
		.callback = on_lws_event,
		.rx_buffer_size = RX_BUFFER,
		.tx_packet_size = INT_MAX / 2, /* a block leaves in one call, whatever its size */
	};
	/* Engine.IO's heartbeat watches the connection: lws shall not ping or hang up on its own. */
	s->retry = (lws_retry_bo_t){ .secs_since_valid_ping = 0, .secs_since_valid_hangup = 0 };
}

struct eio_ws_server *
eio_ws_server_new(uv_loop_t *loop, size_t max_payload, bool deflate, const struct eio_ws_handler *handler)
{
	struct eio_ws_server *s = calloc(1, sizeof *s);
	struct lws_context_creation_info info = { 0 };
	void *loops[1] = { loop };

	if (!s) return NULL;
	s->magic = WS_SERVER_MAGIC;
	s->handler = *handler;
	s->max_payload = max_payload;
	configure_protocol(s);
	lws_set_log_level(0, drop_log_line);
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = s->protocols;
	info.options = LWS_SERVER_OPTION_LIBUV | no_utf8_check;
	info.vhost_name = vhost_name;
	info.foreign_loops = loops;
	info.retry_and_idle_policy = &s->retry;
	info.extensions = deflate ? extensions : NULL;
	info.max_http_header_data = MAX_HEADERS;
	info.gid = (gid_t)-1;
	info.uid = (uid_t)-1;
	info.user = s;
	s->context = lws_create_context(&info);
	s->vhost = s->context ? lws_get_vhost_by_name(s->context, vhost_name) : NULL;
	if (s->vhost) return s;
	/* This happens at start-up only and ends the program, which saves turning a loop to take lws apart. */
	return NULL;
}

void
eio_ws_server_close(struct eio_ws_server *s)
{
	lws_context_destroy(s->context);
}

void
eio_ws_server_free(struct eio_ws_server *s)
{
	/* With a loop that is not its own, lws wants to be told twice: the first call closes its handles, which takes
	 * turns of the loop, the second frees the memory. */
	lws_context_destroy(s->context);
	eio_uring_free(s->ring);
	s->magic = 0;
	free(s);
}

/* While it is on, the kernel keeps what makes no full packet, for 200 ms at most. A Unix socket has none of this, and
 * no packets. */
static void
set_cork(int fd, int on)
{
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

/* The request that lws gets to see, and behind it what came behind the client's. */
static void
put_request(struct eio_buf *out, const struct eio_ws_adoption *a)
{
	eio_buf_printf(out,
		"GET / HTTP/1.1\r\nHost: -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: %.*s\r\n",
		(int)a->key.n, a->key.p);
	if (a->extension.n)
		eio_buf_printf(out, "Sec-WebSocket-Extensions: %.*s\r\n", (int)a->extension.n, a->extension.p);
	EIO_BUF_ADD_LIT(out, "\r\n");
	eio_buf_add(out, a->rest);
}

/* Has lws do the handshake. When this returns lws has done it, or given up and closed the descriptor. */
static void
shake_hands(struct eio_ws *ws, const struct eio_ws_adoption *a, const struct eio_buf *request)
{
	struct handshake now = { .ws = ws, .headers = a->headers };
	struct eio_ws_server *s = ws->server;

	CHECK(!s->adopting);
	if (a->more) set_cork(a->fd, 1);
	s->adopting = &now;
	lws_adopt_socket_vhost_readbuf(s->vhost, a->fd, request->p, request->n);
	s->adopting = NULL;
	if (!ws->wsi) ws_free(ws);
}

void
eio_ws_adopt(struct eio_ws_server *s, const struct eio_ws_adoption *a)
{
	struct eio_ws *ws = calloc(1, sizeof *ws);
	struct eio_buf request;

	eio_buf_init(&request);
	put_request(&request, a);
	if (ws && !eio_buf_failed(&request)) {
		*ws = (struct eio_ws){ .magic = WS_MAGIC, .fd = -1, .server = s, .user = a->user, .corked = a->more };
		shake_hands(ws, a, &request);
	} else {
		close(a->fd);
		free(ws);
		s->handler.closed(a->user, NULL, true);
	}
	eio_buf_deinit(&request);
}

/* Sending */

/* What the kernel did not take. When lws does not take it either, a frame may be cut: nothing may follow it. */
static int
write_rest(struct eio_ws *ws, const char *p, size_t n)
{
	CHECK_MAGIC(ws, WS_MAGIC);
	/* lws takes a writable pointer but, for bytes it passes through, only reads them. */
	if (lws_write(ws->wsi, (unsigned char *)(uintptr_t)p, n, LWS_WRITE_HTTP) >= 0) return 0;
	ws->closing = true;
	/* Nor may a pong of lws, for a ping that it reads before it gets to the end. */
	shutdown(ws->fd, SHUT_WR);
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	return -1;
}

static void
on_ws_sent(void *owner, const char *rest, size_t n)
{
	struct eio_ws *ws = owner;

	ws->gathered = false;
	if (n) write_rest(ws, rest, n);
}

int
eio_ws_server_use_uring(struct eio_ws_server *s)
{
	s->ring = eio_uring_new(on_ws_sent);
	return s->ring ? 0 : -errno;
}

void
eio_ws_server_gather(struct eio_ws_server *s)
{
	s->gathers = s->ring && eio_uring_works(s->ring);
}

void
eio_ws_server_send_gathered(struct eio_ws_server *s)
{
	if (s->gathers) eio_uring_flush(s->ring);
	s->gathers = false;
}

/* The one place that writes frames: to the kernel while lws holds nothing back, and the rest of it to lws. An error is
 * found again by lws, which then ends the connection. */
static int
write_raw(struct eio_ws *ws, const char *p, size_t n)
{
	ssize_t sent;

	if (ws->gathered) eio_uring_flush(ws->server->ring);
	sent = lws_partial_buffered(ws->wsi) ? 0 : send(ws->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (ws->corked) set_cork(ws->fd, 0);
	ws->corked = false;
	if (sent == (ssize_t)n) return 0;
	if (sent > 0) {
		p += sent;
		n -= (size_t)sent;
	}
	return write_rest(ws, p, n);
}

int
eio_ws_write(struct eio_ws *ws, struct eio_block *b)
{
	if (ws->closing) return -1;
	if (!ws->server->gathers || ws->gathered || ws->corked || lws_partial_buffered(ws->wsi))
		return write_raw(ws, b->data, b->n);
	ws->gathered = true;
	eio_uring_add(ws->server->ring, ws, ws->fd, b);
	return 0;
}

void
eio_ws_prefetch(const struct eio_ws *ws)
{
	/* Only lws knows where in its memory this lies; several of these calls in a row wait for it together. */
	if (lws_partial_buffered(ws->wsi)) return;
}

bool
eio_ws_writable(struct eio_ws *ws)
{
	if (ws->closing) return false;
	if (ws->gathered) eio_uring_flush(ws->server->ring);
	if (!lws_partial_buffered(ws->wsi)) return true;
	if (!ws->want_writable) lws_callback_on_writable(ws->wsi);
	ws->want_writable = true;
	return false;
}

void
eio_ws_close(struct eio_ws *ws, int code)
{
	char frame[4] = { (char)0x88, (char)(code ? 2 : 0), (char)(code >> 8), (char)code };

	if (ws->closing) return;
	ws->closing = true;
	if (write_raw(ws, frame, code ? 4 : 2) == 0)
		lws_set_timeout(ws->wsi, PENDING_TIMEOUT_CLOSE_ACK, CLOSE_TIMEOUT_S);
}
