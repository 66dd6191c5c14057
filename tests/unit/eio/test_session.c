/* SPDX-License-Identifier: MIT */
/* The session: packets both ways over long-polling, heartbeats, what comes too late or twice. */
#include "tests/unit/eio/replay.h"

static void
test_poll_and_post(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "");
	post(&r, "4hello|bAQID|4");
	EXPECT(&r, "text hello; binary \x01\x02\x03; text ");
	send_text(&r, "a");
	EXPECT(&r, "answer 4a");
	send_text(&r, "b");
	send_text(&r, "c");
	EXPECT(&r, "");
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "answer 4b|4c");
	finish(&r);
}

static void
test_heartbeat(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	pass(&r, 299);
	EXPECT(&r, "");
	pass(&r, 1);
	EXPECT(&r, "answer 2");
	post(&r, "3");
	EXPECT(&r, "");
	get(&r, EIO_ACCEPT_OK);
	pass(&r, 299);
	EXPECT(&r, "");
	pass(&r, 1);
	EXPECT(&r, "answer 2");
	get(&r, EIO_ACCEPT_OK);
	pass(&r, 200);
	EXPECT(&r, "closed ping timeout; answer 1; end");
	finish(&r);
}

/* Any packet proves life once per ping, but does not stand for the pong. */
static void
test_heartbeat_extended_once(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	pass(&r, 300);
	EXPECT(&r, "send 2");
	pass(&r, 150);
	ws(&r, "4x");
	EXPECT(&r, "text x");
	pass(&r, 150);
	ws(&r, "4y");
	EXPECT(&r, "text y");
	pass(&r, 50);
	EXPECT(&r, "closed ping timeout; ws-close; end");
	finish(&r);
}

static void
test_wrong_heartbeat_direction(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	post(&r, "2");
	EXPECT(&r, "closed transport error; answer 1; end");
	finish(&r);
}

static void
test_malformed_payload(void **state)
{
	static const char *const bodies[] = { "", "|", "6|", "9", "7x", " 4a", "x", "-1", "b!!!" };
	struct replay r;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		start(&r, EIO_TRANSPORT_POLLING);
		get(&r, EIO_ACCEPT_OK);
		post(&r, bodies[i]);
		EXPECT(&r, "closed parse error; answer 1; end");
		finish(&r);
	}
}

/* What was sent in answer to a good packet is lost with the bad one behind it, as in the reference. */
static void
test_good_then_bad(void **state)
{
	struct replay r;
	struct eio_event ev;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	post(&r, "4one|9|4two");
	assert_int_equal(eio_session_event(&r.s, &ev, r.now), EIO_EVENT_MESSAGE);
	send_text(&r, "echo");
	EXPECT(&r, "closed parse error; answer 1; end");
	finish(&r);
}

/* A POST is open until it is read to its end, however many turns that takes. What happens meanwhile finds it so. */
static void
test_read_in_turns(void **state)
{
	enum { END, SECOND_POST, ABORT, UPGRADE, CLOSE, WAYS };
	struct eio_event ev;

	(void)state;
	for (int way = END; way < WAYS; way++) {
		struct replay r;

		start(&r, EIO_TRANSPORT_POLLING);
		get(&r, EIO_ACCEPT_OK);
		post(&r, "4one|4two");
		assert_int_equal(eio_session_event(&r.s, &ev, r.now), EIO_EVENT_MESSAGE);
		assert_true(eio_session_reading(&r.s));
		if (way == SECOND_POST) assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OVERLAP);
		if (way == ABORT) eio_session_post_abort(&r.s);
		if (way == UPGRADE) {
			assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
			probe(&r, "5");
			ws(&r, "4three");
		}
		if (way == CLOSE) eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
		if (way == END) {
			EXPECT(&r, "text two");
			assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OK);
		} else if (way == SECOND_POST) {
			EXPECT(&r, "closed transport error; post-destroy; answer 1; end");
		} else if (way == ABORT) {
			EXPECT(&r, "closed transport error; answer 1; end");
		} else if (way == UPGRADE) {
			EXPECT(&r, "text three; post-destroy; answer 1");
		} else {
			EXPECT(&r, "closed forced close; answer 1; end");
		}
		assert_false(eio_session_reading(&r.s));
		finish(&r);
	}
}

/* Packets that are no events do not pile up either. */
static void
test_later(void **state)
{
	struct replay r;
	struct eio_event ev;
	char body[1001] = "";
	unsigned later = 0;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	for (int i = 0; i < 200; i++) strcat(body, "6|");
	strcat(body, "4x");
	post(&r, body);
	while (eio_session_event(&r.s, &ev, r.now) == EIO_EVENT_LATER) later++;
	assert_in_range(later, 2, 100);
	assert_int_equal(ev.type, EIO_EVENT_MESSAGE);
	EXPECT(&r, "");
	finish(&r);
}

static void
test_overlaps(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	get(&r, EIO_ACCEPT_OVERLAP);
	EXPECT(&r, "closed transport error; answer 1; end");
	finish(&r);
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OK);
	assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OVERLAP);
	EXPECT(&r, "closed transport error; post-destroy; answer 1; end");
	finish(&r);
}

/* Deadlines count from when they were due and not from when somebody came by, unless that was long after. */
static void
test_late_ticks(void **state)
{
	static const struct {
		uint64_t late, deadline;
	} cases[] = { { 0, 1500 }, { 1, 1500 }, { 32, 1500 }, { 50, 1500 }, { 51, 1551 }, { 700, 2200 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct replay r;

		start(&r, EIO_TRANSPORT_WEBSOCKET);
		assert_int_equal(eio_session_deadline(&r.s), 1300);
		pass(&r, 300 + cases[i].late);
		EXPECT(&r, "send 2");
		assert_int_equal(eio_session_deadline(&r.s), cases[i].deadline);
		finish(&r);
	}
}

/* An early first ping takes nothing from the time to answer it. */
static void
test_early_ping(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	eio_session_ping_early(&r.s, 20);
	pass(&r, 279);
	EXPECT(&r, "");
	pass(&r, 1);
	EXPECT(&r, "send 2");
	pass(&r, 219);
	EXPECT(&r, "");
	ws(&r, "3");
	EXPECT(&r, "");
	assert_int_equal(eio_session_deadline(&r.s), 1000 + 280 + 219 + 300);
	pass(&r, 300);
	EXPECT(&r, "send 2");
	pass(&r, 199);
	EXPECT(&r, "");
	pass(&r, 1);
	EXPECT(&r, "closed ping timeout; ws-close; end");
	finish(&r);
}

/* What comes a millisecond too late finds that it is, though no tick came; but not who may have waited to be read. */
static void
test_catch_up(void **state)
{
	struct replay r;

	(void)state;
	for (uint64_t late = 0; late <= EIO_LATE_MS + 1; late += EIO_LATE_MS + 1) {
		start(&r, EIO_TRANSPORT_WEBSOCKET);
		assert_false(eio_session_catch_up(&r.s, r.now + 299));
		pass(&r, 300);
		EXPECT(&r, "send 2");
		r.now += 200 + late;
		assert_int_equal(eio_session_catch_up(&r.s, r.now), late == 0);
		ws(&r, "3");
		EXPECT(&r, late == 0 ? "closed ping timeout; ws-close; end" : "");
		finish(&r);
	}
}

/* What is sent while the session opens waits for the next poll, but where it goes along. */
static void
test_open_alone(void **state)
{
	(void)state;
	for (int with = 0; with < 2; with++) {
		struct replay r;

		start_kind(&r,
			(struct eio_session_kind){ .transport = EIO_TRANSPORT_POLLING, .revision = 3, .b64 = true });
		r.settings.open_with_messages = with;
		send_text(&r, "a");
		send_text(&r, "b");
		pump(&r);
		eio_buf_addc(&r.log, '\0');
		assert_non_null(strstr(r.log.p, with ? "1000000}2:4a2:4b" : "1000000}"));
		if (!with) assert_null(strstr(r.log.p, "4a"));
		eio_buf_clear(&r.log);
		get(&r, EIO_ACCEPT_OK);
		EXPECT(&r, with ? "" : "answer 2:4a2:4b");
		finish(&r);
	}
}

/* What may wait goes at multiples of the pace, together and in order. */
static void
test_pace(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	eio_session_pace(&r.s, 100);
	EXPECT(&r, "");
	assert_false(eio_session_direct(&r.s));
	send_paced(&r, "a", 0);
	pass(&r, 60);
	send_paced(&r, "b", 0);
	EXPECT(&r, "");
	assert_true(eio_session_rests(&r.s));
	assert_int_equal(eio_session_deadline(&r.s), 1100);
	assert_null(eio_session_take(&r.s));
	pass(&r, 39);
	EXPECT(&r, "");
	pass(&r, 1);
	EXPECT(&r, "send 4a; send 4b");
	/* What comes right behind it waits again. */
	send_paced(&r, "c", 0);
	EXPECT(&r, "");
	pass(&r, 100);
	EXPECT(&r, "send 4c");
	/* Without it all goes at once, and past the queue. */
	send_paced(&r, "d", 0);
	eio_session_pace(&r.s, 0);
	EXPECT(&r, "send 4d");
	assert_true(eio_session_direct(&r.s));
	send_paced(&r, "e", 0);
	EXPECT(&r, "send 4e");
	finish(&r);
}

/* What may not wait takes the rest along, behind which it was sent: an ack, a ping, the answer to a ping, the end. */
static void
test_pace_released(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	eio_session_pace(&r.s, 1000);
	EXPECT(&r, "");
	send_paced(&r, "a", 0);
	EXPECT(&r, "");
	send_text(&r, "ack");
	send_paced(&r, "b", 0);
	EXPECT(&r, "send 4a; send 4ack; send 4b");
	send_paced(&r, "c", 0);
	pass(&r, 300);
	EXPECT(&r, "send 4c; send 2");
	send_paced(&r, "d", 0);
	EXPECT(&r, "");
	eio_session_go(&r.s);
	EXPECT(&r, "send 4d");
	send_paced(&r, "e", 0);
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	EXPECT(&r, "closed forced close; send 4e; ws-close; end");
	finish(&r);

	start_kind(&r, (struct eio_session_kind){ .transport = EIO_TRANSPORT_WEBSOCKET, .revision = 3 });
	pump(&r);
	eio_buf_clear(&r.log);
	eio_session_pace(&r.s, 1000);
	EXPECT(&r, "");
	send_paced(&r, "a", 0);
	ws(&r, "2");
	EXPECT(&r, "send 4a; send 3");
	finish(&r);
}

/* Of a session without a pace only what comes with one waits, until something else goes. The longer one counts. */
static void
test_pace_of_some(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	send_paced(&r, "a", 100);
	EXPECT(&r, "");
	send_paced(&r, "b", 0);
	EXPECT(&r, "send 4a; send 4b");
	send_paced(&r, "c", 100);
	pass(&r, 100);
	EXPECT(&r, "send 4c");
	send_paced(&r, "d", 500);
	send_paced(&r, "e", 100);
	assert_int_equal(eio_session_deadline(&r.s), 1200);
	pass(&r, 100);
	EXPECT(&r, "send 4d; send 4e");
	eio_session_pace(&r.s, 250);
	EXPECT(&r, "");
	send_paced(&r, "f", 10);
	assert_int_equal(eio_session_deadline(&r.s), 1250);
	finish(&r);
}

/* Who polls is answered when it goes; while nobody polls nothing waits for its time once more. */
static void
test_pace_of_polls(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_POLLING);
	get(&r, EIO_ACCEPT_OK);
	eio_session_pace(&r.s, 100);
	EXPECT(&r, "");
	send_paced(&r, "a", 0);
	send_paced(&r, "b", 0);
	EXPECT(&r, "");
	pass(&r, 100);
	EXPECT(&r, "answer 4a|4b");
	send_paced(&r, "c", 0);
	pass(&r, 100);
	EXPECT(&r, "");
	send_paced(&r, "d", 0);
	assert_false(eio_session_rests(&r.s));
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "answer 4c|4d");
	get(&r, EIO_ACCEPT_OK);
	send_paced(&r, "e", 0);
	EXPECT(&r, "");
	assert_true(eio_session_rests(&r.s));
	finish(&r);
}

/* Who is slow as well is not held up twice: while it does not take what goes, nothing waits for its time. */
static void
test_pace_of_slow(void **state)
{
	struct replay r;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	r.writable = false;
	eio_session_pace(&r.s, 100);
	EXPECT(&r, "");
	send_paced(&r, "a", 0);
	pass(&r, 100);
	EXPECT(&r, "");
	assert_false(eio_session_rests(&r.s));
	send_paced(&r, "b", 0);
	eio_session_rest(&r.s, 1000, r.now);
	assert_false(eio_session_rests(&r.s));
	r.writable = true;
	EXPECT(&r, "send 4a; send 4b");
	/* The application alone may have something. */
	eio_session_rest(&r.s, 0, r.now);
	assert_true(eio_session_rests(&r.s));
	pass(&r, 100);
	assert_false(eio_session_rests(&r.s));
	finish(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_pace_released),
		cmocka_unit_test(test_pace_of_some),
		cmocka_unit_test(test_pace_of_polls),
		cmocka_unit_test(test_pace_of_slow),
		cmocka_unit_test(test_poll_and_post),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_heartbeat_extended_once),
		cmocka_unit_test(test_late_ticks),
		cmocka_unit_test(test_early_ping),
		cmocka_unit_test(test_catch_up),
		cmocka_unit_test(test_open_alone),
		cmocka_unit_test(test_wrong_heartbeat_direction),
		cmocka_unit_test(test_malformed_payload),
		cmocka_unit_test(test_good_then_bad),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_read_in_turns),
		cmocka_unit_test(test_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
