/* SPDX-License-Identifier: MIT */
/* An Engine.IO server and its clients. */
#define _GNU_SOURCE
#include "tests/unit/eio_net/served.h"

#include "eio/net/carrier.h"
#include "tests/unit/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const struct eio_deflate deflates = { .on = true, .threshold = 1024, .level = 3, .window_bits = 15 };

const char broken[] = "X-Broken: yes\r\n";
static bool breaks;

void
end_session(struct eio_socket *s, enum ending ending)
{
	if (ending == CLOSE) eio_socket_close(s);
	if (ending == DISCARD) eio_socket_discard(s);
}

static void
on_open(void *user, struct eio_socket *s)
{
	struct test *t = user;

	t->sockets[t->n] = s;
	t->opened++;
	end_session(s, t->at_open);
}

static void
on_message(void *user, struct eio_socket *s, bool binary, struct eio_bytes data)
{
	(void)binary;
	(void)data;
	end_session(s, ((struct test *)user)->at_message);
}

static void
on_close(void *user, struct eio_socket *s, enum eio_reason reason)
{
	struct test *t = user;

	(void)s;
	(void)reason;
	t->closed++;
}

void
start_with(struct test *t, struct eio_deflate ws_deflate, unsigned ping_interval)
{
	struct eio_server_handler handler = { .open = on_open, .message = on_message, .close = on_close, .user = t };

	*t = (struct test){ .options = { .path = "/engine.io/",
				    .ping_interval = ping_interval,
				    .ping_timeout = TIMEOUT,
				    .upgrade_timeout = 10000,
				    .max_payload = 1000,
				    .polling = true,
				    .websocket = true,
				    .allow_upgrades = true,
				    .ws_deflate = ws_deflate,
				    .count = 1 } };
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->server = eio_server_new(&t->loop, &t->clock, &t->options, &handler);
	assert_non_null(t->server);
}

void
start(struct test *t)
{
	start_with(t, (struct eio_deflate){ 0 }, DAY);
}

void
reflect_origins(struct test *t)
{
	t->options.cors.origin = EIO_CORS_REFLECT;
	eio_server_change(t->server, eio_terms_new(t->server, &t->options));
}

void
turn(struct test *t)
{
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
	peer_await_opened(t->server);
}

void
finish(struct test *t)
{
	eio_server_shutdown(t->server);
	turn(t);
	for (unsigned i = 0; i < t->n; i++)
		if (t->peers[i] >= 0) close(t->peers[i]);
	eio_server_close(t->server);
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	assert_int_equal(t->closed, t->n);
	eio_server_free(t->server);
	assert_int_equal(uv_loop_close(&t->loop), 0);
}

struct eio_buf
receive(struct test *t, int peer, size_t n)
{
	struct eio_buf in;
	ssize_t k;

	eio_buf_init(&in);
	for (int i = 0; i < 5000 && in.n < n; i++) {
		assert_non_null(eio_buf_reserve(&in, 65536));
		k = recv(peer, in.p + in.n, 65536, MSG_DONTWAIT);
		if (k > 0) in.n += (size_t)k;
		if (in.n >= n) break;
		if (k <= 0) usleep(1000);
		turn(t);
	}
	assert_true(in.n >= n);
	return in;
}

int __real_eio__carrier_adopt(struct eio__carrier *c, struct eio__carried *s, int fd);
int __wrap_eio__carrier_adopt(struct eio__carrier *c, struct eio__carried *s, int fd);

int
__wrap_eio__carrier_adopt(struct eio__carrier *c, struct eio__carried *s, int fd)
{
	if (!breaks) return __real_eio__carrier_adopt(c, s, fd);
	close(fd);
	return -1;
}

int
request_websocket(struct test *t, const char *query, const char *headers, struct eio_bytes rest, int sndbuf)
{
	char target[200];
	int peer;

	snprintf(target, sizeof(target), "/engine.io/?EIO=4&transport=websocket%s", query);
	breaks = headers == broken;
	peer = peer_websocket(t->server, target, headers, rest, sndbuf);
	breaks = false;
	return peer;
}

void
connect_with(struct test *t, const char *headers, int sndbuf)
{
	struct eio_buf in;
	int peer = request_websocket(t, "", headers, eio_bytes("", 0), sndbuf);

	t->peers[t->n++] = peer;
	turn(t);
	in = receive(t, peer, 200);
	eio_buf_deinit(&in);
}

void
connect_one(struct test *t, int sndbuf)
{
	connect_with(t, "", sndbuf);
}

struct eio_bundle *
event(size_t n, char fill)
{
	char *data = malloc(n);
	struct eio_message m[2] = { { .data = EIO_LIT("51-[\"x\"]") }, { .binary = true, .data = { data, n } } };
	struct eio_bundle *b;

	memset(data, fill, n);
	b = eio_bundle_new(m, 2);
	free(data);
	assert_non_null(b);
	return b;
}

struct eio_bundle *
noise(size_t n)
{
	struct eio_message m = { .binary = true };
	uint64_t v = 88172645463325252;
	struct eio_bundle *b;
	char *data = malloc(n);

	for (size_t i = 0; i < n; i++) {
		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		data[i] = (char)(v >> 32);
	}
	m.data = eio_bytes(data, n);
	b = eio_bundle_new(&m, 1);
	free(data);
	assert_non_null(b);
	return b;
}

struct eio_exchange *
poll_with(struct test *t, const char *query, const char *headers)
{
	struct eio_exchange *ex;
	char target[200];

	snprintf(target, sizeof(target), "/engine.io/?EIO=4&transport=polling%s", query);
	ex = peer_request(t->server, target, headers, NULL);
	turn(t);
	return ex;
}

struct eio_exchange *
poll_from(struct test *t, const char *origin)
{
	char line[100];
	struct eio_exchange *ex;

	snprintf(line, sizeof(line), "Origin: %s\r\n", origin);
	ex = poll_with(t, "", line);
	t->peers[t->n++] = -1;
	assert_true(ex->answered);
	assert_int_equal(ex->response.status, 200);
	return ex;
}

bool
has_line(const struct eio_exchange *ex, const char *line)
{
	const struct eio_block *h = ex->response.headers;

	return memmem(h->data, h->n, line, strlen(line)) != NULL;
}
