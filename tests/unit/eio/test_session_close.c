/* SPDX-License-Identifier: MIT */
/* The session: the ways to end. */
#include "tests/unit/eio/replay.h"

static void
test_client_close(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	post(&r, "4x|1|4y");
	EXPECT(&r, "text x; closed transport close; answer 6; end");
	get(&r, EIO_ACCEPT_BAD_REQUEST);
	finish(&r);
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	ws(&r, "1");
	EXPECT(&r, "closed transport close; ws-close; end");
	finish(&r);
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	eio_session_ws_closed(&r.s, false);
	EXPECT(&r, "closed transport close; end");
	finish(&r);
}

static void
test_aborts(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	eio_session_get_abort(&r.s);
	EXPECT(&r, "closed transport error; end");
	finish(&r);
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OK);
	eio_session_post_abort(&r.s);
	EXPECT(&r, "closed transport error; answer 1; end");
	finish(&r);
	start(&r, EIO_TRANSPORT_POLLING);
	assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OK);
	eio_session_post_refused(&r.s);
	post(&r, "4still here");
	EXPECT(&r, "text still here");
	finish(&r);
}

/* A GET with a stamp, and its answer. */
static void
poll_once(struct replay *r, uint32_t stamp)
{
	assert_false(eio_session_repeats(&r->s, stamp));
	get(r, EIO_ACCEPT_OK);
	send_text(r, "x");
	EXPECT(r, "answer 4x");
}

/* Whose answer got lost asks again, and is told that something is missing. */
static void
test_repeated_polls(void **state)
{
	static const uint32_t alike[][5] = { { 3, 3, 3, 3, 3 }, { 0, 0, 0, 0, 0 }, { 3, 0, 3, 3, 3 }, { 3, 5, 0, 5, 3 },
		{ 3, 5, 3, 5, 3 } };
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	poll_once(&r, 3);
	poll_once(&r, 5);
	send_text(&r, "behind it");
	assert_true(eio_session_repeats(&r.s, 5));
	EXPECT(&r, "closed transport error; end");
	get(&r, EIO_ACCEPT_BAD_REQUEST);
	assert_false(eio_session_repeats(&r.s, 5));
	finish(&r);
	for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++) {
		start(&r, EIO_TRANSPORT_POLLING);
		for (size_t k = 0; k < 5; k++) poll_once(&r, alike[i][k]);
		finish(&r);
	}
}

/* While the first is held it is one too many; and once the client has gone over to WebSocket it does no harm. */
static void
test_repeated_while_held(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	poll_once(&r, 3);
	assert_false(eio_session_repeats(&r.s, 5));
	get(&r, EIO_ACCEPT_OK);
	assert_false(eio_session_repeats(&r.s, 5));
	get(&r, EIO_ACCEPT_OVERLAP);
	EXPECT(&r, "closed transport error; answer 1; end");
	finish(&r);
	start(&r, EIO_TRANSPORT_POLLING);
	poll_once(&r, 3);
	poll_once(&r, 5);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	probe(&r, "5");
	EXPECT(&r, "probe-pong");
	assert_false(eio_session_repeats(&r.s, 5));
	get(&r, EIO_ACCEPT_BAD_REQUEST);
	ws(&r, "4alive");
	EXPECT(&r, "text alive");
	finish(&r);
}

static void
test_server_close(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	send_text(&r, "last words");
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	EXPECT(&r, "closed forced close; answer 4last words");
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "answer 6|1; end");
	finish(&r);
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	EXPECT(&r, "closed forced close; answer 1; end");
	finish(&r);
	start(&r, EIO_TRANSPORT_POLLING);
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	EXPECT(&r, "closed forced close");
	pass(&r, EIO_CLOSE_TIMEOUT_MS);
	EXPECT(&r, "end");
	finish(&r);
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	r.writable = false;
	send_text(&r, "a");
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	EXPECT(&r, "closed forced close");
	r.writable = true;
	EXPECT(&r, "send 4a; ws-close; end");
	finish(&r);
}

static void
test_shutdown(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	eio_session_discard(&r.s, EIO_REASON_SHUTDOWN);
	EXPECT(&r, "closed server shutting down; probe-away; end");
	assert_int_equal(eio_session_submit(&r.s, r.settings.ping, NULL), -1);
	finish(&r);

	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	eio_session_discard(&r.s, EIO_REASON_SHUTDOWN);
	EXPECT(&r, "closed server shutting down; away 1; end");
	finish(&r);

	start(&r, EIO_TRANSPORT_WEBSOCKET);
	eio_session_discard(&r.s, EIO_REASON_SHUTDOWN);
	EXPECT(&r, "closed server shutting down; ws-away; end");
	finish(&r);
}

/* Who was told to go before the server goes is told just that. */
static void
test_shutdown_of_a_closing_session(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	r.writable = false;
	eio_session_submit(&r.s, r.settings.ping, NULL);
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	EXPECT(&r, "closed forced close");
	eio_session_discard(&r.s, EIO_REASON_SHUTDOWN);
	EXPECT(&r, "ws-close; end");
	finish(&r);
}

static void
test_drop(void **state)
{
	struct replay r;
	int stream_a, stream_b;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	for (int i = 0; i < 6; i++) {
		char text[8] = { (char)('a' + i) };
		struct eio_message m = { .data = eio_cstr(text) };
		struct eio_bundle *b = eio_bundle_new(&m, 1);

		eio_session_submit(&r.s, b, i == 0 ? NULL : i % 2 ? (void *)&stream_a : (void *)&stream_b);
		eio_bundle_unref(b);
	}
	assert_int_equal(eio_session_queued(&r.s), 12 + 6 * EIO_QUEUED_COST);
	assert_int_equal(eio_session_replies(&r.s), 2 + EIO_QUEUED_COST);
	r.s.queue.mark = 5;
	assert_int_equal(eio_session_drop(&r.s, &stream_a, 0), 3);
	assert_int_equal(eio_session_queued(&r.s), 6 + 3 * EIO_QUEUED_COST);
	assert_int_equal(r.s.queue.mark, 5);
	/* The oldest goes first, and what carries no tag stays. */
	assert_int_equal(eio_session_drop(&r.s, NULL, 2 * (2 + EIO_QUEUED_COST) - 1), 1);
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "answer 4a|4e");
	assert_int_equal(eio_session_queued(&r.s), 0);
	assert_int_equal(eio_session_replies(&r.s), 0);
	finish(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_close),
		cmocka_unit_test(test_aborts),
		cmocka_unit_test(test_repeated_polls),
		cmocka_unit_test(test_repeated_while_held),
		cmocka_unit_test(test_server_close),
		cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_shutdown_of_a_closing_session),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
