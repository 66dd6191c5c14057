/* SPDX-License-Identifier: MIT */
/* Frames of WebSockets, packets of Engine.IO and of Socket.IO, as a client meets them. */
#include "src/tools/page.h"

#include "eio/base64.h"
#include "eio/net/random.h"
#include "sio/json.h"
#include "src/tools/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
	OPCODE_TEXT = 1,
	OPCODE_BINARY = 2,
	OPCODE_CLOSE = 8,
	OPCODE_PING = 9,
	OPCODE_PONG = 10,
	MOST_BYTES = 256 << 20, /* of one message */
};

struct page {
	struct page_options options;
	struct wire *wire;
	struct eio_random random;
	struct eio_buf in; /* what came and was not taken */
	size_t taken; /* of it, which goes when the next is read */
	struct eio_buf message; /* put together of its frames */
	unsigned char opcode; /* of the message */
	struct eio_buf name, arguments, attachments; /* of the event at hand */
	size_t awaited, got; /* attachments */
	bool joined;
	char why[300];
};

static int
fail_page(struct page *p, const char *why)
{
	if (!*p->why) snprintf(p->why, sizeof p->why, "%s", why);
	return -1;
}

/* Frames */

static int
send_page_frame(struct page *p, unsigned char opcode, struct eio_bytes data)
{
	const unsigned char *mask = eio_random_take(&p->random, 4);
	struct eio_buf b = { 0 };
	int err;

	eio_buf_addc(&b, (char)(0x80 | opcode));
	if (data.n < 126) {
		eio_buf_addc(&b, (char)(0x80 | data.n));
	} else {
		unsigned bytes = data.n < 65536 ? 2 : 8;

		eio_buf_addc(&b, (char)(0x80 | (bytes == 2 ? 126 : 127)));
		for (unsigned i = bytes; i-- > 0;) eio_buf_addc(&b, (char)((uint64_t)data.n >> (8 * i)));
	}
	eio_buf_append(&b, mask, 4);
	for (size_t i = 0; i < data.n; i++) eio_buf_addc(&b, (char)((unsigned char)data.p[i] ^ mask[i % 4]));
	err = eio_buf_failed(&b) ? -1 : wire_send(p->wire, eio_buf_bytes(&b));
	eio_buf_deinit(&b);
	return err ? fail_page(p, "it cannot be written to any more") : 0;
}

static int
send_text(struct page *p, const char *type, struct eio_bytes rest)
{
	struct eio_buf b = { 0 };
	int err;

	eio_buf_add(&b, eio_cstr(type));
	eio_buf_add(&b, rest);
	err = eio_buf_failed(&b) ? fail_page(p, "out of memory") : send_page_frame(p, OPCODE_TEXT, eio_buf_bytes(&b));
	eio_buf_deinit(&b);
	return err;
}

struct page_frame {
	unsigned char opcode;
	bool final;
	struct eio_bytes data;
};

/* The next frame, when all of it is there: its length with the header, or 0. */
static size_t
cut_frame(struct eio_bytes in, struct page_frame *f)
{
	const unsigned char *h = (const unsigned char *)in.p;
	size_t head = 2;
	uint64_t n;

	if (in.n < head) return 0;
	n = h[1] & 0x7f;
	if (n >= 126) {
		size_t bytes = n == 126 ? 2 : 8;

		head += bytes;
		if (in.n < head) return 0;
		n = 0;
		for (size_t i = 0; i < bytes; i++) n = n << 8 | h[2 + i];
	}
	if (n > MOST_BYTES || in.n - head < n) return 0;
	f->opcode = h[0] & 0x0f;
	f->final = h[0] & 0x80;
	f->data = eio_bytes(in.p + head, (size_t)n);
	return head + (size_t)n;
}

/* A message that is complete: 1; 0: none; -1. Control frames are answered. */
static int
take_page_frame(struct page *p)
{
	struct page_frame f;
	size_t n = cut_frame(eio_bytes(p->in.p + p->taken, p->in.n - p->taken), &f);

	if (!n) return 0;
	p->taken += n;
	switch (f.opcode) {
	case OPCODE_CLOSE: return fail_page(p, "the server closed the WebSocket");
	case OPCODE_PING: return send_page_frame(p, OPCODE_PONG, f.data) ? -1 : 2;
	case OPCODE_PONG: return 2;
	}
	if (f.opcode) {
		eio_buf_clear(&p->message);
		p->opcode = f.opcode;
	}
	eio_buf_add(&p->message, f.data);
	if (eio_buf_failed(&p->message)) return fail_page(p, "out of memory");
	return f.final ? 1 : 2;
}

/* The next message: 1; 0: none in that time; -1. */
static int
read_page_message(struct page *p, unsigned timeout_ms)
{
	uint64_t end_ns = uv_hrtime() + (uint64_t)timeout_ms * 1000000, now_ns;
	int got;

	for (;;) {
		do {
			got = take_page_frame(p);
		} while (got == 2);
		if (got) return got;
		memmove(p->in.p, p->in.p + p->taken, p->in.n - p->taken);
		p->in.n -= p->taken;
		p->taken = 0;
		now_ns = uv_hrtime();
		got = wire_receive(p->wire, &p->in, now_ns < end_ns ? (unsigned)((end_ns - now_ns) / 1000000) : 0);
		if (got < 0 || eio_buf_failed(&p->in)) return fail_page(p, "the connection was closed");
		if (got == 0 && uv_hrtime() >= end_ns) return 0;
	}
}

/* Packets */

/* Splits "2/nsp,7[…]" or "51-…": the packet's own namespace is the only one there is. */
static struct eio_bytes
skip_head(struct page *p, struct eio_bytes packet)
{
	size_t i = 1, attachments = 0;

	if (packet.p[0] == '5')
		for (; i < packet.n && packet.p[i] >= '0' && packet.p[i] <= '9'; i++)
			attachments = attachments * 10 + (size_t)(packet.p[i] - '0');
	if (i < packet.n && packet.p[i] == '-') i++;
	if (i < packet.n && packet.p[i] == '/')
		while (i < packet.n && packet.p[i++] != ',') {
		}
	while (i < packet.n && packet.p[i] >= '0' && packet.p[i] <= '9') i++;
	p->awaited = attachments;
	return eio_bytes(packet.p + i, packet.n - i);
}

static int
take_event_packet(struct page *p, struct eio_bytes packet)
{
	struct eio_bytes json = skip_head(p, packet), name, rest;
	struct sio_json_iter it;

	if (sio_json_check(json) || sio_json_kind(json) != SIO_JSON_ARRAY) return fail_page(p, "an event is no list");
	it = sio_json_iter(json);
	if (!sio_json_next(&it, NULL, &name) || sio_json_kind(name) != SIO_JSON_STRING)
		return fail_page(p, "an event has no name");
	rest = eio_bytes(name.p + name.n, (size_t)(json.p + json.n - (name.p + name.n)));
	while (rest.n && rest.p[rest.n - 1] != ']') rest.n--;
	if (rest.n) rest.n--;
	if (rest.n && *rest.p == ',') rest = eio_bytes(rest.p + 1, rest.n - 1);
	eio_buf_clear(&p->name);
	eio_buf_clear(&p->arguments);
	eio_buf_clear(&p->attachments);
	sio_json_unescape(&p->name, name);
	eio_buf_add(&p->arguments, rest);
	p->got = 0;
	return p->awaited ? 0 : 1;
}

/* Of Socket.IO. 1: an event is complete; 0; -1. */
static int
take_packet(struct page *p, struct eio_bytes packet)
{
	if (!packet.n) return 0;
	switch (packet.p[0]) {
	case '0': p->joined = true; return 0;
	case '1': return fail_page(p, "the server disconnected it");
	case '2':
	case '5': return take_event_packet(p, packet);
	case '4':
		packet = skip_head(p, packet);
		snprintf(p->why, sizeof p->why, "the server refuses: %.*s", (int)packet.n, packet.p);
		return -1;
	}
	return 0;
}

static int
join_namespace(struct page *p)
{
	struct eio_buf b = { 0 };
	int err;

	if (strcmp(p->options.nsp, "/") != 0) eio_buf_printf(&b, "%s,", p->options.nsp);
	if (p->options.auth) eio_buf_add(&b, eio_cstr(p->options.auth));
	err = send_text(p, "40", eio_buf_bytes(&b));
	eio_buf_deinit(&b);
	return err;
}

/* Of Engine.IO, and what is in it. 1: an event is complete; 0; -1. */
static int
take_page_message(struct page *p)
{
	struct eio_bytes m = eio_buf_bytes(&p->message);

	if (p->opcode == OPCODE_BINARY) {
		eio_buf_add(&p->attachments, m);
		return p->awaited && ++p->got == p->awaited ? 1 : 0;
	}
	if (!m.n) return 0;
	switch (m.p[0]) {
	case '0': return join_namespace(p);
	case '1': return fail_page(p, "the server closed the session");
	case '2': return send_text(p, "3", eio_bytes(m.p + 1, m.n - 1));
	case '4': return take_packet(p, eio_bytes(m.p + 1, m.n - 1));
	}
	return 0;
}

/* Beginning */

/* The URL with the endpoint's path, and without a query of its own. */
static void
write_page_url(const struct page_options *o, struct eio_buf *out)
{
	const char *host = strstr(o->url, "://"), *path = host ? strchr(host + 3, '/') : NULL;
	size_t n = path ? (size_t)(path - o->url) : strlen(o->url);

	eio_buf_append(out, o->url, n);
	eio_buf_add(out, eio_cstr(path && path[1] ? path : o->path));
	eio_buf_add(out, path && strchr(path, '?') ? EIO_LIT("&") : EIO_LIT("?"));
	EIO_BUF_ADD_LIT(out, "EIO=4&transport=websocket");
	eio_buf_addc(out, '\0');
}

static int
send_handshake(struct page *p, const char *url)
{
	const char *host = strstr(url, "://") + 3, *path = strchr(host, '/');
	char key[32];
	struct eio_buf b = { 0 };
	size_t n = eio_base64_encode(key, eio_bytes((const char *)eio_random_take(&p->random, 16), 16));
	int err;

	eio_buf_printf(&b,
		"GET %s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.*s\r\n\r\n",
		path, (int)(path - host), host, (int)n, key);
	err = eio_buf_failed(&b) ? -1 : wire_send(p->wire, eio_buf_bytes(&b));
	eio_buf_deinit(&b);
	return err ? fail_page(p, "it cannot be written to") : 0;
}

/* Reads the answer's head, which leaves what follows it. */
static int
read_handshake(struct page *p, uint64_t end_ns)
{
	const char *end = NULL;
	uint64_t now_ns;
	int got;

	while (!(end = p->in.n ? memmem(p->in.p, p->in.n, "\r\n\r\n", 4) : NULL)) {
		now_ns = uv_hrtime();
		if (now_ns >= end_ns) return fail_page(p, "no answer to the handshake");
		got = wire_receive(p->wire, &p->in, (unsigned)((end_ns - now_ns) / 1000000) + 1);
		if (got < 0 || eio_buf_failed(&p->in))
			return fail_page(p, "the connection was closed during the handshake");
	}
	if (p->in.n < 12 || memcmp(p->in.p, "HTTP/1.1 101", 12) != 0) {
		snprintf(p->why, sizeof p->why, "no WebSocket: %.*s", (int)strcspn(p->in.p, "\r\n"), p->in.p);
		return -1;
	}
	p->taken = (size_t)(end - p->in.p) + 4;
	return 0;
}

static int
begin_page(struct page *p, const char *url)
{
	const struct fetch f = { .url = url, .ca_file = p->options.ca_file, .timeout_ms = p->options.timeout_ms };
	uint64_t end_ns = uv_hrtime() + (uint64_t)p->options.timeout_ms * 1000000;
	int got = 0;

	p->wire = wire_open(&f, p->why, sizeof p->why);
	if (!p->wire || send_handshake(p, url) || read_handshake(p, end_ns)) return -1;
	while (!p->joined && uv_hrtime() < end_ns && got >= 0) {
		got = read_page_message(p, (unsigned)((end_ns - uv_hrtime()) / 1000000));
		if (got > 0) got = take_page_message(p);
	}
	return p->joined ? 0 : fail_page(p, "it did not get into the namespace in time");
}

struct page *
page_open(const struct page_options *options, char *why, size_t why_size)
{
	struct page *p = calloc(1, sizeof *p);
	struct eio_buf url = { 0 };
	int err = -1;

	if (p) {
		p->options = *options;
		write_page_url(options, &url);
		if (!strstr(options->url, "://"))
			fail_page(p, "a URL begins with http:// or https://");
		else
			err = eio_buf_failed(&url) ? fail_page(p, "out of memory") : begin_page(p, url.p);
	}
	eio_buf_deinit(&url);
	if (!err) return p;
	snprintf(why, why_size, "%s", p ? p->why : "out of memory");
	page_close(p);
	return NULL;
}

void
page_close(struct page *p)
{
	if (!p) return;
	wire_close(p->wire);
	eio_buf_deinit(&p->in);
	eio_buf_deinit(&p->message);
	eio_buf_deinit(&p->name);
	eio_buf_deinit(&p->arguments);
	eio_buf_deinit(&p->attachments);
	free(p);
}

int
page_emit(struct page *p, struct eio_bytes list)
{
	struct eio_buf b = { 0 };
	int err;

	if (strcmp(p->options.nsp, "/") != 0) eio_buf_printf(&b, "%s,", p->options.nsp);
	eio_buf_add(&b, list);
	err = send_text(p, "42", eio_buf_bytes(&b));
	eio_buf_deinit(&b);
	return err;
}

int
page_next(struct page *p, unsigned timeout_ms, struct page_event *out)
{
	uint64_t end_ns = uv_hrtime() + (uint64_t)timeout_ms * 1000000, now_ns;
	int got;

	do {
		now_ns = uv_hrtime();
		got = read_page_message(p, now_ns < end_ns ? (unsigned)((end_ns - now_ns) / 1000000) : 0);
		if (got <= 0) return got;
		got = take_page_message(p);
	} while (got == 0);
	if (got < 0) return -1;
	*out = (struct page_event){
		.name = eio_buf_bytes(&p->name),
		.arguments = eio_buf_bytes(&p->arguments),
		.attachments = eio_buf_bytes(&p->attachments),
		.n_attachments = p->awaited,
	};
	return 1;
}

const char *
page_why(const struct page *p)
{
	return p->why;
}
