/* SPDX-License-Identifier: MIT */
/*
 * Replays of the Engine.IO session with fake time and fake transports. What the
 * session says is written down as words, such as "answer 4hello; end", and
 * compared with what the protocol wants.
 */
#include "eio/buf.h"
#include "eio/collect.h"
#include "eio/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct replay {
	struct eio_settings settings;
	struct eio_session s;
	struct eio_buf log;
	uint64_t now;
	bool writable;
	char input[1024]; /* what was passed in last: sessions read it in place */
	struct eio_output form; /* a form that was asked for last, with its bundle */
};

static const char sid[] = "Aabcdefghijklmnopqrs";

static void
say(struct replay *r, const char *what, const char *p, size_t n)
{
	if (r->log.n) EIO_BUF_ADD_LIT(&r->log, "; ");
	eio_buf_add(&r->log, eio_cstr(what));
	if (p) eio_buf_addc(&r->log, ' ');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == 0x1e)
			EIO_BUF_ADD_LIT(&r->log, "|");
		else
			eio_buf_addc(&r->log, p[i]);
	}
}

static void
say_bundle(struct replay *r, struct eio_bundle *b)
{
	/* As text, whatever the transport, to be readable. */
	struct eio_block *w = eio_bundle_wire(b, EIO_WIRE_POLLING);

	assert_non_null(w);
	say(r, "send", w->data, w->n);
	eio_bundle_unref(b);
}

static void
take_form(struct replay *r, struct eio_output *out)
{
	say(r, out->deflate ? "form-deflated" : "form", NULL, 0);
	assert_null(r->form.bundle);
	r->form = *out;
}

/* What was asked for is made, and the session told so. */
static void
formed(struct replay *r)
{
	struct eio_output *f = &r->form;

	assert_non_null(f->bundle);
	assert_false(eio_bundle_has(f->bundle, f->wire, f->deflate));
	if (f->deflate)
		assert_non_null(eio_bundle_deflated(f->bundle, f->wire, f->deflate, NULL));
	else
		assert_non_null(eio_bundle_wire(f->bundle, f->wire));
	assert_true(eio_bundle_has(f->bundle, f->wire, f->deflate));
	eio_bundle_unref(f->bundle);
	f->bundle = NULL;
	eio_session_formed(&r->s);
}

static void
pump(struct replay *r)
{
	struct eio_output out;
	struct eio_event ev;

	while (eio_session_event(&r->s, &ev, r->now) != EIO_EVENT_NONE) {
		if (ev.type == EIO_EVENT_MESSAGE)
			say(r, ev.binary ? "binary" : "text", ev.data.p, ev.data.n);
		else
			say(r, "closed", eio_reason_text(ev.reason), strlen(eio_reason_text(ev.reason)));
	}
	eio_session_going(&r->s);
	while (eio_session_output(&r->s, r->writable, &out) != EIO_OUTPUT_NONE) {
		switch (out.type) {
		case EIO_OUTPUT_ANSWER:
			assert_non_null(out.body);
			say(r, out.away ? "away" : "answer", out.body->data, out.body->n);
			eio_block_unref(out.body);
			break;
		case EIO_OUTPUT_FORM: take_form(r, &out); break;
		case EIO_OUTPUT_SEND: say_bundle(r, out.bundle); break;
		case EIO_OUTPUT_WS_CLOSE: say(r, out.away ? "ws-away" : "ws-close", NULL, 0); break;
		case EIO_OUTPUT_PROBE_PONG: say(r, "probe-pong", NULL, 0); break;
		case EIO_OUTPUT_PROBE_CLOSE: say(r, out.away ? "probe-away" : "probe-close", NULL, 0); break;
		case EIO_OUTPUT_POST_DESTROY: say(r, "post-destroy", NULL, 0); break;
		case EIO_OUTPUT_END: say(r, "end", NULL, 0); break;
		case EIO_OUTPUT_NONE: break;
		}
	}
	eio_session_went(&r->s);
}

/* Pumps, and checks everything said since the last time. */
#define EXPECT(r, text) \
	do { \
		pump(r); \
		eio_buf_addc(&(r)->log, '\0'); \
		assert_string_equal((r)->log.p, (text)); \
		eio_buf_clear(&(r)->log); \
	} while (0)

static void
start_kind(struct replay *r, struct eio_session_kind kind)
{
	*r = (struct replay){ .now = 1000, .writable = true };
	r->settings = (struct eio_settings){ .ping_interval = 300,
		.ping_timeout = 200,
		.upgrade_timeout = 1000,
		.max_payload = 1000000,
		.polling = true,
		.websocket = true,
		.allow_upgrades = true,
		.ping = eio_bundle_packet(EIO_PACKET_PING, eio_bytes("", 0)),
		.pong = eio_bundle_packet(EIO_PACKET_PONG, eio_bytes("", 0)) };
	assert_non_null(r->settings.ping);
	assert_non_null(r->settings.pong);
	assert_int_equal(eio_session_init(&r->s, &r->settings, sid, &kind, r->now), 0);
}

static void
start(struct replay *r, enum eio_transport transport)
{
	start_kind(r, (struct eio_session_kind){ .transport = transport, .revision = 4 });
	if (transport == EIO_TRANSPORT_POLLING)
		EXPECT(r, "answer 0{\"sid\":\"Aabcdefghijklmnopqrs\",\"upgrades\":[\"websocket\"],\"pingInterval\":300,"
			  "\"pingTimeout\":200,\"maxPayload\":1000000}");
	else
		EXPECT(r, "send 0{\"sid\":\"Aabcdefghijklmnopqrs\",\"upgrades\":[],\"pingInterval\":300,"
			  "\"pingTimeout\":200,\"maxPayload\":1000000}");
}

static void
finish(struct replay *r)
{
	eio_session_deinit(&r->s);
	eio_bundle_unref(r->form.bundle);
	eio_bundle_unref(r->settings.ping);
	eio_bundle_unref(r->settings.pong);
	eio_buf_deinit(&r->log);
}

static void
get(struct replay *r, enum eio_accept expected)
{
	assert_int_equal(eio_session_get(&r->s, r->now), expected);
}

static void
post(struct replay *r, const char *body)
{
	size_t n = strlen(body);

	for (size_t i = 0; i <= n; i++) r->input[i] = body[i] == '|' ? 0x1e : body[i];
	assert_int_equal(eio_session_post_begin(&r->s), EIO_ACCEPT_OK);
	eio_session_post(&r->s, r->input, n, false);
}

static void
ws(struct replay *r, const char *text)
{
	strcpy(r->input, text);
	eio_session_ws_recv(&r->s, false, r->input, strlen(text));
}

static void
send_text(struct replay *r, const char *text)
{
	struct eio_message m = { .data = eio_cstr(text) };
	struct eio_bundle *b = eio_bundle_new(&m, 1);

	assert_non_null(b);
	eio_session_submit(&r->s, b, NULL);
	eio_bundle_unref(b);
}

static void
pass(struct replay *r, uint64_t ms)
{
	r->now += ms;
	if (eio_session_deadline(&r->s) <= r->now) eio_session_tick(&r->s, r->now);
}

static void
probe(struct replay *r, const char *text)
{
	eio_session_probe_recv(&r->s, false, eio_cstr(text));
}

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
	/* The client may poll again before it sees the pong, and again, each time for longer. */
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
	/* One that was on its way is answered at once, too. */
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "answer 6");
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

/* Takes what a poll is answered with: packets of 100 bytes, numbered on from *next. Returns its size. */
static size_t
poll_numbered(struct replay *r, enum eio_payload_form form, unsigned *next)
{
	struct eio_output out;
	size_t n;

	get(r, EIO_ACCEPT_OK);
	assert_int_equal(eio_session_output(&r->s, true, &out), EIO_OUTPUT_ANSWER);
	assert_int_equal(out.form, form);
	for (size_t at = 0; at + 100 <= out.body->n; (*next)++) {
		char expected[8];
		const char *p = memchr(out.body->data + at, 'x', out.body->n - at);

		snprintf(expected, sizeof(expected), "%06u", *next);
		assert_non_null(p);
		assert_memory_equal(p + 1, expected, 6);
		at = (size_t)(p - out.body->data) + 99;
	}
	n = out.body->n;
	eio_block_unref(out.body);
	return n;
}

/* Much that waits is more than old clients can take apart at once; who reads text gets all of it. */
static void
test_binary_form_in_parts(void **state)
{
	enum { PACKETS = 2000 };
	struct eio_session_kind kind = { .transport = EIO_TRANSPORT_POLLING, .revision = 3, .text = EIO_TEXT_TWICE };
	unsigned next;

	(void)state;
	for (int b64 = 0; b64 < 2; b64++) {
		enum eio_payload_form form = b64 ? EIO_PAYLOAD_3_STRING : EIO_PAYLOAD_3_BINARY;
		struct replay r;
		size_t polls = 0;

		kind.b64 = b64;
		start_kind(&r, kind);
		pump(&r);
		for (unsigned i = 0; i < PACKETS; i++) {
			char text[100];

			snprintf(text, sizeof(text), "x%06u%092u", i, 0);
			send_text(&r, text);
		}
		for (next = 0; next < PACKETS; polls++) {
			size_t n = poll_numbered(&r, form, &next);

			if (!b64) assert_in_range(n, 1, EIO_BINARY_FORM_BYTES + 110);
		}
		assert_int_equal(polls, b64 ? 1 : 4);
		assert_int_equal(eio_session_queued(&r.s), 0);
		/* One that is larger by itself goes alone, and whole. */
		if (!b64) {
			char *big = malloc(2 * EIO_BINARY_FORM_BYTES);

			assert_non_null(big);
			memset(big, 'y', 2 * EIO_BINARY_FORM_BYTES - 1);
			big[2 * EIO_BINARY_FORM_BYTES - 1] = '\0';
			send_text(&r, big);
			get(&r, EIO_ACCEPT_OK);
			pump(&r);
			assert_true(r.log.n > 2 * EIO_BINARY_FORM_BYTES);
			assert_int_equal(eio_session_queued(&r.s), 0);
			free(big);
		}
		finish(&r);
	}
}

/* A queue that grew, wrapped around and emptied keeps its order. */
static void
test_queue_order(void **state)
{
	struct replay r;
	struct eio_output out;

	(void)state;
	start(&r, EIO_TRANSPORT_WEBSOCKET);
	for (int round = 0, next = 0; round < 50; round++) {
		for (int i = 0; i < 3 + round % 7; i++) {
			char text[16];

			snprintf(text, sizeof(text), "%d", next + (int)r.s.queue.count);
			send_text(&r, text);
		}
		while (r.s.queue.count > (size_t)(round % 5) &&
			eio_session_output(&r.s, true, &out) == EIO_OUTPUT_SEND) {
			char expected[16];
			struct eio_block *w = eio_bundle_wire(out.bundle, EIO_WIRE_POLLING);

			snprintf(expected, sizeof(expected), "4%d", next++);
			assert_int_equal(w->n, strlen(expected));
			assert_memory_equal(w->data, expected, w->n);
			eio_bundle_unref(out.bundle);
		}
	}
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

/* Revision 3 in the string form: the client pings, and the forms of the control packets differ. */
static void
test_revision_3(void **state)
{
	const struct eio_session_kind kind = { .transport = EIO_TRANSPORT_POLLING, .revision = 3, .b64 = true };
	struct replay r;

	(void)state;
	start_kind(&r, kind);
	EXPECT(&r, "answer 114:0{\"sid\":\"Aabcdefghijklmnopqrs\",\"upgrades\":[\"websocket\"],\"pingInterval\":300,"
		   "\"pingTimeout\":200,\"maxPayload\":1000000}");
	get(&r, EIO_ACCEPT_OK);
	post(&r, "6:4hello10:b4AQIDBA==1:2");
	EXPECT(&r, "text hello; binary \x01\x02\x03\x04; answer 1:3");
	get(&r, EIO_ACCEPT_OK);
	/* Every packet earns another pingInterval + pingTimeout; a pong means nothing. */
	pass(&r, 499);
	post(&r, "1:3");
	pass(&r, 0);
	EXPECT(&r, "");
	pass(&r, 499);
	EXPECT(&r, "");
	pass(&r, 1);
	EXPECT(&r, "closed ping timeout; answer 1:1; end");
	finish(&r);
	start_kind(&r, kind);
	eio_buf_clear(&r.log);
	pump(&r);
	eio_buf_clear(&r.log);
	eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "closed forced close; answer 1:61:1; end");
	finish(&r);
}

/* Its binary form, and the upgrade: binary messages carry their type on the WebSocket too. */
static void
test_revision_3_binary_form(void **state)
{
	const struct eio_session_kind kind = { .transport = EIO_TRANSPORT_POLLING, .revision = 3 };
	static const char in[] = "\0\3\xff"
				 "4hi\1\3\xff\4\xff\1";
	struct replay r;
	struct eio_event ev;

	(void)state;
	start_kind(&r, kind);
	pump(&r);
	eio_buf_clear(&r.log);
	memcpy(r.input, in, sizeof(in) - 1);
	assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OK);
	eio_session_post(&r.s, r.input, sizeof(in) - 1, true);
	EXPECT(&r, "text hi; binary \xff\x01");
	get(&r, EIO_ACCEPT_OK);
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	pump(&r);
	assert_memory_equal(r.log.p,
		"probe-pong; answer \0\1\xff"
		"6",
		r.log.n);
	eio_buf_clear(&r.log);
	probe(&r, "5");
	assert_int_equal(eio_session_wire(&r.s), EIO_WIRE_WS_3);
	memcpy(r.input, "\4\7", 2);
	eio_session_ws_recv(&r.s, true, r.input, 2);
	assert_int_equal(eio_session_event(&r.s, &ev, r.now), EIO_EVENT_MESSAGE);
	assert_true(ev.binary && ev.data.n == 1 && ev.data.p[0] == 7);
	ws(&r, "2");
	EXPECT(&r, "send 3");
	finish(&r);
}

/* What polling has taught about a client's text is known on its WebSocket. */
static void
test_revision_3_text(void **state)
{
	const struct eio_session_kind kind = { .transport = EIO_TRANSPORT_POLLING,
		.revision = 3,
		.b64 = true,
		.text = EIO_TEXT_UNKNOWN,
		.ws_text = EIO_TEXT_UNKNOWN };
	static const struct {
		const char *post, *told, *told_ws;
		enum eio_wire wire;
	} cases[] = {
		/* nothing; once; twice, it seems */
		{ "2:4h", "text h", "text \xc3\xa9", EIO_WIRE_POLLING_B64_3 },
		{ "2:4\xc3\xa9", "text \xc3\xa9", "text \xc3\x83\xc2\xa9", EIO_WIRE_POLLING_B64_3 },
		{ "3:4\xc3\x83\xc2\xa9", "text \xc3\xa9", "text \xc3\xa9", EIO_WIRE_POLLING_B64_3_TWICE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct replay r;

		start_kind(&r, kind);
		pump(&r);
		eio_buf_clear(&r.log);
		post(&r, cases[i].post);
		EXPECT(&r, cases[i].told);
		assert_int_equal(eio_session_wire(&r.s), cases[i].wire);
		assert_int_equal(eio_session_probe_open(&r.s, true, r.now), EIO_ACCEPT_OK);
		probe(&r, "5");
		ws(&r, "4\xc3\x83\xc2\xa9");
		EXPECT(&r, cases[i].told_ws);
		finish(&r);
	}
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

/* The string form for who does not show that it reads the other; what is binary leaves in that once the client sent
 * it. */
static void
test_strings(void **state)
{
	const struct eio_session_kind kind = { .transport = EIO_TRANSPORT_POLLING, .revision = 3, .strings = true };
	struct eio_message m[2] = { { .data = EIO_LIT("x") }, { .binary = true, .data = EIO_LIT("\1\2\3") } };
	struct eio_bundle *b = eio_bundle_new(m, 2);
	struct replay r;

	(void)state;
	start_kind(&r, kind);
	EXPECT(&r, "answer 114:0{\"sid\":\"Aabcdefghijklmnopqrs\",\"upgrades\":[\"websocket\"],\"pingInterval\":300,"
		   "\"pingTimeout\":200,\"maxPayload\":1000000}");
	eio_session_submit(&r.s, b, NULL);
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "answer 2:4x6:b4AQID");
	memcpy(r.input,
		"\0\1\xff"
		"6",
		4);
	assert_int_equal(eio_session_post_begin(&r.s), EIO_ACCEPT_OK);
	eio_session_post(&r.s, r.input, 4, true);
	send_text(&r, "y");
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "answer 2:4y");
	for (int i = 0; i < 2; i++) {
		struct eio_output out;

		if (i == 0) send_text(&r, "y");
		eio_session_submit(&r.s, b, NULL);
		get(&r, EIO_ACCEPT_OK);
		assert_int_equal(eio_session_output(&r.s, true, &out), EIO_OUTPUT_ANSWER);
		assert_int_equal(out.form, EIO_PAYLOAD_3_BINARY);
		eio_block_unref(out.body);
	}
	/* On a WebSocket bytes are bytes. */
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	get(&r, EIO_ACCEPT_OK);
	probe(&r, "2probe");
	EXPECT(&r, "probe-pong; answer 1:6");
	probe(&r, "5");
	assert_int_equal(eio_session_wire(&r.s), EIO_WIRE_WS_3);
	eio_bundle_unref(b);
	finish(&r);
}

/* Each transport's text as the generation reads it, where that is known. */
static void
test_wires_of_text(void **state)
{
	static const struct {
		enum eio_transport transport;
		bool b64;
		enum eio_wire wires[3]; /* once, twice, unknown */
	} cases[] = {
		{ EIO_TRANSPORT_POLLING, false, { EIO_WIRE_POLLING_3, EIO_WIRE_POLLING_3, EIO_WIRE_POLLING_3 } },
		{ EIO_TRANSPORT_POLLING, true,
			{ EIO_WIRE_POLLING_B64_3, EIO_WIRE_POLLING_B64_3_TWICE, EIO_WIRE_POLLING_B64_3 } },
		{ EIO_TRANSPORT_WEBSOCKET, false, { EIO_WIRE_WS_3, EIO_WIRE_WS_3_TWICE, EIO_WIRE_WS_3 } },
		{ EIO_TRANSPORT_WEBSOCKET, true, { EIO_WIRE_WS_B64_3, EIO_WIRE_WS_B64_3_TWICE, EIO_WIRE_WS_B64_3 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (enum eio_text text = EIO_TEXT_ONCE; text <= EIO_TEXT_UNKNOWN; text++) {
			struct replay r;

			start_kind(&r, (struct eio_session_kind){ .transport = cases[i].transport,
					       .revision = 3,
					       .b64 = cases[i].b64,
					       .text = text,
					       .ws_text = text });
			assert_int_equal(eio_session_wire(&r.s), cases[i].wires[text]);
			finish(&r);
		}
}

/* Forms of large messages */

/* A text of one letter, just large. */
static struct eio_bundle *
large(char fill)
{
	static char text[EIO_BUNDLE_LARGE - 1];
	struct eio_message m = { .data = { text, sizeof text } };
	struct eio_bundle *b;

	memset(text, fill, sizeof text);
	b = eio_bundle_new(&m, 1);
	assert_non_null(b);
	assert_int_equal(eio_bundle_size(b), EIO_BUNDLE_LARGE);
	return b;
}

static void
send_large(struct replay *r, char fill, const void *tag)
{
	struct eio_bundle *b = large(fill);

	assert_int_equal(eio_session_submit(&r->s, b, tag), EIO_SUBMITTED);
	eio_bundle_unref(b);
}

/* Checks that the next output carries the large message alone. */
static void
expect_large(struct replay *r, char fill)
{
	struct eio_output out;
	struct eio_block *w;

	eio_session_output(&r->s, r->writable, &out);
	assert_true(out.type == EIO_OUTPUT_SEND || out.type == EIO_OUTPUT_ANSWER);
	w = out.bundle ? eio_block_ref(eio_bundle_wire(out.bundle, EIO_WIRE_POLLING)) : out.body;
	assert_int_equal(out.plain_n, out.bundle ? 0 : EIO_BUNDLE_LARGE);
	if (out.coding == EIO_CODING_IDENTITY) {
		assert_int_equal(w->n, EIO_BUNDLE_LARGE);
		assert_int_equal(w->data[0], '4');
		assert_int_equal(w->data[w->n - 1], fill);
	}
	eio_block_unref(w);
	eio_bundle_unref(out.bundle);
}

/* A session that has its open packet, and when it polls a GET that is held. */
static void
start_quiet(struct replay *r, enum eio_transport transport, bool b64)
{
	start_kind(r, (struct eio_session_kind){ .transport = transport, .revision = 4, .b64 = b64 });
	pump(r);
	eio_buf_clear(&r->log);
	if (transport == EIO_TRANSPORT_POLLING) get(r, EIO_ACCEPT_OK);
}

/* The WebSocket form is there from the beginning. */
static void
test_form_at_hand(void **state)
{
	struct replay r;

	(void)state;
	start_quiet(&r, EIO_TRANSPORT_WEBSOCKET, false);
	send_large(&r, 'x', NULL);
	expect_large(&r, 'x');
	finish(&r);
}

/* Nothing overtakes what waits for its form; it costs the client nothing meanwhile, and is not dropped. */
static void
test_form_in_order(void **state)
{
	struct replay r;

	(void)state;
	start_quiet(&r, EIO_TRANSPORT_WEBSOCKET, true);
	send_text(&r, "a");
	send_large(&r, 'x', &r);
	EXPECT(&r, "send 4a; form");
	assert_int_equal(r.form.wire, EIO_WIRE_WS_B64);
	send_text(&r, "b");
	EXPECT(&r, "");
	assert_false(eio_session_direct(&r.s));
	assert_null(eio_session_take(&r.s));
	assert_int_equal(eio_session_queued(&r.s), 2 + EIO_QUEUED_COST);
	assert_int_equal(eio_session_replies(&r.s), 2 + EIO_QUEUED_COST);
	assert_int_equal(eio_session_drop(&r.s, NULL, 0), 0);
	assert_int_equal(eio_session_drop(&r.s, &r, 0), 0);
	formed(&r);
	assert_int_equal(eio_session_queued(&r.s), EIO_BUNDLE_LARGE + 2 + 2 * EIO_QUEUED_COST);
	expect_large(&r, 'x');
	EXPECT(&r, "send 4b");
	assert_int_equal(eio_session_queued(&r.s), 0);
	/* Nor is it sent to who takes nothing at the moment, and then it may be dropped again. */
	send_large(&r, 'y', &r);
	EXPECT(&r, "form");
	formed(&r);
	r.writable = false;
	EXPECT(&r, "");
	assert_int_equal(eio_session_drop(&r.s, &r, 0), 1);
	assert_int_equal(eio_session_queued(&r.s), 0);
	finish(&r);
}

/* A poll is answered with what comes before, then held until the form is there. With it goes what is small, but nothing
 * that has no form yet. */
static void
test_form_for_polls(void **state)
{
	struct replay r;
	struct eio_output out;

	(void)state;
	start_quiet(&r, EIO_TRANSPORT_POLLING, false);
	send_text(&r, "a");
	send_large(&r, 'x', NULL);
	send_text(&r, "b");
	EXPECT(&r, "answer 4a");
	get(&r, EIO_ACCEPT_OK);
	EXPECT(&r, "form");
	assert_int_equal(r.form.wire, EIO_WIRE_POLLING);
	send_large(&r, 'y', NULL);
	EXPECT(&r, "");
	formed(&r);
	assert_int_equal(eio_session_output(&r.s, true, &out), EIO_OUTPUT_ANSWER);
	assert_int_equal(out.body->n, EIO_BUNDLE_LARGE + strlen("|4b"));
	assert_memory_equal(out.body->data + EIO_BUNDLE_LARGE,
		"\x1e"
		"4b",
		3);
	eio_block_unref(out.body);
	assert_int_equal(r.s.queue.count, 1);
	finish(&r);
}

/* The connection of a poll that waits for a form breaks: the session ends, and the form that comes later is nobody's.
 */
static void
test_form_without_client(void **state)
{
	struct replay r;

	(void)state;
	start_quiet(&r, EIO_TRANSPORT_POLLING, false);
	send_large(&r, 'x', NULL);
	EXPECT(&r, "form");
	eio_session_get_abort(&r.s);
	EXPECT(&r, "closed transport error; end");
	formed(&r);
	EXPECT(&r, "");
	finish(&r);
}

/* What is queued is sent before the end, also when it waits for a form; a shutdown waits for nothing. */
static void
test_form_and_close(void **state)
{
	struct replay r;

	(void)state;
	for (int discard = 0; discard < 2; discard++) {
		start_quiet(&r, EIO_TRANSPORT_WEBSOCKET, true);
		send_large(&r, 'x', NULL);
		EXPECT(&r, "form");
		eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
		EXPECT(&r, "closed forced close");
		if (discard) {
			eio_session_discard(&r.s, EIO_REASON_SHUTDOWN);
			EXPECT(&r, "ws-close; end");
			formed(&r);
		} else {
			formed(&r);
			expect_large(&r, 'x');
			EXPECT(&r, "ws-close; end");
		}
		finish(&r);
	}
}

/* The client changes its transport while a form for polls is made: it gets the message in the WebSocket's. */
static void
test_form_and_upgrade(void **state)
{
	struct replay r;

	(void)state;
	start_quiet(&r, EIO_TRANSPORT_POLLING, false);
	send_large(&r, 'x', NULL);
	EXPECT(&r, "form");
	assert_int_equal(eio_session_probe_open(&r.s, false, r.now), EIO_ACCEPT_OK);
	probe(&r, "2probe");
	EXPECT(&r, "probe-pong");
	probe(&r, "5");
	send_text(&r, "b");
	EXPECT(&r, "answer 1");
	formed(&r);
	expect_large(&r, 'x');
	EXPECT(&r, "send 4b");
	finish(&r);
}

/* Compressed variants wait in the same way, those of polls and of WebSockets. */
static void
test_form_deflated(void **state)
{
	static const struct eio_deflate deflate = { .on = true, .threshold = 1024, .level = 1, .window_bits = 15 };
	struct replay r;

	(void)state;
	for (int websocket = 0; websocket < 2; websocket++) {
		start_quiet(&r, websocket ? EIO_TRANSPORT_WEBSOCKET : EIO_TRANSPORT_POLLING, false);
		r.settings.http_deflate = r.settings.ws_deflate = &deflate;
		eio_session_set_deflate(&r.s, true);
		eio_session_set_coding(&r.s, EIO_CODING_GZIP);
		send_large(&r, 'x', NULL);
		EXPECT(&r, "form-deflated");
		formed(&r);
		expect_large(&r, 'x');
		/* What reaches no threshold has no variant. */
		if (websocket) {
			struct eio_deflate never = deflate;

			never.threshold = 100 * EIO_BUNDLE_LARGE;
			r.settings.ws_deflate = &never;
			send_large(&r, 'y', NULL);
			expect_large(&r, 'y');
		}
		finish(&r);
	}
}

/* Payloads are bounded: a poll that copies many messages for one client would hold up the others. */
static void
test_payload_bounded(void **state)
{
	enum { FIT = EIO_PAYLOAD_BYTES / EIO_BUNDLE_LARGE - 1, ALL = 3 * FIT };
	struct eio_bundle *b = large('x');
	unsigned polls = 0;
	struct replay r;

	(void)state;
	start_quiet(&r, EIO_TRANSPORT_POLLING, false);
	assert_non_null(eio_bundle_wire(b, EIO_WIRE_POLLING));
	for (int i = 0; i < ALL; i++) assert_int_equal(eio_session_submit(&r.s, b, NULL), EIO_SUBMITTED);
	for (; r.s.queue.count > 0; polls++) {
		struct eio_output out;

		assert_int_equal(eio_session_output(&r.s, true, &out), EIO_OUTPUT_ANSWER);
		assert_true(out.body->n <= EIO_PAYLOAD_BYTES + ALL);
		eio_block_unref(out.body);
		get(&r, EIO_ACCEPT_OK);
	}
	assert_int_equal(polls, 3);
	eio_bundle_unref(b);
	finish(&r);
}

/* Pace */

/* Something that may wait, with a tag. ms: the pace it comes with; 0: none. */
static void
send_paced(struct replay *r, const char *text, unsigned ms)
{
	struct eio_message m = { .data = eio_cstr(text) };
	struct eio_bundle *b = eio_bundle_new(&m, 1);

	assert_non_null(b);
	if (ms || eio_session_has_pace(&r->s))
		assert_int_equal(eio_session_submit_paced(&r->s, b, r, ms, r->now), EIO_SUBMITTED);
	else
		assert_int_equal(eio_session_submit(&r->s, b, r), EIO_SUBMITTED);
	eio_bundle_unref(b);
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
		cmocka_unit_test(test_form_at_hand),
		cmocka_unit_test(test_form_in_order),
		cmocka_unit_test(test_form_for_polls),
		cmocka_unit_test(test_form_without_client),
		cmocka_unit_test(test_form_and_close),
		cmocka_unit_test(test_form_and_upgrade),
		cmocka_unit_test(test_form_deflated),
		cmocka_unit_test(test_payload_bounded),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_pace_released),
		cmocka_unit_test(test_pace_of_some),
		cmocka_unit_test(test_pace_of_polls),
		cmocka_unit_test(test_pace_and_upgrade),
		cmocka_unit_test(test_pace_of_slow),
		cmocka_unit_test(test_poll_and_post),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_heartbeat_extended_once),
		cmocka_unit_test(test_late_ticks),
		cmocka_unit_test(test_early_ping),
		cmocka_unit_test(test_catch_up),
		cmocka_unit_test(test_open_alone),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_wires_of_text),
		cmocka_unit_test(test_heartbeat_outlives_upgrade),
		cmocka_unit_test(test_wrong_heartbeat_direction),
		cmocka_unit_test(test_malformed_payload),
		cmocka_unit_test(test_good_then_bad),
		cmocka_unit_test(test_client_close),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_aborts),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_messages_while_probing),
		cmocka_unit_test(test_probe_failures),
		cmocka_unit_test(test_upgrade_timeout),
		cmocka_unit_test(test_upgrade_waits_for_post),
		cmocka_unit_test(test_upgrade_during_post),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_upgrade_without_probe),
		cmocka_unit_test(test_server_close),
		cmocka_unit_test(test_close_moves_to_websocket),
		cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_shutdown_of_a_closing_session),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_read_in_turns),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_binary_form_in_parts),
		cmocka_unit_test(test_queue_order),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_probe_after_failed_probe),
		cmocka_unit_test(test_poll_after_failed_probe),
		cmocka_unit_test(test_get_abort_after_upgrade),
		cmocka_unit_test(test_closing_upgrade_ends),
		cmocka_unit_test(test_upgrade_b64),
		cmocka_unit_test(test_revision_3),
		cmocka_unit_test(test_revision_3_binary_form),
		cmocka_unit_test(test_revision_3_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
