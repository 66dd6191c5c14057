/* SPDX-License-Identifier: MIT */
/* See peer.h. */
#define _GNU_SOURCE
#include "tests/unit/peer.h"

#include "eio/net/server_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_HEAD = 16384, MAX_BODY = 1000000 };

/* Parses a request, which must be whole; the text is given back. */
static struct eio_request *
parse(struct eio_buf *text, enum eio_http_result expected)
{
	struct eio_http *http = eio_http_new(MAX_HEAD, MAX_BODY);
	struct eio_request *req;
	size_t used;

	assert_false(eio_buf_failed(text));
	assert_int_equal(eio_http_feed(http, text->p, text->n, &used), expected);
	req = eio_http_take(http);
	eio_http_free(http);
	eio_buf_deinit(text);
	return req;
}

struct eio_upgrade *
peer_upgrade(const char *target, const char *headers, struct eio_bytes rest, int sndbuf, int *peer)
{
	struct eio_upgrade *up = calloc(1, sizeof(*up));
	struct eio_buf text;
	int fds[2];

	/* Not TCP: there a busy machine delivers late what was sent, and tries a full window again after seconds. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	if (sndbuf) setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	eio_buf_init(&text);
	eio_buf_printf(&text,
		"GET %s HTTP/1.1\r\nHost: -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
		target, headers);
	up->fd = fds[0];
	up->req = parse(&text, EIO_HTTP_UPGRADE);
	eio_buf_add(&up->rest, rest);
	*peer = fds[1];
	return up;
}

int
peer_websocket(struct eio_server *s, const char *target, const char *headers, struct eio_bytes rest, int sndbuf)
{
	int peer;

	eio_server_upgrade(s, peer_upgrade(target, headers, rest, sndbuf, &peer));
	return peer;
}

void
peer_await_opened(const struct eio_server *s)
{
	/* UV_RUN_ONCE would have the timer at its beginning, and then wait for whatever comes next, such as a day. */
	while (!eio_list_empty(&s->opening) || !eio_list_empty(&s->opened)) {
		uv_run(s->loop, UV_RUN_NOWAIT);
		uv_sleep(1);
	}
	uv_run(s->loop, UV_RUN_NOWAIT);
}

/* Keeps the answer where the test can look at it. */
static void
keep_answer(struct eio_exchange *ex)
{
	(void)ex;
}

struct eio_exchange *
peer_request(struct eio_server *s, const char *target, const char *headers, const char *body)
{
	struct eio_exchange *ex = calloc(1, sizeof(*ex));
	struct eio_buf text;

	eio_buf_init(&text);
	eio_buf_printf(&text, "%s %s HTTP/1.1\r\nHost: -\r\n%s", body ? "POST" : "GET", target, headers);
	if (body) eio_buf_printf(&text, "Content-Type: text/plain\r\nContent-Length: %zu\r\n", strlen(body));
	eio_buf_printf(&text, "\r\n%s", body ? body : "");
	atomic_init(&ex->refs, 1);
	ex->req = parse(&text, EIO_HTTP_COMPLETE);
	ex->respond = keep_answer;
	eio_server_exchange(s, ex, EIO_STAGE_COMPLETE);
	return ex;
}
