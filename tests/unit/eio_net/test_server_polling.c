/* SPDX-License-Identifier: MIT */
/*
 * The Engine.IO server on real sockets, without HTTP in front: what answers to polls share, scripts of large
 * answers, and how each client is told that the server goes away.
 */
#define _GNU_SOURCE
#include "eio/bundle_int.h"
#include "eio/jsonp.h"
#include "eio/net/socket_int.h"
#include "tests/unit/eio_net/served.h"
#include "tests/unit/peer.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

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
		cmocka_unit_test(test_large_script),
		cmocka_unit_test(test_poll_headers),
		cmocka_unit_test(test_shutdown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
