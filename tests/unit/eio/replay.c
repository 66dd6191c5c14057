/* SPDX-License-Identifier: MIT */
/* Plays a session, and writes down what it says. */
#include "tests/unit/eio/replay.h"

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

void
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

void
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

void
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

void
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

void
finish(struct replay *r)
{
	eio_session_deinit(&r->s);
	eio_bundle_unref(r->form.bundle);
	eio_bundle_unref(r->settings.ping);
	eio_bundle_unref(r->settings.pong);
	eio_buf_deinit(&r->log);
}

void
get(struct replay *r, enum eio_accept expected)
{
	assert_int_equal(eio_session_get(&r->s, r->now), expected);
}

void
post(struct replay *r, const char *body)
{
	size_t n = strlen(body);

	for (size_t i = 0; i <= n; i++) r->input[i] = body[i] == '|' ? 0x1e : body[i];
	assert_int_equal(eio_session_post_begin(&r->s), EIO_ACCEPT_OK);
	eio_session_post(&r->s, r->input, n, false);
}

void
ws(struct replay *r, const char *text)
{
	strcpy(r->input, text);
	eio_session_ws_recv(&r->s, false, r->input, strlen(text));
}

void
send_text(struct replay *r, const char *text)
{
	struct eio_message m = { .data = eio_cstr(text) };
	struct eio_bundle *b = eio_bundle_new(&m, 1);

	assert_non_null(b);
	eio_session_submit(&r->s, b, NULL);
	eio_bundle_unref(b);
}

void
pass(struct replay *r, uint64_t ms)
{
	r->now += ms;
	if (eio_session_deadline(&r->s) <= r->now) eio_session_tick(&r->s, r->now);
}

void
probe(struct replay *r, const char *text)
{
	eio_session_probe_recv(&r->s, false, eio_cstr(text));
}

void
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
