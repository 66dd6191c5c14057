/* SPDX-License-Identifier: MIT */
/*
 * The Engine.IO server on real sockets, without HTTP in front: what a broadcast
 * to WebSockets does at once and what it leaves for later, when first pings are due,
 * what answers to polls share, and sessions that end while their WebSocket opens.
 */
#define _GNU_SOURCE
#include "eio/bundle_int.h"
#include "eio/jsonp.h"
#include "eio/net/carrier.h"
#include "eio/net/socket_int.h"
#include "eio/net/terms.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/peer.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLIENTS = 40, SESSIONS = 2000, INTERVAL = 25000, TIMEOUT = 20000, DAY = 86400000 };

enum { SMALL = 65536 }; /* of a client's socket that fills up: much less than what is sent to it */

static const struct eio_deflate deflate = { .on = true, .threshold = 1024, .level = 3, .window_bits = 15 };

/* What the application does with a session as soon as it hears of it. */
enum ending { LEAVE, CLOSE, DISCARD };

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_server_options options;
	struct eio_server *server;
	struct eio_socket *sockets[CLIENTS];
	int peers[CLIENTS];
	unsigned n, opened, closed;
	enum ending at_open, at_message;
};

static void
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

static void
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

/* No ping comes between, however slow the machine. */
static void
start(struct test *t)
{
	start_with(t, (struct eio_deflate){ 0 }, DAY);
}

/* From now on it says which origin was let in. */
static void
reflect_origins(struct test *t)
{
	t->options.cors.origin = EIO_CORS_REFLECT;
	eio_server_change(t->server, eio_terms_new(t->server, &t->options));
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
	peer_await_opened(t->server);
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

/* Instead of header lines: the carrier does not take the socket, so the handshake fails after everything was
 * checked. */
static const char broken[] = "X-Broken: yes\r\n";
static bool breaks;

int __real_eio__carrier_adopt(struct eio__carrier *c, struct eio__carried *s, int fd);
int __wrap_eio__carrier_adopt(struct eio__carrier *c, struct eio__carried *s, int fd);

int
__wrap_eio__carrier_adopt(struct eio__carrier *c, struct eio__carried *s, int fd)
{
	if (!breaks) return __real_eio__carrier_adopt(c, s, fd);
	close(fd);
	return -1;
}

/* As peer_websocket does. query: what follows the transport. */
static int
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

/* A client connects by WebSocket and has its open packet. */
static void
connect_with(struct test *t, const char *headers, int sndbuf)
{
	struct eio_buf in;
	int peer = request_websocket(t, "", headers, eio_bytes("", 0), sndbuf);

	t->peers[t->n++] = peer;
	turn(t);
	in = receive(t, peer, 200);
	eio_buf_deinit(&in);
}

static void
connect_one(struct test *t, int sndbuf)
{
	connect_with(t, "", sndbuf);
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

/* Noise does not shrink, and so fills a socket. */
static struct eio_bundle *
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
	assert_int_equal(eio_server_stats(t.server)->sent[EIO_TRANSPORT_WEBSOCKET][0].sends, 2 * CLIENTS);
	eio_bundle_unref(b);
	finish(&t);
}

/* Other options for who comes later; who is there keeps what was agreed on, and its terms until it goes. */
static void
test_other_options(void **state)
{
	struct eio_server_options other;
	struct eio_terms *unused;
	struct test t;

	(void)state;
	start(&t);
	connect_one(&t, 0);
	other = t.options;
	other.ping_interval = DAY / 2;
	other.websocket = false;
	other.path = "/elsewhere/";
	other.max_payload = 7;
	unused = eio_terms_new(t.server, &other);
	assert_non_null(unused);
	eio_terms_free(unused);
	for (int i = 0; i < 3; i++) {
		other.ping_interval += 1000;
		eio_server_change(t.server, eio_terms_new(t.server, &other));
	}
	assert_false(t.server->options->websocket);
	assert_string_equal(t.server->options->path, "/engine.io/");
	assert_int_equal(t.server->options->max_payload, 1000);
	other.websocket = true;
	eio_server_change(t.server, eio_terms_new(t.server, &other));
	connect_one(&t, 0);
	assert_int_equal(t.sockets[0]->session.settings->ping_interval, DAY);
	assert_int_equal(t.sockets[1]->session.settings->ping_interval, DAY / 2 + 3000);
	assert_int_equal(t.sockets[1]->session.settings->max_payload, 1000);
	assert_int_equal(eio__socket_terms(t.sockets[0])->refs, 1);
	assert_int_equal(eio__socket_terms(t.sockets[1])->refs, 2);
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
	connect_one(&t, SMALL);
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

/* A message to a client whose form of it is not made yet, with memory that fails: at once; when it is queued behind
 * what fills the socket; when it leaves the queue. */
enum moment { AT_ONCE, WHEN_QUEUED, WHEN_TAKEN };

static void
pass_over(struct test *t, int peer, size_t n)
{
	static char junk[65536];
	ssize_t k;

	for (int i = 0; i < 5000 && n > 0; i++) {
		k = recv(peer, junk, n < sizeof junk ? n : sizeof junk, MSG_DONTWAIT);
		if (k > 0) n -= (size_t)k;
		if (k <= 0) usleep(1000);
		turn(t);
	}
	assert_int_equal(n, 0);
}

/* It arrives, or its session ends: nothing comes behind a gap. Returns whether memory failed. */
static bool
send_without(enum moment when, long nth)
{
	struct eio_bundle *big = noise(3000000), *b = event(10, 'm');
	enum eio_sent sent;
	struct test t;
	bool failed;

	start(&t);
	t.peers[0] = request_websocket(&t, "&b64=1", "", eio_bytes("", 0), when == AT_ONCE ? 0 : SMALL);
	t.n = 1;
	turn(&t);
	assert_non_null(eio_bundle_wire(big, EIO_WIRE_WS_B64));
	if (when != AT_ONCE) assert_int_equal(eio_socket_send(t.sockets[0], big, NULL), EIO_SENT);
	if (when != WHEN_TAKEN) failmalloc_arm(nth);
	sent = eio_socket_send(t.sockets[0], b, NULL);
	failed = failmalloc_disarm();
	if (when == WHEN_TAKEN) {
		failmalloc_arm(nth);
		pass_over(&t, t.peers[0], eio_bundle_wire(big, EIO_WIRE_WS_B64)->n);
		turn(&t);
		failed = failmalloc_disarm();
	}
	assert_int_equal(sent == EIO_SENT_NOMEM, failed && when == WHEN_QUEUED);
	turn(&t);
	assert_int_equal(t.closed, failed && when != AT_ONCE);
	assert_int_equal(eio_server_stats(t.server)->closed[EIO_REASON_TRANSPORT_ERROR], t.closed);
	eio_bundle_unref(big);
	eio_bundle_unref(b);
	finish(&t);
	return failed;
}

static void
test_sends_without_memory(void **state)
{
	(void)state;
	for (enum moment when = AT_ONCE; when <= WHEN_TAKEN; when++) {
		long n = 0;

		while (send_without(when, n)) n++;
		assert_true(n > 0);
	}
}

/* Large messages in forms that are not there */

/* Two clients: the first needs the form with base64, the second the one that is there. They have their open packets. */
static void
connect_two(struct test *t)
{
	start(t);
	for (int i = 0; i < 2; i++) {
		struct eio_buf in;

		t->peers[i] = request_websocket(t, i ? "" : "&b64=1", "", eio_bytes("", 0), 0);
		t->n++;
		turn(t);
		in = receive(t, t->peers[i], 100);
		eio_buf_deinit(&in);
	}
}

/* Who needs such a form gets it and what follows in order; meanwhile he does not count as slow, and who needs none is
 * not held up. */
static void
test_form_of_large(void **state)
{
	struct eio_bundle *b[2] = { noise(3000000), event(10, 'm') };
	struct eio_block *small = eio_bundle_wire(b[1], EIO_WIRE_WS);
	struct eio_buf in, all;
	char got[64];
	struct test t;

	(void)state;
	connect_two(&t);
	for (int i = 0; i < 2; i++) assert_int_equal(eio_socket_send(t.sockets[0], b[i], b), EIO_SENT);
	eio_server_flush(t.server);
	assert_false(eio_list_empty(&t.sockets[0]->forming));
	assert_int_equal(eio_socket_queued(t.sockets[0]), eio_bundle_size(b[1]) + EIO_QUEUED_COST);
	assert_int_equal(eio_socket_send(t.sockets[1], b[1], b), EIO_SENT);
	assert_int_equal(recv(t.peers[1], got, sizeof got, MSG_DONTWAIT), small->n);
	eio_buf_init(&all);
	for (int i = 0; i < 2; i++) {
		struct eio_block *w = eio_bundle_wire(b[i], EIO_WIRE_WS_B64);

		eio_buf_append(&all, w->data, w->n);
	}
	in = receive(&t, t.peers[0], all.n);
	assert_int_equal(in.n, all.n);
	assert_memory_equal(in.p, all.p, all.n);
	turn(&t);
	assert_int_equal(eio_socket_queued(t.sockets[0]), 0);
	eio_buf_deinit(&in);
	eio_buf_deinit(&all);
	for (int i = 0; i < 2; i++) eio_bundle_unref(b[i]);
	finish(&t);
}

/* The server goes, or the client, or memory, before the form is there. */
static void
test_form_too_late(void **state)
{
	enum { GOING_AWAY, CLIENT_GONE, NO_MEMORY, ENDINGS };

	(void)state;
	for (int how = GOING_AWAY; how < ENDINGS; how++) {
		struct eio_bundle *b = noise(3000000);
		struct test t;

		connect_two(&t);
		assert_int_equal(eio_socket_send(t.sockets[0], b, b), EIO_SENT);
		eio_server_flush(t.server);
		assert_false(eio_list_empty(&t.sockets[0]->forming));
		if (how == CLIENT_GONE) {
			close(t.peers[0]);
			t.peers[0] = -1;
		} else if (how == NO_MEMORY) {
			eio_list_remove(&t.sockets[0]->forming);
			eio__socket_formed(&t.sockets[0]->forming, false);
		}
		if (how != GOING_AWAY) {
			for (int i = 0; i < 5000 && t.closed == 0; i++) turn(&t);
			assert_int_equal(t.closed, 1);
			assert_int_equal(eio_server_stats(t.server)->closed[EIO_REASON_TRANSPORT_ERROR], 1);
		}
		eio_bundle_unref(b);
		finish(&t);
	}
}

/* Without memory to have a form made elsewhere it is made here. */
static void
test_form_made_here(void **state)
{
	struct eio_bundle *b = noise(3000000);
	struct eio_buf in;
	struct test t;

	(void)state;
	connect_two(&t);
	assert_int_equal(eio_socket_send(t.sockets[0], b, b), EIO_SENT);
	failmalloc_arm(0);
	eio_server_flush(t.server);
	assert_true(failmalloc_disarm());
	assert_true(eio_bundle_has(b, EIO_WIRE_WS_B64, NULL));
	assert_true(eio_list_empty(&t.sockets[0]->forming));
	in = receive(&t, t.peers[0], eio_bundle_wire(b, EIO_WIRE_WS_B64)->n);
	eio_buf_deinit(&in);
	assert_int_equal(t.closed, 0);
	eio_bundle_unref(b);
	finish(&t);
}

/* Compressing on another thread */

#define OFFER "Sec-WebSocket-Extensions: permessage-deflate\r\n"

/* As if another thread was just compressing it. */
static void
claim(struct eio_bundle *b)
{
	assert_non_null(eio_bundle_deflated(b, EIO_WIRE_WS_B64, &deflate, NULL));
	atomic_store(&atomic_load(&b->variants)->claimed[EIO_WIRE_WS], true);
}

static void
check_received(int peer, struct eio_bundle *b)
{
	struct eio_block *w = eio_bundle_deflated(b, EIO_WIRE_WS, &deflate, NULL);
	char in[4096];

	assert_true(w->n < 1000);
	assert_int_equal(recv(peer, in, w->n, MSG_DONTWAIT), w->n);
	assert_memory_equal(in, w->data, w->n);
}

static void
check_nothing(int peer)
{
	char c;

	assert_int_equal(recv(peer, &c, 1, MSG_DONTWAIT), -1);
}

/* What waits for another thread's compressing leaves when the next broadcast comes, before it, compressed, and once:
 * the client does not count as slow for it. */
static void
test_drain(void **state)
{
	struct eio_bundle *b[3] = { event(3000, 'a'), event(3000, 'b'), event(3000, 'c') };
	struct test t;

	(void)state;
	start_with(&t, deflate, DAY);
	connect_with(&t, OFFER, 0);
	assert_true(t.sockets[0]->deflate);
	for (int i = 0; i < 2; i++) {
		claim(b[i]);
		assert_int_equal(eio_socket_send(t.sockets[0], b[i], b), EIO_SENT);
		*eio_socket_queue_mark(t.sockets[0]) = 7;
	}
	check_nothing(t.peers[0]);
	assert_int_equal(
		eio_socket_queued(t.sockets[0]), eio_bundle_size(b[0]) + eio_bundle_size(b[1]) + 2 * EIO_QUEUED_COST);
	eio_socket_drain(t.sockets[0]);
	assert_int_equal(eio_socket_queued(t.sockets[0]), 0);
	assert_int_equal(*eio_socket_queue_mark(t.sockets[0]), 0);
	assert_int_equal(eio_socket_send(t.sockets[0], b[2], b), EIO_SENT);
	for (int i = 0; i < 3; i++) check_received(t.peers[0], b[i]);
	turn(&t);
	check_nothing(t.peers[0]);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(atomic_load(&b[i]->refs), 1);
		eio_bundle_unref(b[i]);
	}
	finish(&t);
}

/* Where the socket takes nothing, and where nothing is compressed, draining changes nothing. */
static void
test_drain_slow(void **state)
{
	struct eio_bundle *big = noise(3000000), *b = event(3000, 'b');
	static const char *const offers[2] = { OFFER, "" };
	struct test t;

	(void)state;
	start_with(&t, deflate, DAY);
	for (int i = 0; i < 2; i++) {
		struct eio_block *w;
		struct eio_buf in;
		size_t n;

		connect_with(&t, offers[i], SMALL);
		assert_non_null(eio_bundle_deflated(big, EIO_WIRE_WS, &deflate, NULL));
		assert_int_equal(eio_socket_send(t.sockets[i], big, b), EIO_SENT);
		assert_int_equal(eio_socket_send(t.sockets[i], b, b), EIO_SENT_QUEUED);
		eio_socket_drain(t.sockets[i]);
		assert_int_equal(eio_socket_queued(t.sockets[i]), eio_bundle_size(b) + EIO_QUEUED_COST);
		n = eio_bundle_wire(big, EIO_WIRE_WS)->n;
		w = i ? eio_bundle_wire(b, EIO_WIRE_WS) : eio_bundle_deflated(b, EIO_WIRE_WS, &deflate, NULL);
		in = receive(&t, t.peers[i], n + w->n);
		assert_int_equal(in.n, n + w->n);
		assert_memory_equal(in.p + n, w->data, w->n);
		eio_buf_deinit(&in);
	}
	eio_bundle_unref(big);
	eio_bundle_unref(b);
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
	start_with(&t, (struct eio_deflate){ 0 }, INTERVAL);
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

/* A GET by polling. Gives its exchange with one reference; it may be held. */
static struct eio_exchange *
poll_with(struct test *t, const char *query, const char *headers)
{
	struct eio_exchange *ex;
	char target[200];

	snprintf(target, sizeof(target), "/engine.io/?EIO=4&transport=polling%s", query);
	ex = peer_request(t->server, target, headers, NULL);
	turn(t);
	return ex;
}

/* A handshake by polling from an origin. Gives its exchange, answered, with one reference. */
static struct eio_exchange *
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
	reflect_origins(&t);
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

/* A session by polling whose next GET is held: that. */
static struct eio_exchange *
poll_again(struct test *t, const char *query)
{
	struct eio_exchange *ex = poll_with(t, query, "");
	char sid[64];

	assert_int_equal(ex->response.status, 200);
	eio_exchange_unref(ex);
	snprintf(sid, sizeof(sid), "&sid=%s", eio_socket_sid(t->sockets[t->n]));
	t->peers[t->n++] = -1;
	ex = poll_with(t, sid, "");
	assert_false(ex->answered);
	return ex;
}

/* A server that goes away tells each client in the way that brings it back. */
static void
test_shutdown(void **state)
{
	struct eio_exchange *poll, *script, *post;
	struct eio_buf in;
	char target[200];
	struct test t;

	(void)state;
	start(&t);
	poll = poll_again(&t, "");
	script = poll_again(&t, "&j=3");
	snprintf(target, sizeof(target), "/engine.io/?EIO=4&transport=polling&sid=%s", eio_socket_sid(t.sockets[0]));
	connect_one(&t, 0);
	eio_server_shutdown(t.server);
	assert_int_equal(poll->response.status, 503);
	assert_true(poll->response.close && !poll->response.body);
	/* The first clients run wild when a script fails. */
	assert_int_equal(script->response.status, 200);
	in = receive(&t, t.peers[2], 4);
	assert_memory_equal(in.p, "\x88\x02\x03\xe9", 4); /* 1001 */
	eio_buf_deinit(&in);
	/* An answer, even an error, would keep python-socketio away. */
	post = peer_request(t.server, target, "", "4hello");
	assert_true(post->response.destroy);
	eio_exchange_unref(poll);
	eio_exchange_unref(script);
	eio_exchange_unref(post);
	finish(&t);
}

/* Sessions that end while their WebSocket opens */

/* Nobody is left, and everything that was counted up was counted down. */
static void
check_none(struct test *t)
{
	const struct eio_server_stats *s = eio_server_stats(t->server);

	assert_int_equal(s->open, 0);
	assert_int_equal(s->open_3, 0);
	assert_int_equal(s->open_websocket, 0);
	assert_int_equal(s->websockets, 0);
	assert_int_equal(t->closed, t->n);
}

/* The server closes what was opened: the client reads until the end, with an answer to a close frame on the way.
 * Gives what it read. */
static struct eio_buf
read_to_end(struct test *t, int peer)
{
	static const char close_frame[] = "\x88\x80\0\0\0\0";
	struct eio_buf in;
	ssize_t k = -1;

	eio_buf_init(&in);
	for (int i = 0; i < 5000 && k != 0; i++) {
		assert_non_null(eio_buf_reserve(&in, 4096));
		turn(t);
		k = recv(peer, in.p + in.n, 4096, MSG_DONTWAIT);
		if (k > 0) in.n += (size_t)k;
		if (k > 0) send(peer, close_frame, 6, MSG_NOSIGNAL);
		if (k < 0 && errno == ECONNRESET) break;
		if (k < 0) usleep(1000);
	}
	assert_true(k <= 0);
	for (int i = 0; i < 100 && eio_server_stats(t->server)->websockets; i++) {
		turn(t);
		usleep(1000);
	}
	close(peer);
	return in;
}

static void
check_ending(enum ending at_open, const char *headers, struct eio_bytes rest, enum ending at_message)
{
	struct test t;
	struct eio_buf in;
	int peer;

	start(&t);
	t.at_open = at_open;
	t.at_message = at_message;
	peer = request_websocket(&t, "", headers, rest, 0);
	t.peers[t.n++] = -1;
	turn(&t);
	in = read_to_end(&t, peer);
	check_none(&t);
	assert_int_equal(in.n > 0, headers[0] == '\0'); /* the 101, or nothing at all */
	assert_int_equal(eio_server_stats(t.server)->opened, 1);
	assert_int_equal(eio_server_stats(t.server)->closed[EIO_REASON_FORCED_CLOSE], at_open || at_message);
	assert_int_equal(eio_server_stats(t.server)->closed[EIO_REASON_TRANSPORT_ERROR], at_open || at_message ? 0 : 1);
	eio_buf_deinit(&in);
	finish(&t);
}

/* One that the application ends before, or while, the WebSocket opens; and the handshake may fail beside that. */
static void
test_ends_while_opening(void **state)
{
	struct eio_bytes none = eio_bytes("", 0), message = EIO_LIT("\x81\x82\0\0\0\0"
								    "4x");

	(void)state;
	check_ending(CLOSE, "", none, LEAVE);
	check_ending(DISCARD, "", none, LEAVE);
	check_ending(DISCARD, "", message, DISCARD);
	check_ending(LEAVE, "", message, CLOSE);
	check_ending(LEAVE, "", message, DISCARD);
	check_ending(LEAVE, broken, none, LEAVE);
	check_ending(CLOSE, broken, message, LEAVE);
	check_ending(DISCARD, broken, none, LEAVE);
}

/* Opens a session by polling; query becomes what names it. */
static void
open_polling(struct test *t, char query[40])
{
	eio_exchange_unref(poll_from(t, "http://a"));
	snprintf(query, 40, "&sid=%s", eio_socket_sid(t->sockets[t->n - 1]));
}

/* A probe whose handshake fails leaves the session as it was: a poll is held, and answered by a message. */
static void
test_probe_fails(void **state)
{
	struct eio_bundle *b = event(10, 'p');
	char query[40];
	struct eio_exchange *ex;
	struct eio_buf in;
	struct test t;

	(void)state;
	start(&t);
	open_polling(&t, query);
	in = read_to_end(&t, request_websocket(&t, query, broken,
				     EIO_LIT("\x81\x86\0\0\0\0"
					     "2probe"),
				     0));
	assert_int_equal(in.n, 0);
	assert_null(t.sockets[0]->probe);
	assert_int_equal(eio_server_stats(t.server)->websockets, 0);
	ex = poll_with(&t, query, "");
	assert_false(ex->answered);
	assert_int_equal(eio_socket_send(t.sockets[0], b, NULL), EIO_SENT);
	turn(&t);
	assert_true(ex->answered);
	assert_int_equal(ex->response.status, 200);
	assert_true(ex->response.body->n > 10);
	eio_exchange_unref(ex);
	eio_bundle_unref(b);
	eio_buf_deinit(&in);
	finish(&t);
}

/* A session that is ended in the same turn in which its probe arrives, upgrades and speaks; and one that is ended
 * before. */
static void
test_ends_while_upgrading(void **state)
{
	static const char rest[] = "\x81\x86\0\0\0\0"
				   "2probe"
				   "\x81\x81\0\0\0\0"
				   "5"
				   "\x81\x82\0\0\0\0"
				   "4x";

	(void)state;
	for (enum ending ending = CLOSE; ending <= DISCARD; ending++) {
		for (int before = 0; before < 2; before++) {
			char query[40];
			struct eio_buf in;
			struct test t;
			int peer;

			start(&t);
			open_polling(&t, query);
			if (before)
				end_session(t.sockets[0], ending);
			else
				t.at_message = ending;
			peer = request_websocket(&t, query, "", eio_bytes(rest, sizeof(rest) - 1), 0);
			turn(&t);
			in = read_to_end(&t, peer);
			assert_memory_equal(in.p, "HTTP/1.1 101 ", 13);
			/* A closed session that polls waits for a last poll, also when it upgrades: then it moves. */
			check_none(&t);
			assert_int_equal(eio_server_stats(t.server)->closed[EIO_REASON_FORCED_CLOSE], 1);
			eio_buf_deinit(&in);
			finish(&t);
		}
	}
}

/* A WebSocket that is still opening when its session ends is told of by nobody, and in the end only goes. */
static void
test_ends_before_open(void **state)
{
	(void)state;
	for (int probe = 0; probe < 2; probe++) {
		struct eio_session_kind kind = { .transport = probe ? EIO_TRANSPORT_POLLING : EIO_TRANSPORT_WEBSOCKET,
			.revision = 4 };
		struct eio_link *link = calloc(1, sizeof(*link));
		struct eio_socket *s;
		struct test t;

		start(&t);
		s = eio__socket_new(t.server, &kind);
		*link = (struct eio_link){ .magic = EIO__LINK_MAGIC, .socket = s, .probe = probe };
		if (probe)
			s->probe = link;
		else
			eio__socket_set_main(s, link);
		eio_socket_discard(s);
		turn(&t);
		assert_null(link->socket);
		assert_int_equal(eio_server_stats(t.server)->open, 0);
		eio__link_handler.closed(link, NULL, true);
		check_none(&t);
		finish(&t);
	}
}

/* Who is let in has all that a browser wants to see. */
static void
check_opened(int peer)
{
	static const char *const lines[] = { "\r\nSec-WebSocket-Protocol: x\r\n",
		"\r\nAccess-Control-Allow-Origin: http://a\r\n" };
	char in[4096];
	ssize_t n = recv(peer, in, sizeof(in), MSG_DONTWAIT);

	if (n < 12 || memcmp(in, "HTTP/1.1 101", 12) != 0) return;
	for (int i = 0; i < 2; i++) assert_non_null(memmem(in, (size_t)n, lines[i], strlen(lines[i])));
}

/* Memory that fails anywhere between the request and the first message ends that session, or leaves the WebSocket
 * without what could not be had. Whatever it was, nobody is left in the end. Returns whether it failed. */
static bool
open_without(bool probe, long nth)
{
	static const char rest[] = "\x81\x86\0\0\0\0"
				   "2probe"
				   "\x81\x81\0\0\0\0"
				   "5"
				   "\x81\x82\0\0\0\0"
				   "4x";
	struct eio_bytes sent = probe ? eio_bytes(rest, sizeof(rest) - 1) : eio_bytes(rest + 19, 8);
	struct linger cut = { .l_onoff = 1 };
	char query[40] = "", target[200];
	struct eio_upgrade *up;
	struct test t;
	bool failed;
	int peer;

	start_with(&t, deflate, DAY);
	reflect_origins(&t);
	if (probe) open_polling(&t, query);
	snprintf(target, sizeof(target), "/engine.io/?EIO=4&transport=websocket%s", query);
	up = peer_upgrade(target, OFFER "Origin: http://a\r\nSec-WebSocket-Protocol: x\r\n", sent, 0, &peer);
	failmalloc_arm(nth);
	eio_server_upgrade(t.server, up);
	turn(&t);
	failed = failmalloc_disarm();
	check_opened(peer);
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &cut, sizeof(cut));
	close(peer);
	for (int i = 0; i < 200 && eio_server_stats(t.server)->websockets; i++) {
		turn(&t);
		usleep(1000);
	}
	assert_int_equal(eio_server_stats(t.server)->websockets, 0);
	/* One that polls lives on without its probe. */
	if (probe && t.closed == 0) eio_socket_discard(t.sockets[0]);
	turn(&t);
	assert_true(t.opened <= 1);
	t.n = t.opened;
	t.peers[0] = -1;
	check_none(&t);
	finish(&t);
	return failed;
}

static void
test_opens_without_memory(void **state)
{
	(void)state;
	for (int probe = 0; probe < 2; probe++) {
		long n = 0;

		while (open_without(probe, n)) n++;
		assert_true(n > 8);
	}
}

/* The script of a large answer is made by another thread: the poll waits for it, a server that goes away does not. */
static void
test_large_script(void **state)
{
	(void)state;
	for (int leaves = 0; leaves < 2; leaves++) {
		struct eio_bundle *b = noise(400000);
		struct eio_exchange *ex;
		struct eio_socket *s;
		struct test t;

		start(&t);
		ex = poll_again(&t, "&j=3");
		s = t.sockets[0];
		assert_non_null(eio_bundle_wire(b, EIO_WIRE_POLLING));
		assert_int_equal(eio_socket_send(s, b, b), EIO_SENT);
		eio_server_flush(t.server);
		assert_false(ex->answered);
		assert_false(eio_list_empty(&t.server->scripts));
		assert_int_equal(eio_socket_unsent(s), eio_bundle_wire(b, EIO_WIRE_POLLING)->n);
		if (leaves) {
			eio_server_shutdown(t.server);
			assert_true(ex->answered && ex->response.destroy && !ex->response.body);
		} else {
			struct eio_block *payload = eio_bundle_wire(b, EIO_WIRE_POLLING);
			struct eio_buf js;

			for (int i = 0; i < 5000 && !ex->answered; i++) {
				usleep(1000);
				turn(&t);
			}
			eio_buf_init(&js);
			eio_jsonp_append(&js, EIO_LIT("3"), eio_bytes(payload->data, payload->n));
			assert_true(ex->answered);
			assert_int_equal(ex->response.status, 200);
			assert_int_equal(ex->response.length, js.n);
			assert_memory_equal(ex->response.body->data, js.p, js.n);
			assert_int_equal(eio_socket_unsent(s), js.n);
			assert_true(has_line(ex, "text/javascript"));
			eio_buf_deinit(&js);
		}
		assert_true(eio_list_empty(&t.server->scripts));
		eio_exchange_unref(ex);
		eio_bundle_unref(b);
		finish(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_other_options),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_sends_without_memory),
		cmocka_unit_test(test_large_script),
		cmocka_unit_test(test_form_of_large),
		cmocka_unit_test(test_form_too_late),
		cmocka_unit_test(test_form_made_here),
		cmocka_unit_test(test_first_pings),
		cmocka_unit_test(test_poll_headers),
		cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_slow),
		cmocka_unit_test(test_ends_while_opening),
		cmocka_unit_test(test_probe_fails),
		cmocka_unit_test(test_ends_while_upgrading),
		cmocka_unit_test(test_ends_before_open),
		cmocka_unit_test(test_opens_without_memory),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
