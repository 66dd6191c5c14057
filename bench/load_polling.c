/* SPDX-License-Identifier: MIT */
/*
 * Engine.IO over long-polling: a GET is always out, except while a POST is. Both go over one keep-alive connection, one
 * after the other, so a client that answers a ping is without a GET for a moment, which a server must bear anyway. What
 * a client has to say while its GET is held goes by a connection made for that.
 *
 * A client that upgrades probes its WebSocket meanwhile. When that is answered no more GETs are sent, and once the last
 * has been answered the client says "5" on the WebSocket and stays there.
 */
#include "bench/load.h"

#include "bench/bench.h"

/* Writes a GET, or a POST of what waits. As those of browsers it has a t that no other has. */
static void
polling_request(struct client *c, enum client_link link, bool post)
{
	static unsigned requests;
	struct polling *w = &c->polling;
	struct eio_buf b;

	eio_buf_init(&b);
	eio_buf_printf(&b, "%s %s?EIO=%u&transport=polling&t=%08x%s%s%s HTTP/1.1\r\nHost: %s\r\n",
		post ? "POST" : "GET", load.path, load.eio, requests++, load.b64 ? "&b64=1" : "",
		c->sid[0] ? "&sid=" : "", c->sid, load.host);
	if (load.gzip) EIO_BUF_ADD_LIT(&b, "Accept-Encoding: gzip\r\n");
	if (post) eio_buf_printf(&b, "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n", w->out.n);
	EIO_BUF_ADD_LIT(&b, "\r\n");
	if (post) {
		eio_buf_add(&b, eio_buf_bytes(&w->out));
		eio_buf_clear(&w->out);
	}
	if (eio_buf_failed(&b))
		load_fail(c, "out of memory");
	else
		load_send(c, link, b.p, b.n);
	eio_buf_deinit(&b);
}

static void
polling_upgrade(struct client *c)
{
	load_close(c, LINK_MAIN);
	transport_polling.reset(c);
	c->transport = c->transport->next;
	c->transport->send(c, EIO_LIT("5"));
	packets_step(c);
}

/* The next request, when none is out. */
static void
polling_go_on(struct client *c)
{
	struct polling *w = &c->polling;

	w->posting = w->out.n > 0;
	if (w->stopping && !w->posting) {
		polling_upgrade(c);
		return;
	}
	w->waiting = true;
	polling_request(c, LINK_MAIN, w->posting);
}

/* The WebSocket has answered the probe; polling ends, and then the client goes on there. */
static void
polling_stop(struct client *c)
{
	c->polling.stopping = true;
	if (!c->polling.waiting && !c->connecting[LINK_MAIN]) polling_go_on(c);
}

/* Sent when the answer that is being read has been read; at once, when there is none and none can be expected soon. */
static void
polling_send(struct client *c, struct eio_bytes packet)
{
	struct polling *w = &c->polling;

	payload_append(&w->out, packet);
	if (w->waiting && !w->posting && c->fd[LINK_SIDE] < 0) load_connect(c, LINK_SIDE, &transport_aside);
}

/* Returns false when there is no complete answer yet, or the client was closed. */
static bool
read_answer(struct client *c, struct http *h, const char *p, size_t n)
{
	switch (http_input(h, p, n)) {
	case HTTP_MORE: return false;
	case HTTP_BAD: load_fail(c, "an answer cannot be read: %.*s", (int)(n < 80 ? n : 80), p); return false;
	case HTTP_DONE: break;
	}
	if (h->status == 200) return true;
	load_fail(c, "a request was answered with status %d: %.*s", h->status, (int)(h->body_n < 80 ? h->body_n : 80),
		h->body);
	return false;
}

static void
polling_input(struct client *c, const char *p, size_t n)
{
	struct polling *w = &c->polling;
	bool close;

	if (!read_answer(c, &w->http, p, n)) return;
	w->waiting = false;
	if (!w->posting) {
		c->counts.frames++;
		payload_input(c, w->http.body, w->http.body_n);
	}
	if (c->state == CLIENT_CLOSED || c->transport != &transport_polling) return;
	close = w->http.close;
	http_next(&w->http);
	if (close) {
		load_close(c, LINK_MAIN);
		load_connect(c, LINK_MAIN, &transport_polling);
	} else {
		polling_go_on(c);
	}
}

static void
polling_reset(struct client *c)
{
	http_deinit(&c->polling.http);
	http_deinit(&c->polling.aside);
	eio_buf_deinit(&c->polling.out);
}

const struct transport transport_polling = {
	.start = polling_go_on,
	.input = polling_input,
	.send = polling_send,
	.reset = polling_reset,
	.next = &transport_ws,
	.probed = polling_stop,
};

/* The POST beside the held GET. */

static void
aside_start(struct client *c)
{
	/* The GET may have been answered meanwhile, and the packets posted there. */
	if (c->polling.out.n > 0)
		polling_request(c, LINK_SIDE, true);
	else
		load_close(c, LINK_SIDE);
}

static void
aside_input(struct client *c, const char *p, size_t n)
{
	struct polling *w = &c->polling;

	if (!read_answer(c, &w->aside, p, n)) return;
	http_next(&w->aside);
	load_close(c, LINK_SIDE);
	if (w->out.n > 0 && w->waiting && !w->posting) load_connect(c, LINK_SIDE, &transport_aside);
}

const struct transport transport_aside = {
	.start = aside_start, .input = aside_input, .send = polling_send, .reset = polling_reset
};
