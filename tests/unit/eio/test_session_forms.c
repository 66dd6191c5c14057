/* SPDX-License-Identifier: MIT */
/* The session: what it sends in which form, of both revisions; forms that others make. */
#include "tests/unit/eio/replay.h"

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
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_wires_of_text),
		cmocka_unit_test(test_binary_form_in_parts),
		cmocka_unit_test(test_queue_order),
		cmocka_unit_test(test_revision_3),
		cmocka_unit_test(test_revision_3_binary_form),
		cmocka_unit_test(test_revision_3_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
