/* SPDX-License-Identifier: MIT */
/*
 * The Engine.IO server on real sockets, without HTTP in front: what a broadcast
 * to WebSockets does at once and what it leaves for later, when first pings are due,
 * and what answers to polls share.
 */
#define _GNU_SOURCE
#include "eio/net/server_int.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLIENTS = 40, SESSIONS = 2000, INTERVAL = 25000, TIMEOUT = 20000 };

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_server_options options;
	struct eio_server *server;
	struct eio_socket *sockets[CLIENTS];
	int peers[CLIENTS];
	unsigned n, closed;
};

static void
on_open(void *user, struct eio_socket *s)
{
	struct test *t = user;

	t->sockets[t->n] = s;
}

static void
on_message(void *user, struct eio_socket *s, bool binary, struct eio_bytes data)
{
	(void)user;
	(void)s;
	(void)binary;
	(void)data;
}

static void
on_close(void *user, struct eio_socket *s, enum eio_reason reason)
{
	struct test *t = user;

	(void)s;
	(void)reason;
	t->closed++;
}

static void
start(struct test *t)
{
	struct eio_server_handler handler = { .open = on_open, .message = on_message, .close = on_close, .user = t };

	*t = (struct test){ .options = { .path = "/engine.io/",
				    .ping_interval = INTERVAL,
				    .ping_timeout = TIMEOUT,
				    .upgrade_timeout = 10000,
				    .max_payload = 1000,
				    .polling = true,
				    .websocket = true,
				    .count = 1 } };
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->server = eio_server_new(&t->loop, &t->clock, &t->options, &handler);
	assert_non_null(t->server);
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
}

static void
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

static void
make_pair(int fds[2])
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(sa);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(l, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&sa, &n), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&sa, n), 0);
	fds[0] = accept(l, NULL, NULL);
	assert_true(fds[0] >= 0);
	close(l);
}

/* What a client has, waiting for n bytes of it. */
static struct eio_buf
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

/* A client connects by WebSocket and has its open packet. sndbuf: of the server's end, 0 for the system's own. */
static void
connect_one(struct test *t, int sndbuf)
{
	static const char request[] = "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: -\r\n"
				      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	struct eio_http *http = eio_http_new(16384, 1000);
	struct eio_upgrade *up = calloc(1, sizeof(*up));
	struct eio_buf in;
	size_t used;
	int fds[2];

	make_pair(fds);
	if (sndbuf) setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	assert_int_equal(eio_http_feed(http, request, sizeof(request) - 1, &used), EIO_HTTP_UPGRADE);
	up->fd = fds[0];
	up->req = eio_http_take(http);
	eio_http_free(http);
	eio_server_upgrade(t->server, up);
	t->peers[t->n++] = fds[1];
	turn(t);
	in = receive(t, fds[1], 200);
	eio_buf_deinit(&in);
}

static struct eio_bundle *
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

/* An idle WebSocket has the bytes when the call returns: no turn of the loop, nothing queued, no reference kept. */
static void
test_direct(void **state)
{
	struct eio_bundle *b = event(3000, 'd');
	struct eio_block *w = eio_bundle_wire(b, EIO_WIRE_WS);
	char in[4096];
	struct test t;

	(void)state;
	start(&t);
	for (int i = 0; i < CLIENTS; i++) connect_one(&t, 0);
	for (int i = 0; i < CLIENTS; i++) eio_socket_prefetch(t.sockets[i]);
	for (int i = 0; i < CLIENTS; i++) eio_socket_prefetch_rest(t.sockets[i]);
	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(eio_socket_send(t.sockets[i], b, NULL), EIO_SENT);
		assert_int_equal(recv(t.peers[i], in, sizeof(in), MSG_DONTWAIT), w->n);
		assert_memory_equal(in, w->data, w->n);
		assert_int_equal(eio_socket_queued(t.sockets[i]), 0);
		assert_null(t.sockets[i]->session.queue.ring);
	}
	assert_int_equal(eio_server_stats(t.server)->writes, 2 * CLIENTS);
	eio_bundle_unref(b);
	finish(&t);
}

/* A slow one gets the same bytes in the same order, whatever was written directly, kept by the WebSocket or queued. */
static void
test_slow(void **state)
{
	struct eio_bundle *b[4] = { event(3000000, 'a'), event(10, 'b'), event(200000, 'c'), event(10, 'd') };
	struct eio_buf in, all;
	struct test t;

	(void)state;
	start(&t);
	connect_one(&t, 4096);
	eio_buf_init(&all);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++) {
			struct eio_block *w = eio_bundle_wire(b[i], EIO_WIRE_WS);

			assert_int_equal(eio_socket_send(t.sockets[0], b[i], b), i ? EIO_SENT_QUEUED : EIO_SENT);
			eio_buf_append(&all, w->data, w->n);
		}
		*eio_socket_queue_mark(t.sockets[0]) = 7;
		assert_true(eio_socket_queued(t.sockets[0]) > 200000);
		in = receive(&t, t.peers[0], all.n);
		assert_int_equal(in.n, all.n);
		assert_memory_equal(in.p, all.p, all.n);
		turn(&t);
		assert_int_equal(eio_socket_queued(t.sockets[0]), 0);
		assert_int_equal(*eio_socket_queue_mark(t.sockets[0]), 0);
		eio_buf_deinit(&in);
		eio_buf_clear(&all);
	}
	for (int i = 0; i < 4; i++) eio_bundle_unref(b[i]);
	eio_buf_deinit(&all);
	finish(&t);
}

/* Sessions that begin at once are not pinged at once, and none of them late. */
static void
test_first_pings(void **state)
{
	struct eio_session_kind kind = { .transport = EIO_TRANSPORT_WEBSOCKET, .revision = 4 };
	static unsigned ticks[INTERVAL / EIO_WHEEL_TICK_MS + 2];
	unsigned used = 0, most = 0;
	struct test t;
	uint64_t now, at;

	(void)state;
	memset(ticks, 0, sizeof(ticks));
	start(&t);
	now = eio_clock_now(&t.clock);
	for (int i = 0; i < SESSIONS; i++) {
		at = eio_session_deadline(&eio__socket_new(t.server, &kind)->session) - now;
		assert_true(at >= INTERVAL - INTERVAL / 16 && at <= INTERVAL);
		if (ticks[at / EIO_WHEEL_TICK_MS]++ == 0) used++;
		if (ticks[at / EIO_WHEEL_TICK_MS] > most) most = ticks[at / EIO_WHEEL_TICK_MS];
	}
	/* 98 ticks, 20 sessions in each, were they spread evenly. */
	assert_true(used > 90);
	assert_true(most < 60);
	/* In revision 3 it is the client that pings. */
	kind.revision = 3;
	for (int i = 0; i < 100; i++) {
		at = eio_session_deadline(&eio__socket_new(t.server, &kind)->session) - now;
		assert_int_equal(at, INTERVAL + TIMEOUT);
	}
	finish(&t);
}

/* Keeps the answer where the test can look at it. */
static void
keep_answer(struct eio_exchange *ex)
{
	(void)ex;
}

/* A handshake by polling from an origin. Gives its exchange, answered, with one reference. */
static struct eio_exchange *
poll_from(struct test *t, const char *origin)
{
	struct eio_exchange *ex = calloc(1, sizeof(*ex));
	struct eio_http *http = eio_http_new(16384, 1000);
	struct eio_buf request;
	size_t used;

	eio_buf_init(&request);
	eio_buf_printf(
		&request, "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: -\r\nOrigin: %s\r\n\r\n", origin);
	assert_int_equal(eio_http_feed(http, request.p, request.n, &used), EIO_HTTP_COMPLETE);
	atomic_init(&ex->refs, 1);
	ex->req = eio_http_take(http);
	ex->respond = keep_answer;
	eio_http_free(http);
	eio_buf_deinit(&request);
	eio_server_exchange(t->server, ex, EIO_STAGE_COMPLETE);
	t->peers[t->n++] = -1;
	turn(t);
	assert_true(ex->answered);
	assert_int_equal(ex->response.status, 200);
	return ex;
}

static bool
has_line(const struct eio_exchange *ex, const char *line)
{
	const struct eio_block *h = ex->response.headers;

	return memmem(h->data, h->n, line, strlen(line)) != NULL;
}

/* Answers that say the same share the block that says it, and no other answer gets it. */
static void
test_poll_headers(void **state)
{
	struct eio_exchange *ex[4];
	struct test t;

	(void)state;
	start(&t);
	t.options.cors.origin = EIO_CORS_REFLECT;
	ex[0] = poll_from(&t, "http://a");
	ex[1] = poll_from(&t, "http://a");
	ex[2] = poll_from(&t, "http://b");
	ex[3] = poll_from(&t, "http://a");
	assert_ptr_equal(ex[0]->response.headers, ex[1]->response.headers);
	assert_ptr_not_equal(ex[1]->response.headers, ex[2]->response.headers);
	for (int i = 0; i < 4; i++) {
		assert_true(has_line(ex[i], "Content-Type: text/plain; charset=UTF-8\r\n"));
		assert_true(has_line(ex[i], "cache-control: no-store\r\n"));
		assert_int_equal(has_line(ex[i], "Access-Control-Allow-Origin: http://a\r\n"), i != 2);
		assert_int_equal(has_line(ex[i], "Access-Control-Allow-Origin: http://b\r\n"), i == 2);
		eio_exchange_unref(ex[i]);
	}
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_first_pings),
		cmocka_unit_test(test_poll_headers),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
