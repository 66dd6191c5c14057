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
 * itself, so their order with its pongs is safe. tests/unit/test_websocket.c fails
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

#include "eio/buf.h"
#include "eio/deflate.h"
#include "eio/net/uring.h"
#include "eio/utf8.h"

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

/* Text is checked here, and may come compressed: lws must not look at it. 4.1 does only when it is asked to, later versions unless they
 * are told not to. */
#ifdef LWS_SERVER_OPTION_DISABLE_UTF8_VALIDATION
static const uint64_t no_utf8_check = LWS_SERVER_OPTION_DISABLE_UTF8_VALIDATION;
#else
static const uint64_t no_utf8_check = 0;
#endif

static const uint32_t ws_magic = 0x5ec0ffee;

struct eio_ws {
	uint32_t magic;
	int fd; /* of wsi while it is open, else -1 */
	struct lws *wsi;
	bool open, closing, peer_closed, want_writable;
	bool corked; /* the 101 waits for the first write */
	bool gathered; /* a send to it is in the server's ring */
	bool in_frame, compressed; /* more of this frame will come; the message being received is compressed */
	void *user; /* NULL: detached */
	struct eio_ws_server *server;
	struct eio_buf in; /* a message that came in pieces */
};

struct eio_ws_server {
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct eio_ws_handler handler;
	size_t max_payload;
	struct eio_ws *adopting; /* the one whose handshake lws is doing right now, inside eio_ws_adopt */
	struct eio_bytes headers; /* for its 101 */
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
	if (ws && ws->magic != ws_magic) abort();
	return ws;
}

/* Receiving */

static void
deliver(struct eio_ws *ws, bool binary, char *data, size_t n)
{
	if (!binary && !eio_utf8_valid(eio_bytes(data, n)))
		eio_ws_close(ws, EIO_WS_CLOSE_INVALID_DATA);
	else if (ws->user)
		ws->server->handler.message(ws->user, ws, binary, data, n);
}

/* A whole message as it stood in its frames. */
static void
take_message(struct eio_ws *ws, bool binary, char *data, size_t n)
{
	struct eio_buf plain;
	enum eio_inflated rc;

	if (!ws->compressed) {
		deliver(ws, binary, data, n);
		return;
	}
	eio_buf_init(&plain);
	rc = eio_inflate(&plain, eio_bytes(data, n), ws->server->max_payload);
	if (rc == EIO_INFLATE_OK)
		deliver(ws, binary, plain.p, plain.n);
	else
		eio_ws_close(ws, rc == EIO_INFLATE_BAD ? EIO_WS_CLOSE_INVALID_DATA : EIO_WS_CLOSE_TOO_BIG);
	eio_buf_deinit(&plain);
}

/* Looks at the bit that says "compressed" when a frame begins. false: it stands where it must not (RFC 7692 section 6), or another
 * of the reserved ones is set. */
static bool
begin_frame(struct eio_ws *ws)
{
	unsigned rsv = lws_get_reserved_bits(ws->wsi);
	bool rsv1 = (rsv & 0x40) != 0;

	if (ws->in_frame) return true;
	if (rsv & 0x30) return false;
	if (!lws_is_first_fragment(ws->wsi)) return !rsv1;
	ws->compressed = rsv1;
	return true;
}

static void
on_receive(struct eio_ws *ws, char *data, size_t n)
{
	size_t left = lws_remaining_packet_payload(ws->wsi);
	bool whole = left == 0 && lws_is_final_fragment(ws->wsi), binary = lws_frame_is_binary(ws->wsi);

	if (ws->closing) return;
	if (!begin_frame(ws)) {
		eio_ws_close(ws, EIO_WS_CLOSE_PROTOCOL_ERROR);
		return;
	}
	ws->in_frame = left != 0;
	if (ws->in.n + n + left > ws->server->max_payload) {
		eio_ws_close(ws, EIO_WS_CLOSE_TOO_BIG);
		return;
	}
	if (whole && ws->in.n == 0) {
		take_message(ws, binary, data, n);
		return;
	}
	eio_buf_append(&ws->in, data, n);
	if (eio_buf_failed(&ws->in)) {
		eio_ws_close(ws, EIO_WS_CLOSE_TOO_BIG);
	} else if (whole) {
		struct eio_buf message = ws->in;

		eio_buf_init(&ws->in);
		take_message(ws, binary, message.p, message.n);
		eio_buf_deinit(&message);
	}
}

/* Life */

static void
ws_free(struct eio_ws *ws)
{
	void *user = ws->user;

	ws->user = NULL;
	if (user) ws->server->handler.closed(user, ws->open ? ws : NULL, !ws->peer_closed);
	eio_buf_deinit(&ws->in);
	ws->magic = 0;
	free(ws);
}

/* Appends our header lines to the 101 that lws is writing. */
static int
add_headers(const struct eio_ws *ws, struct lws_process_html_args *args)
{
	struct eio_bytes headers = ws->server->headers;

	/* lws puts CRLF and a NUL behind them without looking. */
	if (args->max_len < 3 || (size_t)args->max_len - 3 < headers.n) return -1;
	if (headers.n) memcpy(args->p, headers.p, headers.n);
	args->p += headers.n;
	return 0;
}

static int
on_event(struct eio_ws *ws, enum lws_callback_reasons reason, void *in, size_t n)
{
	switch (reason) {
	case LWS_CALLBACK_ADD_HEADERS: return add_headers(ws, in);
	case LWS_CALLBACK_ESTABLISHED:
		ws->open = true;
		ws->fd = lws_get_socket_fd(ws->wsi);
		if (ws->user) ws->server->handler.open(ws->user, ws);
		break;
	case LWS_CALLBACK_RECEIVE: on_receive(ws, in, n); break;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		if (ws->want_writable && !lws_partial_buffered(ws->wsi)) {
			ws->want_writable = false;
			if (ws->user && !ws->closing) ws->server->handler.writable(ws->user, ws);
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
		if (ws == ws->server->adopting)
			ws->wsi = NULL; /* eio_ws_adopt is still at work with it */
		else
			ws_free(ws);
		break;
	default: break;
	}
	return 0;
}

static int
callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
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
	ws = ws_of(wsi);
	if (!ws && s && s->adopting && !s->adopting->wsi && reason == LWS_CALLBACK_ADD_HEADERS) {
		ws = s->adopting;
		ws->wsi = wsi;
		lws_set_opaque_user_data(wsi, ws);
	}
	return ws ? on_event(ws, reason, in, n) : 0;
}

/* lws 4.1.6 reports each adoption as an error, which it is not. The application sees no line of lws: what matters comes as a
 * callback. */
static void
drop_log(int level, const char *line)
{
	(void)level;
	(void)line;
}

/* Permessage-deflate as lws sees it: it constructs, takes the parameters that we put into the request, and changes nothing. */
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
configure(struct eio_ws_server *s)
{
	s->protocols[0] = (struct lws_protocols){
		.name = "engine.io",
		.callback = callback,
		.rx_buffer_size = RX_BUFFER,
		.tx_packet_size = INT_MAX / 2, /* a block leaves in one call, whatever its size */
	};
	/* Engine.IO's heartbeat watches the connection: lws shall not ping or hang up on its own. */
	s->retry = (lws_retry_bo_t){ .secs_since_valid_ping = 0, .secs_since_valid_hangup = 0 };
}

struct eio_ws_server *
eio_ws_server_new(uv_loop_t *loop, size_t max_payload, bool deflate, const struct eio_ws_handler *handler)
{
	struct eio_ws_server *s = calloc(1, sizeof(*s));
	struct lws_context_creation_info info = { 0 };
	void *loops[1] = { loop };

	if (!s) return NULL;
	s->handler = *handler;
	s->max_payload = max_payload;
	configure(s);
	lws_set_log_level(0, drop_log);
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
	free(s);
}

/* While it is on, the kernel keeps what makes no full packet, for 200 ms at most. A Unix socket has none of this, and no packets. */
static void
set_cork(int fd, int on)
{
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

void
eio_ws_adopt(struct eio_ws_server *s, int fd, struct eio_bytes key, struct eio_bytes extension,
	struct eio_bytes headers, struct eio_bytes rest, bool more, void *user)
{
	struct eio_ws *ws = calloc(1, sizeof(*ws));
	struct eio_buf request;

	eio_buf_init(&request);
	eio_buf_printf(&request,
		"GET / HTTP/1.1\r\nHost: -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: %.*s\r\n",
		(int)key.n, key.p);
	if (extension.n) eio_buf_printf(&request, "Sec-WebSocket-Extensions: %.*s\r\n", (int)extension.n, extension.p);
	EIO_BUF_ADD_LIT(&request, "\r\n");
	eio_buf_add(&request, rest);
	if (!ws || eio_buf_failed(&request)) {
		close(fd);
		free(ws);
		s->handler.closed(user, NULL, true);
		eio_buf_deinit(&request);
		return;
	}
	*ws = (struct eio_ws){ .magic = ws_magic, .fd = -1, .server = s, .user = user, .corked = more };
	if (more) set_cork(fd, 1);
	s->adopting = ws;
	s->headers = headers;
	lws_adopt_socket_vhost_readbuf(s->vhost, fd, request.p, request.n);
	s->adopting = NULL;
	/* lws did the handshake before it returned, or gave up and closed the descriptor. */
	s->headers = eio_bytes(NULL, 0);
	if (!ws->wsi) ws_free(ws);
	eio_buf_deinit(&request);
}

/* Sending */

/* What the kernel did not take. When lws does not take it either, a frame may be cut: nothing may follow it. */
static int
write_rest(struct eio_ws *ws, const char *p, size_t n)
{
	/* lws takes a writable pointer but, for bytes it passes through, only reads them. */
	if (lws_write(ws->wsi, (unsigned char *)(uintptr_t)p, n, LWS_WRITE_HTTP) >= 0) return 0;
	ws->closing = true;
	/* Nor may a pong of lws, for a ping that it reads before it gets to the end. */
	shutdown(ws->fd, SHUT_WR);
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	return -1;
}

static void
on_sent(void *owner, const char *rest, size_t n)
{
	struct eio_ws *ws = owner;

	ws->gathered = false;
	if (n) write_rest(ws, rest, n);
}

int
eio_ws_server_use_uring(struct eio_ws_server *s)
{
	s->ring = eio_uring_new(on_sent);
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

/* The one place that writes frames: to the kernel while lws holds nothing back, and the rest of it to lws. An error is found again
 * by lws, which then ends the connection. */
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

void
eio_ws_detach(struct eio_ws *ws)
{
	ws->user = NULL;
}
