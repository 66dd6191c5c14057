/* SPDX-License-Identifier: MIT */
/* The session: from long-polling to WebSocket, and everything that may come between. */
#include "tests/unit/eio/replay.h"

/* The heartbeat goes on over the upgrade, also when its ping was sent before. */
static void
test_heartbeat_outlives_upgrade(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	pass(&r, 300);
	EXPECT(&r, "answer 2");
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	probe(&r, "5");
	EXPECT(&r, "probe-pong");
	pass(&r, 200);
	EXPECT(&r, "closed ping timeout; ws-close; end");
	finish(&r);
}

static void
test_upgrade(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_REFUSE);
	EXPECT(&r, "");
	probe(&r, "2probe");
	/* The pong first, for the client not to poll again when it reads the noop. */
	EXPECT(&r, "probe-pong; answer 6");
	/* The client may poll again before it sees the pong. */
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "answer 6");
	/* And again, each time for longer. */
	for (int i = 0; i < 8; i++) {
		uint64_t held = i < 7 ? (uint64_t)EIO_NOOP_FIRST_MS << i : EIO_NOOP_DELAY_MS;

		get(&r, EIO_ACCEPT_OK);
		EXPECT(&r, "");
		pass(&r, held - 1);
		EXPECT(&r, "");
		pass(&r, 1);
		EXPECT(&r, "answer 6");
		post(&r, i == 1 ? "3" : "6");
		EXPECT(&r, "");
	}
	post(&r, "4posted while probing");
	EXPECT(&r, "text posted while probing");
	send_text(&r, "a");
	send_text(&r, "b");
	EXPECT(&r, "");
	probe(&r, "5");
	assert_true(eio_session_upgraded(&r.s));
	EXPECT(&r, "send 4a; send 4b");
	get(&r, EIO_ACCEPT_BAD_REQUEST);
	assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_BAD_REQUEST);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_REFUSE);
	ws(&r, "4x");
	EXPECT(&r, "text x");
	finish(&r);
}

/* Messages leave by a held poll while the probe runs, and only then is there nothing left for the WebSocket. */
static void
test_messages_while_probing(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	EXPECT(&r, "probe-pong");
	/* One that was on its way is answered at once, too, and who has not seen the pong by then. */
	for (int i = 0; i < 2; i++) {
		get(&r, EIO_ACCEPT_OK);
		EXPECT(&r, "answer 6");
	}
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "");
	send_text(&r, "a");
	EXPECT(&r, "answer 4a");
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "");
	probe(&r, "5");
	EXPECT(&r, "answer 1");
	finish(&r);
}

static void
test_probe_failures(void **state)
{
	static const char *const bad[] = { "2", "4x", "2probe2", "3probe", "", "zzz" };
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
		probe(&r, bad[i]);
		EXPECT(&r, "probe-close");
	}
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	eio_session_probe_recv(&r.s, true, EIO_LIT("2probe"));
	EXPECT(&r, "probe-close");
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	eio_session_probe_closed(&r.s);
	EXPECT(&r, "");
	get(&r, EIO_ACCEPT_OK);
	send_text(&r, "unharmed");
	EXPECT(&r, "answer 4unharmed");
	finish(&r);
}

static void
test_upgrade_timeout(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	r.settings.upgrade_timeout = 100;
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	EXPECT(&r, "probe-pong");
	pass(&r, 100);
	EXPECT(&r, "probe-close");
	get(&r, EIO_ACCEPT_OK);
	pass(&r, EIO_NOOP_DELAY_MS);
	EXPECT(&r, "");
	finish(&r);
}

/* Official clients wait for their POST before they say "5", and are mute when the probe is closed meanwhile. */
static void
test_upgrade_waits_for_post(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	r.settings.upgrade_timeout = 100;
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OK);
	EXPECT(&r, "probe-pong");
	pass(&r, 100);
	EXPECT(&r, "");
	strcpy(r.input, "4late");
	eio_session_post(&r.s, r.input, 5, false);
	EXPECT(&r, "text late");
	probe(&r, "5");
	assert_true(eio_session_upgraded(&r.s));
	EXPECT(&r, "");
	finish(&r);
}

/* Who says "5" during a POST does not get it through, but keeps the session, whatever becomes of the request. */
static void
test_upgrade_during_post(void **state)
{
	struct replay r;

	(void)state;
	for (int aborted = 0; aborted < 2; aborted++) {
		start(&r, EIO_TRANSPORT_POLLING);
		assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
		probe(&r, "2probe");
		assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OK);
		EXPECT(&r, "probe-pong");
		probe(&r, "5");
		if (aborted) eio_session_post_abort(&r.s);
		EXPECT(&r, aborted ? "" : "post-destroy");
		ws(&r, "4alive");
		EXPECT(&r, "text alive");
		finish(&r);
	}
}

static void
test_take(void **state)
{
	struct eio_bundle *b;
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	send_text(&r, "for a poll");
	assert_null(eio_session_take(&r.s));
	finish(&r);
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	assert_null(eio_session_take(&r.s));
	send_text(&r, "one");
	send_text(&r, "two");
	b = eio_session_take(&r.s);
	assert_non_null(b);
	say_bundle(&r, b);
	EXPECT(&r, "send 4one; send 4two");
	finish(&r);
}

static void
test_upgrade_without_probe(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "5");
	assert_true(eio_session_upgraded(&r.s));
	finish(&r);
	start(&r, EIO_TRANSPORT_POLLING);
	r.settings.allow_upgrades = false;
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_REFUSE);
	finish(&r);
}

/* A close that waits for a poll is carried out on the WebSocket when the upgrade comes first. */
static void
test_close_moves_to_websocket(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	EXPECT(&r, "closed forced close");
	probe(&r, "5");
	EXPECT(&r, "ws-close; end");
	finish(&r);
}

static void
test_direct(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	assert_true(eio_session_direct(&r.s));
	send_text(&r, "a");
	assert_false(eio_session_direct(&r.s));
	EXPECT(&r, "send 4a");
	assert_true(eio_session_direct(&r.s));
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	assert_false(eio_session_direct(&r.s));
	finish(&r);
}

/* What a session that is corked is sent waits, by either transport; what is no message does not. */
static void
test_cork(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	send_text(&r, "a");
	eio_session_cork(&r.s, true);
	send_text(&r, "b");
	assert_false(eio_session_direct(&r.s));
	assert_null(eio_session_take(&r.s));
	EXPECT(&r, "");
	eio_session_cork(&r.s, false);
	EXPECT(&r, "send 4a; send 4b");
	assert_true(eio_session_direct(&r.s));
	eio_session_cork(&r.s, true);
	assert_false(eio_session_direct(&r.s));
	send_text(&r, "c");
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	EXPECT(&r, "closed forced close");
	eio_session_cork(&r.s, false);
	EXPECT(&r, "send 4c; ws-close; end");
	finish(&r);

	start(&r, EIO_TRANSPORT_POLLING);
	eio_session_cork(&r.s, true);
	send_text(&r, "a");
	assert_int_equal(eio_session_get(&r.s, r.now), EIO_ACCEPT_OK);
	EXPECT(&r, "");
	/* A probe releases the poll all the same, so that the client can go over. */
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	EXPECT(&r, "probe-pong; answer 6");
	eio_session_cork(&r.s, false);
	finish(&r);
}

/* A second WebSocket that comes while the first is still to be closed is refused: the edge would lose the first. */
static void
test_probe_after_failed_probe(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "junk");
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_REFUSE);
	EXPECT(&r, "probe-close");
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	finish(&r);
}

/* A poll that comes when the probe has just failed is held: there is no upgrade any more that it could be in the way
 * of. */
static void
test_poll_after_failed_probe(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	EXPECT(&r, "probe-pong");
	probe(&r, "junk");
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "probe-close");
	send_text(&r, "held");
	EXPECT(&r, "answer 4held");
	finish(&r);
}

/* A poll that the client gives up in the moment of the upgrade does not end the session. */
static void
test_get_abort_after_upgrade(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "5");
	eio_session_get_abort(&r.s);
	EXPECT(&r, "");
	ws(&r, "4x");
	EXPECT(&r, "text x");
	finish(&r);
}

/* A closing session that upgrades to a WebSocket which takes nothing does not stay for ever. */
static void
test_closing_upgrade_ends(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	r.writable = false;
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	send_text(&r, "x");
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	probe(&r, "5");
	EXPECT(&r, "closed forced close");
	pass(&r, EIO_CLOSE_TIMEOUT_MS);
	EXPECT(&r, "end");
	finish(&r);
}

/* Whether binary goes as text is said by the WebSocket's own URL; a poll dropped by the upgrade is answered in its
 * old form. */
static void
test_upgrade_b64(void **state)
{
	const struct eio_session_kind kind = { .transport = EIO_TRANSPORT_POLLING, .revision = 3, .b64 = true };
	struct eio_output out;
	struct replay r;

	(void)state;
	start_kind(&r, kind);
	pump(&r);
	eio_buf_clear(&r.log);
	get(&r, EIO_ACCEPT_OK);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "5");
	assert_int_equal(eio_session_wire(&r.s), EIO_WIRE_WS_3);
	assert_int_equal(eio_session_output(&r.s, true, &out), EIO_OUTPUT_ANSWER);
	assert_int_equal(out.form, EIO_PAYLOAD_3_STRING);
	assert_memory_equal(out.body->data, "1:1", 3);
	eio_block_unref(out.body);
	finish(&r);
}

/* What waits does not keep a client from upgrading, nor does the upgrade let it go early. */
static void
test_pace_and_upgrade(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	eio_session_pace(&r.s, 1000);
	EXPECT(&r, "");
	send_paced(&r, "a", 0);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	EXPECT(&r, "probe-pong; answer 6");
	probe(&r, "5");
	EXPECT(&r, "");
	assert_true(eio_session_rests(&r.s));
	pass(&r, 300);
	EXPECT(&r, "send 4a; send 2");
	finish(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pace_and_upgrade),
		cmocka_unit_test(test_heartbeat_outlives_upgrade),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_messages_while_probing),
		cmocka_unit_test(test_probe_failures),
		cmocka_unit_test(test_upgrade_timeout),
		cmocka_unit_test(test_upgrade_waits_for_post),
		cmocka_unit_test(test_upgrade_during_post),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_upgrade_without_probe),
		cmocka_unit_test(test_close_moves_to_websocket),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_cork),
		cmocka_unit_test(test_probe_after_failed_probe),
		cmocka_unit_test(test_poll_after_failed_probe),
		cmocka_unit_test(test_get_abort_after_upgrade),
		cmocka_unit_test(test_closing_upgrade_ends),
		cmocka_unit_test(test_upgrade_b64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
