/* SPDX-License-Identifier: MIT */
/*
 * The Engine.IO server on real sockets, without HTTP in front: what a broadcast
 * to WebSockets does at once and what it leaves for later, and when first pings are due.
 */
#define _GNU_SOURCE
#include "eio/bundle_int.h"
#include "eio/net/socket_int.h"
#include "tests/unit/eio_net/served.h"
#include "tests/unit/failmalloc.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SESSIONS = 2000, INTERVAL = 25000 };

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

/* As if another thread was just compressing it. */
static void
claim(struct eio_bundle *b)
{
	assert_non_null(eio_bundle_deflated(b, EIO_WIRE_WS_B64, &deflates, NULL));
	atomic_store(&atomic_load(&b->variants)->claimed[EIO_WIRE_WS], true);
}

static void
check_received(int peer, struct eio_bundle *b)
{
	struct eio_block *w = eio_bundle_deflated(b, EIO_WIRE_WS, &deflates, NULL);
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
	start_with(&t, deflates, DAY);
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
	start_with(&t, deflates, DAY);
	for (int i = 0; i < 2; i++) {
		struct eio_block *w;
		struct eio_buf in;
		size_t n;

		connect_with(&t, offers[i], SMALL);
		assert_non_null(eio_bundle_deflated(big, EIO_WIRE_WS, &deflates, NULL));
		assert_int_equal(eio_socket_send(t.sockets[i], big, b), EIO_SENT);
		assert_int_equal(eio_socket_send(t.sockets[i], b, b), EIO_SENT_QUEUED);
		eio_socket_drain(t.sockets[i]);
		assert_int_equal(eio_socket_queued(t.sockets[i]), eio_bundle_size(b) + EIO_QUEUED_COST);
		n = eio_bundle_wire(big, EIO_WIRE_WS)->n;
		w = i ? eio_bundle_wire(b, EIO_WIRE_WS) : eio_bundle_deflated(b, EIO_WIRE_WS, &deflates, NULL);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_other_options),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_sends_without_memory),
		cmocka_unit_test(test_form_of_large),
		cmocka_unit_test(test_form_too_late),
		cmocka_unit_test(test_form_made_here),
		cmocka_unit_test(test_first_pings),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_slow),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
