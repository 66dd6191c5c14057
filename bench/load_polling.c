/* SPDX-License-Identifier: MIT */
/*
 * Engine.IO over long-polling: a GET is always out, except while a POST is. Both go over one keep-alive connection, one after
 * the other, so a client that answers a ping is without a GET for a moment, which a server must bear anyway.
 */
#include "bench/load.h"

#include "eio/base64.h"

#include <stdlib.h>
#include <strings.h>

enum { SEPARATOR = 0x1e };

/* Asks for the next packets, or posts what waits. */
static void
request(struct client *c)
{
	struct polling *w = &c->polling;
	const char *sid = w->sid[0] ? "&sid=" : "";
	struct eio_buf b;

	eio_buf_init(&b);
	eio_buf_printf(&b, "%s %s?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: %s\r\n", w->out.n ? "POST" : "GET",
		load.path, sid, w->sid, load.host);
	if (w->out.n) eio_buf_printf(&b, "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n", w->out.n);
	EIO_BUF_ADD_LIT(&b, "\r\n");
	eio_buf_add(&b, eio_buf_bytes(&w->out));
	eio_buf_clear(&w->out);
	if (eio_buf_failed(&b))
		load_fail(c, "out of memory");
	else
		load_send(c, b.p, b.n);
	eio_buf_deinit(&b);
}

static void
start(struct client *c)
{
	c->state = CLIENT_OPENING;
	request(c);
}

/* Sent when the answer that is being read has been read. */
static void
send_packet(struct client *c, struct eio_bytes packet)
{
	if (c->polling.out.n) eio_buf_addc(&c->polling.out, SEPARATOR);
	eio_buf_add(&c->polling.out, packet);
}

/* The session's id out of the open packet. */
static void
take_sid(struct client *c, struct eio_bytes s)
{
	static const char name[] = "\"sid\":\"";
	const char *p = memmem(s.p, s.n, name, sizeof(name) - 1), *end;

	if (p) p += sizeof(name) - 1;
	end = p ? memchr(p, '"', s.n - (size_t)(p - s.p)) : NULL;
	if (!end || (size_t)(end - p) >= sizeof(c->polling.sid)) {
		load_fail(c, "no session id came");
		return;
	}
	memcpy(c->polling.sid, p, (size_t)(end - p));
}

static void
packet(struct client *c, char *p, size_t n)
{
	ssize_t decoded;
	bool binary = n > 0 && p[0] == 'b';

	if (binary) {
		decoded = eio_base64_decode(p + 1, eio_bytes(p + 1, n - 1));
		if (decoded < 0) {
			load_fail(c, "a packet is not base64");
			return;
		}
		p++;
		n = (size_t)decoded;
	} else if (n > 0 && p[0] == '0') {
		take_sid(c, eio_bytes(p, n));
		if (c->state == CLIENT_CLOSED) return;
	}
	packet_begin(c, binary);
	packet_piece(c, p, n);
	packet_end(c);
}

static void
payload(struct client *c, char *p, size_t n)
{
	char *end = p + n, *next;

	c->counts.frames++;
	for (; p <= end && c->state != CLIENT_CLOSED; p = next + 1) {
		next = p < end ? memchr(p, SEPARATOR, (size_t)(end - p)) : NULL;
		if (!next) next = end;
		packet(c, p, (size_t)(next - p));
	}
}

/* The value of Content-Length in the header block, or -1. */
static long
content_length(const char *head, size_t n)
{
	static const char name[] = "\r\nContent-Length:";

	for (const char *p = head; (p = memchr(p, '\r', n - (size_t)(p - head))) != NULL; p++)
		if (n - (size_t)(p - head) > sizeof(name) && strncasecmp(p, name, sizeof(name) - 1) == 0)
			return strtol(p + sizeof(name) - 1, NULL, 10);
	return -1;
}

static void
input(struct client *c, const char *p, size_t n)
{
	struct polling *w = &c->polling;
	char *end;
	size_t head;
	long length;

	eio_buf_append(&w->in, p, n);
	if (eio_buf_failed(&w->in)) {
		load_fail(c, "out of memory");
		return;
	}
	end = memmem(w->in.p, w->in.n, "\r\n\r\n", 4);
	if (!end) return;
	head = (size_t)(end - w->in.p) + 4;
	if (!eio_bytes_starts(eio_buf_bytes(&w->in), EIO_LIT("HTTP/1.1 200 "))) {
		load_fail(c, "a request was answered: %.*s", (int)(strchr(w->in.p, '\r') - w->in.p), w->in.p);
		return;
	}
	length = content_length(w->in.p, head);
	if (length < 0) {
		load_fail(c, "an answer without Content-Length came");
		return;
	}
	if (w->in.n < head + (size_t)length) return;
	/* The answer to a POST is "ok". */
	if (length != 2 || memcmp(w->in.p + head, "ok", 2) != 0) payload(c, w->in.p + head, (size_t)length);
	if (c->state == CLIENT_CLOSED) return;
	eio_buf_clear(&w->in);
	request(c);
}

static void
reset(struct client *c)
{
	eio_buf_deinit(&c->polling.in);
	eio_buf_deinit(&c->polling.out);
}

const struct transport transport_polling = { .start = start, .input = input, .send = send_packet, .reset = reset };
