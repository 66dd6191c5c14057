/* SPDX-License-Identifier: MIT */
/* The Engine.IO server on real sockets, without HTTP in front: sessions that end while their WebSocket opens. */
#define _GNU_SOURCE
#include "eio/net/socket_int.h"
#include "tests/unit/eio_net/served.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/peer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

	start_with(&t, deflates, DAY);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_while_opening),
		cmocka_unit_test(test_probe_fails),
		cmocka_unit_test(test_ends_while_upgrading),
		cmocka_unit_test(test_ends_before_open),
		cmocka_unit_test(test_opens_without_memory),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
