/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket connection: direct, or as what a polling client upgrades to. Frames are read as they stream by,
 * compressed messages when they are complete. The key of the handshake is a constant and its answer is not verified:
 * this tests speed, and others (tests/e2e) the protocol.
 */
#include "bench/load.h"

#include <stdlib.h>

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10, HTTP_HEAD_MAX = 4096 };

#define EXTENSION "permessage-deflate"
#define NO_CONTEXT "server_no_context_takeover"

static void
add_query(const struct client *c, struct eio_buf *b)
{
	eio_buf_printf(b, "?EIO=%u&transport=websocket", load.eio);
	if (load.b64) EIO_BUF_ADD_LIT(b, "&b64=1");
	if (c->sid[0]) eio_buf_printf(b, "&sid=%s", c->sid);
}

static void
ws_start(struct client *c)
{
	struct eio_buf b;

	c->ws.link = c->on[LINK_MAIN] == &transport_ws ? LINK_MAIN : LINK_SIDE;
	eio_buf_init(&b);
	eio_buf_printf(&b, "GET %s", load.path);
	if (!load.raw)
		add_query(c, &b);
	else if (load.rooms > 1)
		eio_buf_printf(&b, "/r%u", (load.first + c->index) % load.rooms);
	eio_buf_printf(&b,
		" HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2lvY2FzdCBiZW5jaCAhIQ==\r\n",
		load.host);
	if (load.deflate)
		EIO_BUF_ADD_LIT(
			&b, "Sec-WebSocket-Extensions: " EXTENSION "; " NO_CONTEXT "; client_no_context_takeover\r\n");
	EIO_BUF_ADD_LIT(&b, "\r\n");
	if (eio_buf_failed(&b))
		load_fail(c, "out of memory");
	else
		load_send(c, c->ws.link, b.p, b.n);
	eio_buf_deinit(&b);
}

/* Frames from a client are masked; a mask of zeros leaves the bytes as they are. */
static void
send_frame(struct client *c, unsigned opcode, struct eio_bytes s)
{
	unsigned char frame[6 + 125] = { (unsigned char)(0x80 | opcode), (unsigned char)(0x80 | s.n) };

	if (s.n > 125) abort(); /* nothing that we send is that long */
	if (s.n) memcpy(frame + 6, s.p, s.n);
	load_send(c, c->ws.link, frame, 6 + s.n);
}

static void
ws_send(struct client *c, struct eio_bytes packet)
{
	send_frame(c, WS_TEXT, packet);
}

static bool
is_control(const struct ws *w)
{
	return w->opcode >= WS_CLOSE;
}

static unsigned
head_length(const struct ws *w)
{
	unsigned n = w->head[1] & 0x7f;

	if (w->head_n < 2 || n < 126) return 2;
	return n == 126 ? 4 : 10;
}

static void
frame_begins(struct client *c)
{
	struct ws *w = &c->ws;
	unsigned opcode = w->head[0] & 0x0f, n = head_length(w), extension = w->head[0] & 0x70;

	w->left = n == 2 ? w->head[1] & 0x7f : 0;
	for (unsigned i = 2; i < n; i++) w->left = w->left << 8 | w->head[i];
	w->fin = w->head[0] & 0x80;
	w->in_payload = true;
	w->head_n = 0;
	c->counts.frames++;
	if ((extension && !(extension == 0x40 && w->deflate)) || (w->head[1] & 0x80)) {
		load_fail(c, "a WebSocket frame with a mask or an extension's bit came");
		return;
	}
	/* Opcode 0 goes on with the packet before. A control frame among its pieces would disturb it: no server does
	 * that. */
	if (opcode) w->opcode = (uint8_t)opcode;
	if (opcode != WS_TEXT && opcode != WS_BINARY) return;
	w->compressed = extension;
	packet_begin(c, opcode == WS_BINARY);
}

static void
inflate_packet(struct client *c)
{
	struct eio_bytes message;

	if (eio_buf_failed(&c->ws.deflated) || !inflate_message(eio_buf_bytes(&c->ws.deflated), &message)) {
		load_fail(c, "a message cannot be inflated");
		return;
	}
	packet_piece(c, message.p, message.n);
	eio_buf_clear(&c->ws.deflated);
}

static void
frame_ends(struct client *c)
{
	c->ws.in_payload = false;
	switch (c->ws.opcode) {
	case WS_CLOSE: load_fail(c, "the server closed the WebSocket"); break;
	case WS_PING: send_frame(c, WS_PONG, eio_bytes(NULL, 0)); break;
	case WS_PONG: break;
	default:
		if (!c->ws.fin) break;
		if (c->ws.compressed) inflate_packet(c);
		packet_end(c);
	}
}

static void
ws_take_frames(struct client *c, const char *p, size_t n)
{
	struct ws *w = &c->ws;
	size_t k;

	while (n > 0 && c->state != CLIENT_CLOSED) {
		if (!w->in_payload) {
			w->head[w->head_n++] = (unsigned char)*p++;
			n--;
			if (w->head_n < 2 || w->head_n < head_length(w)) continue;
			frame_begins(c);
		}
		k = n < w->left ? n : (size_t)w->left;
		if (k > 0 && !is_control(w)) {
			if (w->compressed)
				eio_buf_append(&w->deflated, p, k);
			else
				packet_piece(c, p, k);
		}
		p += k;
		n -= k;
		w->left -= k;
		if (w->left == 0 && c->state != CLIENT_CLOSED) frame_ends(c);
	}
}

/* A context that goes on from message to message would ask for a window of memory for each client; it is not
 * offered. */
static void
ws_agree(struct client *c, struct eio_bytes head)
{
	if (!load.deflate || !memmem(head.p, head.n, EXTENSION, sizeof EXTENSION - 1)) return;
	if (!memmem(head.p, head.n, NO_CONTEXT, sizeof NO_CONTEXT - 1)) {
		load_fail(c, "the server insists on compressing with a context");
		return;
	}
	c->ws.deflate = true;
	load.deflating++;
}

/* The connection is open. One that was there before is probed, which asks for an answer before it may be used. */
static void
open_ws(struct client *c)
{
	c->ws.open = true;
	if (load.raw) packets_enter(c);
	if (c->ws.link == LINK_SIDE) ws_send(c, EIO_LIT("2probe"));
}

static void
ws_handshake(struct client *c, const char *p, size_t n)
{
	struct eio_buf answer;
	struct eio_bytes s;
	char *end;
	size_t head;

	eio_buf_append(&c->ws.http, p, n);
	s = eio_buf_bytes(&c->ws.http);
	if (eio_buf_failed(&c->ws.http) || s.n > HTTP_HEAD_MAX) {
		load_fail(c, "the answer to the WebSocket handshake is too long");
		return;
	}
	end = memmem(s.p, s.n, "\r\n\r\n", 4);
	if (!end) return;
	head = (size_t)(end - s.p) + 4;
	if (!eio_bytes_starts(s, EIO_LIT("HTTP/1.1 101 "))) {
		load_fail(c, "the WebSocket handshake was answered: %.*s", (int)((char *)memchr(s.p, '\r', head) - s.p),
			s.p);
		return;
	}
	answer = c->ws.http;
	eio_buf_init(&c->ws.http);
	ws_agree(c, eio_bytes(s.p, head));
	open_ws(c);
	ws_take_frames(c, s.p + head, s.n - head);
	eio_buf_deinit(&answer);
}

static void
ws_input(struct client *c, const char *p, size_t n)
{
	if (c->ws.open)
		ws_take_frames(c, p, n);
	else
		ws_handshake(c, p, n);
}

static void
ws_reset(struct client *c)
{
	eio_buf_deinit(&c->ws.http);
	eio_buf_deinit(&c->ws.deflated);
}

const struct transport transport_ws = { .start = ws_start, .input = ws_input, .send = ws_send, .reset = ws_reset };
