/* SPDX-License-Identifier: MIT */
/* An EventSource: one GET whose answer goes on, in lines, of which those that begin with "data: " are messages. */
#include "bench/load.h"

static void
sse_start(struct client *c)
{
	struct eio_buf b;

	eio_buf_init(&b);
	eio_buf_printf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", load.path, load.host);
	if (eio_buf_failed(&b))
		load_fail(c, "out of memory");
	else
		load_send(c, LINK_MAIN, b.p, b.n);
	eio_buf_deinit(&b);
}

/* Takes complete lines off the front of what has come. */
static void
sse_take_lines(struct client *c, struct eio_buf *in)
{
	static const char data[] = "data: ";
	const char *p = in->p, *end = p + in->n, *eol;

	for (; p < end && (eol = memchr(p, '\n', (size_t)(end - p))) != NULL; p = eol + 1) {
		if ((size_t)(eol - p) < sizeof data - 1 || memcmp(p, data, sizeof data - 1) != 0) continue;
		c->counts.frames++;
		packet_begin(c, true);
		packet_piece(c, p + sizeof data - 1, (size_t)(eol - p) - (sizeof data - 1));
		packet_end(c);
	}
	in->n = (size_t)(end - p);
	if (in->n > 0) memmove(in->p, p, in->n);
}

static void
sse_input(struct client *c, const char *p, size_t n)
{
	struct http *h = &c->polling.http;
	struct eio_buf *in = &c->polling.out;

	switch (http_stream(h, p, n, in)) {
	case HTTP_MORE: return;
	case HTTP_BAD: load_fail(c, "the answer cannot be read"); return;
	case HTTP_DONE: break;
	}
	if (h->status != 200 || eio_buf_failed(in)) {
		load_fail(c, "the request was answered with status %d", h->status);
		return;
	}
	packets_enter(c);
	if (in->n > 0) sse_take_lines(c, in);
}

static void
send_nothing(struct client *c, struct eio_bytes packet)
{
	(void)c;
	(void)packet;
}

static void
sse_reset(struct client *c)
{
	http_deinit(&c->polling.http);
	eio_buf_deinit(&c->polling.out);
}

const struct transport transport_sse = {
	.start = sse_start,
	.input = sse_input,
	.send = send_nothing,
	.reset = sse_reset,
};
