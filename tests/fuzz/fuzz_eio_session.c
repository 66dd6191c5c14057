/* SPDX-License-Identifier: MIT */
/*
 * A session driven by any order of what can happen to it, with a server around
 * it that keeps the rules of session.h: it never holds two GETs, tells what it
 * was told to do, and does the outputs only at the end of a turn, as eio/net/
 * does. The first byte chooses the kind of session; then each byte is a step,
 * and some take what they need from the bytes behind it.
 */
#include "eio/session.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGE_MAX = 4 }; /* for one input: they take time */

struct edge {
	struct eio_session s;
	struct eio_bytes in; /* what is left of the input */
	uint64_t now_ms;
	bool get, post, ws, probe; /* what the server holds */
	bool told, ended, full;
	unsigned n_large;
	bool forming; /* what waits longest is not sent before the session is told that its form is made */
	struct eio_bundle *bundle;
};

static unsigned
byte(struct edge *e)
{
	unsigned b;

	if (e->in.n == 0) return 0;
	b = (unsigned char)e->in.p[0];
	e->in = eio_bytes(e->in.p + 1, e->in.n - 1);
	return b;
}

/* A copy of the next bytes, in memory of its own; freed by the caller. */
static char *
take(struct edge *e, size_t *n)
{
	size_t want = byte(e) % 32;
	char *copy;

	if (want > e->in.n) want = e->in.n;
	copy = malloc(want ? want : 1);
	if (!copy) abort();
	if (want) memcpy(copy, e->in.p, want);
	e->in = eio_bytes(e->in.p + want, e->in.n - want);
	*n = want;
	return copy;
}

static void
events(struct edge *e)
{
	struct eio_event ev;

	for (;;) {
		switch (eio_session_event(&e->s, &ev, e->now_ms)) {
		case EIO_EVENT_NONE: return;
		case EIO_EVENT_MESSAGE:
			if (e->told) abort(); /* nothing after the end */
			if (ev.data.n > 0 && ev.data.p[0] == 'C')
				eio_session_close(&e->s, EIO_REASON_FORCED_CLOSE, e->now_ms);
			break;
		case EIO_EVENT_CLOSE:
			if (e->told || ev.reason >= EIO_REASON_COUNT) abort();
			e->told = true;
			break;
		case EIO_EVENT_LATER: break;
		}
	}
}

static void
do_output(struct edge *e, const struct eio_output *out)
{
	switch (out->type) {
	case EIO_OUTPUT_ANSWER:
		if (!e->get || !out->body || out->body->n == 0) abort();
		e->get = false;
		eio_block_unref(out->body);
		break;
	case EIO_OUTPUT_FORM:
		if (e->forming || eio_bundle_has(out->bundle, out->wire, out->deflate)) abort();
		if (!eio_bundle_wire(out->bundle, out->wire)) abort();
		eio_bundle_unref(out->bundle);
		e->forming = true;
		break;
	case EIO_OUTPUT_SEND:
		if (e->forming) abort();
		if (e->full || eio_session_transport(&e->s) != EIO_TRANSPORT_WEBSOCKET) abort();
		if (!eio_bundle_wire(out->bundle, eio_session_wire(&e->s))) abort();
		eio_bundle_unref(out->bundle);
		break;
	case EIO_OUTPUT_WS_CLOSE: e->ws = false; break;
	case EIO_OUTPUT_PROBE_PONG: break; /* the upgrade may have made it the session's WebSocket already */
	case EIO_OUTPUT_PROBE_CLOSE:
		if (e->s.probe != EIO__PROBE_NONE) abort(); /* it would be another one */
		e->probe = false;
		break;
	case EIO_OUTPUT_POST_DESTROY: e->post = false; break; /* it may have gone by itself in the same turn */
	case EIO_OUTPUT_END:
		if (!e->told || eio_session_queued(&e->s) || eio_session_deadline(&e->s) != UINT64_MAX) abort();
		e->ended = true;
		break;
	case EIO_OUTPUT_NONE: break;
	}
}

/* The end of a turn. */
static void
pump(struct edge *e)
{
	struct eio_output out;
	int guard = 100000;

	events(e);
	while (!e->ended && eio_session_output(&e->s, !e->full, &out) != EIO_OUTPUT_NONE) {
		if (--guard == 0) abort();
		do_output(e, &out);
	}
	if (e->told && !e->ended && eio_session_deadline(&e->s) == UINT64_MAX) abort(); /* would stay forever */
}

static void
step_poll(struct edge *e, uint32_t stamp)
{
	if (eio_session_repeats(&e->s, stamp)) return;
	switch (eio_session_get(&e->s, e->now_ms)) {
	case EIO_ACCEPT_OK:
		if (e->get) abort();
		e->get = true;
		break;
	case EIO_ACCEPT_OVERLAP:
		if (!e->get) abort();
		break;
	case EIO_ACCEPT_BAD_REQUEST: break;
	case EIO_ACCEPT_REFUSE: abort();
	}
}

static void
step_post_begin(struct edge *e)
{
	switch (eio_session_post_begin(&e->s)) {
	case EIO_ACCEPT_OK:
		if (e->post) abort();
		e->post = true;
		break;
	case EIO_ACCEPT_OVERLAP:
		if (!e->post) abort();
		break;
	case EIO_ACCEPT_BAD_REQUEST: break;
	case EIO_ACCEPT_REFUSE: abort();
	}
}

static void
step_post(struct edge *e, bool binary)
{
	size_t n;
	char *body = take(e, &n);

	if (e->post) {
		e->post = false;
		eio_session_post(&e->s, body, n, binary);
		events(e);
	}
	free(body);
}

static void
step_post_end(struct edge *e, unsigned how)
{
	if (!e->post) return;
	e->post = false;
	switch (how % 3) {
	case 0: eio_session_post_abort(&e->s); break;
	case 1: eio_session_post_refused(&e->s); break;
	case 2: eio_session_post_bad_type(&e->s); break;
	}
}

static void
step_probe_recv(struct edge *e)
{
	static const char *const usual[] = { "2probe", "5", "2", "", "2probe!" };
	unsigned what = byte(e);

	if (!e->probe) return;
	eio_session_probe_recv(&e->s, what & 0x80, eio_cstr(usual[what % 5]));
	if (eio_session_upgraded(&e->s)) {
		e->probe = false;
		e->ws = true;
	}
}

static void
step_ws_recv(struct edge *e, bool binary)
{
	size_t n;
	char *data = take(e, &n);

	if (e->ws) {
		eio_session_ws_recv(&e->s, binary, data, n);
		events(e);
	}
	free(data);
}

static void
step_time(struct edge *e)
{
	uint64_t deadline = eio_session_deadline(&e->s);
	unsigned how = byte(e);

	if (how % 2)
		e->now_ms += how;
	else if (deadline != UINT64_MAX && deadline > e->now_ms)
		e->now_ms = deadline;
	eio_session_tick(&e->s, e->now_ms);
	if (eio_session_deadline(&e->s) <= e->now_ms) abort(); /* the timer would fire again and again */
}

static void
step_leave(struct edge *e, unsigned how)
{
	if (how % 3 == 0 && e->get) {
		e->get = false;
		eio_session_get_abort(&e->s);
	} else if (how % 3 == 1 && e->probe) {
		e->probe = false;
		eio_session_probe_closed(&e->s);
	} else if (how % 3 == 2 && e->ws) {
		e->ws = false;
		eio_session_ws_closed(&e->s, how & 0x80);
	}
}

/* A message whose forms are made elsewhere, but for one. */
static struct eio_bundle *
large(void)
{
	static const char text[EIO_BUNDLE_LARGE];
	struct eio_message m = { .data = { text, sizeof text } };

	return eio_bundle_new(&m, 1);
}

static void
step_send(struct edge *e)
{
	unsigned how = byte(e);
	const void *tag = how % 2 ? e : NULL;
	bool is_large = how & 2 && e->n_large < LARGE_MAX;
	struct eio_bundle *b = is_large ? large() : eio_bundle_ref(e->bundle);

	e->n_large += is_large;
	if (eio_session_submit(&e->s, b, tag) == 0 && e->told) abort();
	eio_bundle_unref(b);
}

static void
step_room(struct edge *e)
{
	unsigned how = byte(e);

	e->full = how % 2;
	if (!(how & 2) || !e->forming) return;
	e->forming = false;
	eio_session_formed(&e->s);
}

static void
step(struct edge *e)
{
	unsigned b = byte(e);

	switch (b % 16) {
	case 0: step_poll(e, (b >> 4) % 4); break;
	case 1: step_post_begin(e); break;
	case 2: step_post(e, false); break;
	case 3: step_post(e, true); break;
	case 4: step_post_end(e, byte(e)); break;
	case 5:
		if (eio_session_probe_open(&e->s, false, e->now_ms) == EIO_ACCEPT_OK) {
			if (e->probe) abort(); /* the server knows one only */
			e->probe = true;
		}
		break;
	case 6: step_probe_recv(e); break;
	case 7: step_ws_recv(e, false); break;
	case 8: step_ws_recv(e, true); break;
	case 9: step_time(e); break;
	case 10: step_leave(e, byte(e)); break;
	case 11: step_send(e); break;
	case 12: eio_session_drop(&e->s, byte(e) % 2 ? e : NULL, byte(e)); break;
	case 13:
		if (byte(e) % 2)
			eio_session_close(&e->s, EIO_REASON_FORCED_CLOSE, e->now_ms);
		else
			eio_session_discard(&e->s, EIO_REASON_SHUTDOWN);
		break;
	case 14: step_room(e); break;
	case 15: pump(e); return;
	}
	events(e);
	if (b & 0x80) pump(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_settings settings = { .ping_interval = 25000,
		.ping_timeout = 20000,
		.upgrade_timeout = 10000,
		.max_payload = 1000,
		.polling = true,
		.websocket = true,
		.allow_upgrades = true };
	struct edge e = { .in = eio_bytes(data, size), .now_ms = 1000 };
	struct eio_message message = { .data = EIO_LIT("2[\"a\"]"), .json = true };
	struct eio_session_kind kind;
	unsigned b = byte(&e);

	kind = (struct eio_session_kind){ .transport = b & 1 ? EIO_TRANSPORT_WEBSOCKET : EIO_TRANSPORT_POLLING,
		.revision = b & 2 ? 4 : 3,
		.b64 = b & 4,
		.text = (enum eio_text)((b >> 3) % 3),
		.ws_text = (enum eio_text)((b >> 5) % 3) };
	settings.ping = eio_bundle_packet(EIO_PACKET_PING, EIO_LIT(""));
	settings.pong = eio_bundle_packet(EIO_PACKET_PONG, EIO_LIT(""));
	e.bundle = eio_bundle_new(&message, 1);
	if (eio_session_init(&e.s, &settings, "abcdefghijklmnopqrst", &kind, e.now_ms)) abort();
	e.get = !(b & 1);
	e.ws = b & 1;
	while (!e.ended && e.in.n > 0) step(&e);
	/* Whatever happened before, a server that goes away gets rid of it. */
	if (!e.ended) {
		e.full = false;
		eio_session_discard(&e.s, EIO_REASON_SHUTDOWN);
		pump(&e);
	}
	if (!e.ended) abort();
	eio_session_deinit(&e.s);
	eio_bundle_unref(e.bundle);
	eio_bundle_unref(settings.ping);
	eio_bundle_unref(settings.pong);
	return 0;
}
