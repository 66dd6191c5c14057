/* SPDX-License-Identifier: MIT */
/*
 * The session state machine. Flags that end in _due are outputs waiting to be
 * taken; only enter_closing() and finish() assign the state.
 */
#include "eio/session.h"

#include "eio/buf.h"
#include "eio/collect.h"
#include "eio/packet.h"

enum state { STATE_OPEN, STATE_CLOSING, STATE_CLOSED, STATE_ENDED };

static const char probe_text[] = "probe";

/* Closing */

static void
stop_timers(struct eio_session *s)
{
	s->heartbeat_at = s->upgrade_at = s->noop_at = s->close_at = 0;
}

static void
end_probe(struct eio_session *s)
{
	if (!s->probing) return;
	s->probing = false;
	s->probe_close_due = true;
	s->upgrade_at = s->noop_at = 0;
}

/* The end: nothing is sent any more except the answers that are due. */
static void
finish(struct eio_session *s, enum eio_reason reason)
{
	if (s->state >= STATE_CLOSED) return;
	if (s->state == STATE_OPEN) {
		s->reason = (unsigned char)reason;
		s->closed_event = true;
	}
	end_probe(s);
	stop_timers(s);
	eio_queue_clear(&s->queue);
	s->state = STATE_CLOSED;
}

/* Fatal for the session, and the client is told: a held GET gets the close packet, a WebSocket a close frame. */
static void
fail(struct eio_session *s, enum eio_reason reason)
{
	if (s->state >= STATE_CLOSED) return;
	s->tell_close = true;
	finish(s, reason);
}

static void
enter_closing(struct eio_session *s, enum eio_reason reason, uint64_t now_ms)
{
	s->reason = (unsigned char)reason;
	s->closed_event = true;
	s->state = STATE_CLOSING;
	s->heartbeat_at = 0;
	s->close_at = now_ms + EIO_CLOSE_TIMEOUT_MS;
}

/* What is left to do once a closing session has sent its queue. */
static void
closing_drained(struct eio_session *s, bool discard)
{
	if (s->kind.transport == EIO_TRANSPORT_WEBSOCKET || s->get_held || discard) fail(s, (enum eio_reason)s->reason);
}

void
eio_session_close(struct eio_session *s, enum eio_reason reason, uint64_t now_ms)
{
	if (s->state != STATE_OPEN) return;
	enter_closing(s, reason, now_ms);
	if (s->queue.count == 0) closing_drained(s, false);
}

void
eio_session_discard(struct eio_session *s, enum eio_reason reason)
{
	if (s->state == STATE_OPEN) enter_closing(s, reason, 0);
	if (s->state == STATE_CLOSING) closing_drained(s, true);
}

/* Set-up */

static struct eio_bundle *
open_packet(const struct eio_session *s)
{
	const struct eio_settings *o = s->settings;
	bool upgrade = s->kind.transport == EIO_TRANSPORT_POLLING && o->allow_upgrades && o->websocket;
	struct eio_bundle *b = NULL;
	struct eio_buf json;

	eio_buf_init(&json);
	eio_buf_printf(&json,
		"{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%llu,\"pingTimeout\":%llu,\"maxPayload\":%zu}",
		s->sid, upgrade ? "\"websocket\"" : "", (unsigned long long)o->ping_interval,
		(unsigned long long)o->ping_timeout, o->max_payload);
	if (!eio_buf_failed(&json)) b = eio_bundle_packet(EIO_PACKET_OPEN, eio_buf_bytes(&json));
	eio_buf_deinit(&json);
	return b;
}

int
eio_session_init(struct eio_session *s, const struct eio_settings *settings, const char *sid,
	const struct eio_session_kind *kind, uint64_t now_ms)
{
	*s = (struct eio_session){ .settings = settings, .kind = *kind };
	memcpy(s->sid, sid, EIO_SID_LEN);
	s->get_held = kind->transport == EIO_TRANSPORT_POLLING;
	s->heartbeat_at = now_ms + settings->ping_interval;
	/* In revision 3 it is the client that pings, and the server that waits. */
	if (kind->revision == 3) s->heartbeat_at += settings->ping_timeout;
	return eio_queue_put(&s->queue, open_packet(s), NULL);
}

void
eio_session_deinit(struct eio_session *s)
{
	eio_queue_clear(&s->queue);
}

/* Polling */

static bool
is_polling(const struct eio_session *s)
{
	return s->kind.transport == EIO_TRANSPORT_POLLING && s->state < STATE_CLOSED;
}

/* A probe was answered, and a GET is held that must not hold up the client: an official one upgrades once it has both the pong and
 * the answer to its last GET. The pong goes first, so the noop follows at once. Who polls again nevertheless has yet to see the pong
 * and would come again and again. */
static void
release_get(struct eio_session *s, uint64_t now_ms)
{
	if (s->probe_nooped)
		s->noop_at = now_ms + EIO_NOOP_DELAY_MS;
	else
		s->noop_due = s->probe_nooped = true;
}

enum eio_accept
eio_session_get(struct eio_session *s, uint64_t now_ms)
{
	if (!is_polling(s)) return EIO_ACCEPT_BAD_REQUEST;
	if (s->get_held) {
		fail(s, EIO_REASON_TRANSPORT_ERROR);
		return EIO_ACCEPT_OVERLAP;
	}
	s->get_held = true;
	if (s->state == STATE_CLOSING && s->queue.count == 0) {
		/* The client comes for the news that the server closed: noop and close in one payload. */
		s->answer_noop_close = true;
		fail(s, (enum eio_reason)s->reason);
	} else if (s->probe_ponged && s->queue.count == 0) {
		release_get(s, now_ms);
	}
	return EIO_ACCEPT_OK;
}

void
eio_session_get_abort(struct eio_session *s)
{
	s->get_held = s->drop_get = false;
	/* After the upgrade a poll means nothing to the session any more. */
	if (s->kind.transport == EIO_TRANSPORT_POLLING) finish(s, EIO_REASON_TRANSPORT_ERROR);
}

enum eio_accept
eio_session_post_begin(struct eio_session *s)
{
	if (!is_polling(s)) return EIO_ACCEPT_BAD_REQUEST;
	if (s->post_open) {
		s->drop_post = true;
		fail(s, EIO_REASON_TRANSPORT_ERROR);
		return EIO_ACCEPT_OVERLAP;
	}
	s->post_open = true;
	return EIO_ACCEPT_OK;
}

void
eio_session_post_abort(struct eio_session *s)
{
	s->post_open = s->drop_post = false;
	/* After the upgrade a POST means nothing to the session any more. */
	if (s->kind.transport == EIO_TRANSPORT_POLLING) fail(s, EIO_REASON_TRANSPORT_ERROR);
}

void
eio_session_post_refused(struct eio_session *s)
{
	s->post_open = false;
}

void
eio_session_post(struct eio_session *s, char *body, size_t n, bool binary)
{
	s->post_open = false;
	if (s->state != STATE_OPEN) return;
	s->in = (struct eio_payload){ .p = body, .n = n, .text = s->kind.text };
	s->in.form = s->kind.revision == 4 ? EIO_PAYLOAD_4 : binary ? EIO_PAYLOAD_3_BINARY : EIO_PAYLOAD_3_STRING;
}

void
eio_session_post_bad_type(struct eio_session *s)
{
	s->post_open = false;
	fail(s, EIO_REASON_TRANSPORT_ERROR);
}

/* WebSocket */

struct eio_bundle *
eio_session_take(struct eio_session *s)
{
	if (s->kind.transport != EIO_TRANSPORT_WEBSOCKET || s->state != STATE_OPEN || s->queue.count == 0) return NULL;
	return eio_queue_take(&s->queue);
}

enum eio_accept
eio_session_probe_open(struct eio_session *s, bool b64, uint64_t now_ms)
{
	/* The edge knows one probe at a time: one that is to be closed is still there. */
	if (!is_polling(s) || s->probing || s->probe_close_due || !s->settings->allow_upgrades)
		return EIO_ACCEPT_REFUSE;
	s->probing = true;
	s->probe_b64 = b64;
	s->probe_ponged = s->probe_nooped = false;
	s->upgrade_at = now_ms + s->settings->upgrade_timeout;
	return EIO_ACCEPT_OK;
}

/* From here on the WebSocket is the transport. A GET that is still held is told "close", as engine.io does. */
static void
upgrade(struct eio_session *s)
{
	s->kind.transport = EIO_TRANSPORT_WEBSOCKET;
	s->upgraded = true;
	s->probing = s->probe_ponged = false;
	s->upgrade_at = s->noop_at = 0;
	s->drop_get = s->get_held;
	s->drop_post = s->post_open; /* official clients have none then */
	s->poll_b64 = s->kind.b64;
	s->kind.b64 = s->probe_b64;
	if (s->state == STATE_CLOSING && s->queue.count == 0) closing_drained(s, false);
}

void
eio_session_probe_recv(struct eio_session *s, bool binary, struct eio_bytes data)
{
	if (!s->probing) return;
	if (!binary && data.n == sizeof(probe_text) && data.p[0] == '2' &&
		memcmp(data.p + 1, probe_text, data.n - 1) == 0) {
		s->probe_pong_due = true;
		s->probe_ponged = true;
		s->noop_due = s->get_held;
		s->probe_nooped = s->probe_nooped || s->get_held;
		s->noop_at = 0;
	} else if (!binary && data.n > 0 && data.p[0] == '5') {
		upgrade(s);
	} else {
		end_probe(s);
	}
}

void
eio_session_probe_closed(struct eio_session *s)
{
	s->probing = s->probe_ponged = s->probe_pong_due = s->probe_close_due = false;
	s->upgrade_at = s->noop_at = 0;
}

void
eio_session_ws_recv(struct eio_session *s, bool binary, char *data, size_t n)
{
	if (s->state != STATE_OPEN) return;
	s->in = (struct eio_payload){ .p = data, .n = n };
	s->ws_in = true;
	s->ws_in_binary = binary;
}

void
eio_session_ws_closed(struct eio_session *s, bool error)
{
	s->tell_close = false;
	finish(s, error ? EIO_REASON_TRANSPORT_ERROR : EIO_REASON_TRANSPORT_CLOSE);
}

/* Packets in */

/* Any packet proves life. In revision 4 that counts only once per ping, as in engine.io 6.6: a client that never answers
 * pings is not kept. */
static void
note_alive(struct eio_session *s, uint64_t now_ms)
{
	if (s->kind.revision == 3) {
		s->heartbeat_at = now_ms + s->settings->ping_interval + s->settings->ping_timeout;
	} else if (s->ping_out && !s->ping_extended) {
		s->ping_extended = true;
		s->heartbeat_at = now_ms + s->settings->ping_timeout;
	}
}

/* Revision 3: the client's ping is answered, whatever stands in it. Revision 4: only the server pings. */
static void
on_ping(struct eio_session *s)
{
	if (s->kind.revision == 4 || eio_queue_put(&s->queue, eio_bundle_ref(s->settings->pong), NULL))
		fail(s, EIO_REASON_TRANSPORT_ERROR);
}

/* Revision 3: means nothing, as in the servers of its time. */
static void
on_pong(struct eio_session *s, uint64_t now_ms)
{
	if (s->kind.revision == 3) return;
	s->ping_out = s->ping_extended = false;
	s->heartbeat_at = now_ms + s->settings->ping_interval;
}

/* Returns true when the packet is an event. */
static bool
on_packet(struct eio_session *s, const struct eio_packet *p, struct eio_event *ev, uint64_t now_ms)
{
	note_alive(s, now_ms);
	switch (p->type) {
	case EIO_PACKET_MESSAGE:
		*ev = (struct eio_event){ .type = EIO_EVENT_MESSAGE, .binary = p->binary, .data = p->data };
		return true;
	case EIO_PACKET_PONG: on_pong(s, now_ms); break;
	case EIO_PACKET_PING: on_ping(s); break;
	case EIO_PACKET_CLOSE:
		/* A held GET is released with a noop, a WebSocket is closed. */
		s->noop_due = s->get_held;
		s->tell_close = s->kind.transport == EIO_TRANSPORT_WEBSOCKET;
		finish(s, EIO_REASON_TRANSPORT_CLOSE);
		break;
	case EIO_PACKET_OPEN:
	case EIO_PACKET_UPGRADE:
	case EIO_PACKET_NOOP: break;
	}
	return false;
}

/* The one packet of a WebSocket message. Returns as eio_payload_next does. */
static int
ws_packet(struct eio_session *s, struct eio_packet *p)
{
	char *data = s->in.p;
	size_t n = s->in.n;

	s->in.p = NULL;
	s->ws_in = false;
	if (!s->ws_in_binary) return eio_packet_decode(p, data, n, s->kind.revision, &s->kind.ws_text) ? -1 : 1;
	if (s->kind.revision == 3) return eio_packet_decode_binary_3(p, eio_bytes(data, n)) ? -1 : 1;
	*p = (struct eio_packet){ EIO_PACKET_MESSAGE, true, eio_bytes(data, n) };
	return 1;
}

/* Takes the next packet of what came in. Returns true when it is an event. */
static bool
next_packet(struct eio_session *s, struct eio_event *ev, uint64_t now_ms)
{
	struct eio_packet p;
	int rc;

	if (s->ws_in) {
		rc = ws_packet(s, &p);
	} else {
		rc = eio_payload_next(&s->in, &p);
		/* What it learned about the client. Nobody encodes twice on WebSockets only. */
		s->kind.text = s->in.text;
		if (s->kind.text == EIO_TEXT_ONCE) s->kind.ws_text = EIO_TEXT_ONCE;
	}
	if (rc < 0) fail(s, EIO_REASON_PARSE_ERROR);
	return rc > 0 && on_packet(s, &p, ev, now_ms);
}

enum eio_event_type
eio_session_event(struct eio_session *s, struct eio_event *ev, uint64_t now_ms)
{
	while ((s->in.p || s->ws_in) && s->state == STATE_OPEN)
		if (next_packet(s, ev, now_ms)) return EIO_EVENT_MESSAGE;
	s->in.p = NULL;
	s->ws_in = false;
	*ev = (struct eio_event){ .type = EIO_EVENT_NONE };
	if (s->closed_event) {
		s->closed_event = false;
		*ev = (struct eio_event){ .type = EIO_EVENT_CLOSE, .reason = (enum eio_reason)s->reason };
	}
	return ev->type;
}

/* Packets out */

int
eio_session_submit(struct eio_session *s, struct eio_bundle *b, const void *tag)
{
	if (s->state != STATE_OPEN) return -1;
	return eio_queue_put(&s->queue, eio_bundle_ref(b), tag);
}

size_t
eio_session_drop(struct eio_session *s, const void *tag, size_t max_bytes)
{
	return eio_queue_drop(&s->queue, tag, max_bytes);
}

bool
eio_session_direct(const struct eio_session *s)
{
	return s->kind.transport == EIO_TRANSPORT_WEBSOCKET && s->queue.count == 0 && s->state == STATE_OPEN;
}

enum eio_wire
eio_session_wire(const struct eio_session *s)
{
	static const enum eio_wire wires[2][2][2] = {
		{ { EIO_WIRE_POLLING_3, EIO_WIRE_POLLING_B64_3 }, { EIO_WIRE_WS_3, EIO_WIRE_WS_B64_3 } },
		{ { EIO_WIRE_POLLING, EIO_WIRE_POLLING }, { EIO_WIRE_WS, EIO_WIRE_WS_B64 } },
	};
	enum eio_wire wire = wires[s->kind.revision == 4][s->kind.transport == EIO_TRANSPORT_WEBSOCKET][s->kind.b64];

	/* Who has sent only ASCII is sent only ASCII, for which it makes no difference. */
	if (wire == EIO_WIRE_POLLING_B64_3 && s->kind.text != EIO_TEXT_ONCE) return EIO_WIRE_POLLING_B64_3_TWICE;
	return wire;
}

/* In which form a held GET is answered, also when the upgrade has just taken its transport away. */
static enum eio_payload_form
poll_form(const struct eio_session *s)
{
	bool b64 = s->upgraded ? s->poll_b64 : s->kind.b64;

	if (s->kind.revision == 4) return EIO_PAYLOAD_4;
	return b64 ? EIO_PAYLOAD_3_STRING : EIO_PAYLOAD_3_BINARY;
}

/* The answer of a held GET that carries no message: which one wins when several are due, in the session's form. */
static struct eio_bytes
control_payload(const struct eio_session *s)
{
	enum { NOOP, CLOSE, NOOP_CLOSE };
	static const struct eio_bytes payloads[3][3] = {
		{ { "6", 1 }, { "1", 1 },
			{ "6\x1e"
			  "1",
				3 } },
		{ { "1:6", 3 }, { "1:1", 3 }, { "1:61:1", 6 } },
		{ { "\0\1\xff"
		    "6",
			  4 },
			{ "\0\1\xff"
			  "1",
				4 },
			{ "\0\1\xff"
			  "6\0\1\xff"
			  "1",
				8 } },
	};
	enum eio_payload_form form = poll_form(s);

	if (s->answer_noop_close) return payloads[form][NOOP_CLOSE];
	return payloads[form][s->drop_get || s->tell_close ? CLOSE : NOOP];
}

static bool
answer(struct eio_session *s, struct eio_output *out)
{
	bool control = s->state >= STATE_CLOSED || s->drop_get || (s->queue.count == 0 && s->noop_due);

	if (!s->get_held) return false;
	/* Only the upgrade leaves a GET without a transport: its messages go to the WebSocket. */
	if (!control && (s->queue.count == 0 || s->kind.transport != EIO_TRANSPORT_POLLING)) return false;
	out->type = EIO_OUTPUT_ANSWER;
	out->form = poll_form(s);
	if (control) {
		out->body = eio_block_of(control_payload(s));
		out->plain_n = out->body ? out->body->n : 0;
	} else {
		out->coding = (enum eio_coding)s->coding;
		out->body = eio_collect(
			&s->queue, eio_session_wire(s), s->settings->http_deflate, &out->coding, &out->plain_n);
	}
	s->get_held = s->drop_get = s->noop_due = s->answer_noop_close = false;
	s->noop_at = 0;
	if (s->state >= STATE_CLOSED) s->tell_close = false;
	return true;
}

/* Before the answer of the held GET: a client that had the noop first would poll again. */
static bool
probe_pong(struct eio_session *s, struct eio_output *out)
{
	if (!s->probe_pong_due) return false;
	s->probe_pong_due = false;
	out->type = EIO_OUTPUT_PROBE_PONG;
	return true;
}

static bool
probe_close(struct eio_session *s, struct eio_output *out)
{
	if (!s->probe_close_due) return false;
	s->probe_close_due = s->probe_ponged = false;
	out->type = EIO_OUTPUT_PROBE_CLOSE;
	return true;
}

enum eio_output_type
eio_session_output(struct eio_session *s, bool writable, struct eio_output *out)
{
	*out = (struct eio_output){ .type = EIO_OUTPUT_NONE };
	if (s->state == STATE_CLOSING && s->queue.count == 0 && s->kind.transport == EIO_TRANSPORT_WEBSOCKET)
		closing_drained(s, false);
	if (s->drop_post) {
		s->drop_post = s->post_open = false;
		out->type = EIO_OUTPUT_POST_DESTROY;
	} else if (probe_pong(s, out) || answer(s, out) || probe_close(s, out)) {
		/* filled in */
	} else if (s->kind.transport == EIO_TRANSPORT_WEBSOCKET && s->queue.count > 0) {
		if (!writable) return EIO_OUTPUT_NONE;
		out->type = EIO_OUTPUT_SEND;
		out->bundle = eio_queue_take(&s->queue);
	} else if (s->state == STATE_CLOSED && s->kind.transport == EIO_TRANSPORT_WEBSOCKET && s->tell_close) {
		s->tell_close = false;
		out->type = EIO_OUTPUT_WS_CLOSE;
	} else if (s->state == STATE_CLOSED) {
		s->state = STATE_ENDED;
		out->type = EIO_OUTPUT_END;
	}
	return out->type;
}

/* Time */

static void
earlier(uint64_t *at_ms, uint64_t timer)
{
	if (timer && timer < *at_ms) *at_ms = timer;
}

uint64_t
eio_session_deadline(const struct eio_session *s)
{
	uint64_t t = UINT64_MAX;

	earlier(&t, s->heartbeat_at);
	earlier(&t, s->upgrade_at);
	earlier(&t, s->noop_at);
	earlier(&t, s->close_at);
	return t;
}

static bool
expired(uint64_t *timer, uint64_t now_ms)
{
	if (!*timer || *timer > now_ms) return false;
	*timer = 0;
	return true;
}

static void
heartbeat(struct eio_session *s, uint64_t now_ms)
{
	if (s->ping_out || s->kind.revision == 3) {
		fail(s, EIO_REASON_PING_TIMEOUT);
	} else if (eio_queue_put(&s->queue, eio_bundle_ref(s->settings->ping), NULL)) {
		fail(s, EIO_REASON_TRANSPORT_ERROR);
	} else {
		s->ping_out = true;
		s->heartbeat_at = now_ms + s->settings->ping_timeout;
	}
}

/* Official clients that got the answer to their probe send nothing more until their POST is answered, and then the upgrade. When the
 * probe is closed in that time they stay silent for ever, so a long POST has as long again. */
static void
upgrade_timeout(struct eio_session *s, uint64_t now_ms)
{
	if (s->probe_ponged && s->post_open)
		s->upgrade_at = now_ms + s->settings->upgrade_timeout;
	else
		end_probe(s);
}

void
eio_session_tick(struct eio_session *s, uint64_t now_ms)
{
	if (expired(&s->heartbeat_at, now_ms)) heartbeat(s, now_ms);
	if (expired(&s->upgrade_at, now_ms)) upgrade_timeout(s, now_ms);
	if (expired(&s->noop_at, now_ms)) s->noop_due = true;
	if (expired(&s->close_at, now_ms)) finish(s, (enum eio_reason)s->reason);
}
