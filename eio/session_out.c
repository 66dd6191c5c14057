/* SPDX-License-Identifier: MIT */
/* Packets out: what the application sends, and what the edge has to do for the session. */
#include "eio/check.h"
#include "eio/collect.h"
#include "eio/session_int.h"

enum eio_submitted
eio_session_submit(struct eio_session *s, struct eio_bundle *b, const void *tag)
{
	if (s->state != EIO__STATE_OPEN) return EIO_SUBMIT_CLOSED;
	if (s->pace) eio__session_release(s);
	return eio_queue_put(&s->queue, eio_bundle_ref(b), tag) ? EIO_SUBMIT_NOMEM : EIO_SUBMITTED;
}

size_t
eio_session_drop(struct eio_session *s, const void *tag, size_t max_bytes)
{
	return eio_queue_drop(&s->queue, tag, max_bytes);
}

_Static_assert(EIO__STATE_OPEN == 0, "an open session whose pace is 0 is told by one comparison");

void
eio_session_cork(struct eio_session *s, bool corked)
{
	s->corked = corked;
}

bool
eio_session_direct(const struct eio_session *s)
{
	return s->kind.transport == EIO_TRANSPORT_WEBSOCKET && s->queue.count == 0 &&
	       (s->state | s->pace | s->corked) == 0;
}

enum eio_wire
eio_session_wire(const struct eio_session *s)
{
	static const enum eio_wire wires[2][2][2] = {
		{ { EIO_WIRE_POLLING_3, EIO_WIRE_POLLING_B64_3 }, { EIO_WIRE_WS_3, EIO_WIRE_WS_B64_3 } },
		{ { EIO_WIRE_POLLING, EIO_WIRE_POLLING }, { EIO_WIRE_WS, EIO_WIRE_WS_B64 } },
	};
	bool websocket = s->kind.transport == EIO_TRANSPORT_WEBSOCKET;
	enum eio_wire wire = wires[s->kind.revision == 4][websocket][s->kind.b64 || (!websocket && s->kind.strings)];

	/* Who has not shown how it encodes is sent what encodes once, or ASCII, for which it makes no difference. */
	if ((websocket ? s->kind.ws_text : s->kind.text) != EIO_TEXT_TWICE) return wire;
	switch (wire) {
	case EIO_WIRE_POLLING_B64_3: return EIO_WIRE_POLLING_B64_3_TWICE;
	case EIO_WIRE_WS_3: return EIO_WIRE_WS_3_TWICE;
	case EIO_WIRE_WS_B64_3: return EIO_WIRE_WS_B64_3_TWICE;
	default: return wire;
	}
}

static const struct eio_deflate *
ws_deflate(const struct eio_session *s)
{
	return s->deflates ? s->settings->ws_deflate : NULL;
}

/* Whether what waits longest is there in the form that it leaves in. */
static bool
is_formed(const struct eio_session *s, enum eio_wire wire, const struct eio_deflate *o)
{
	return !s->forming && eio_bundle_has(eio_queue_at(&s->queue, 0)->bundle, wire, o);
}

/* The same; if it is not, that is asked for once. */
static bool
forms(struct eio_session *s, enum eio_wire wire, const struct eio_deflate *o, struct eio_output *out)
{
	if (is_formed(s, wire, o)) return true;
	if (s->forming) return false;
	s->forming = true;
	eio_queue_hold(&s->queue);
	out->type = EIO_OUTPUT_FORM;
	out->bundle = eio_bundle_ref(eio_queue_at(&s->queue, 0)->bundle);
	out->wire = wire;
	out->deflate = o;
	return false;
}

void
eio_session_formed(struct eio_session *s)
{
	s->forming = false;
	eio_queue_release(&s->queue);
}

struct eio_bundle *
eio_session_take(struct eio_session *s)
{
	if (s->kind.transport != EIO_TRANSPORT_WEBSOCKET || s->state != EIO__STATE_OPEN || eio__session_ready(s) == 0)
		return NULL;
	return is_formed(s, eio_session_wire(s), ws_deflate(s)) ? eio_queue_take(&s->queue) : NULL;
}

/* In which form a held GET is answered without a message, also when the upgrade has just taken its transport away. */
static enum eio_payload_form
poll_form(const struct eio_session *s)
{
	bool b64 = s->probe == EIO__PROBE_UPGRADED ? s->other_b64 : s->kind.b64;

	if (s->kind.revision == 4) return EIO_PAYLOAD_4;
	return b64 || s->kind.strings ? EIO_PAYLOAD_3_STRING : EIO_PAYLOAD_3_BINARY;
}

#define TEXT(s) \
	{ \
		(s), sizeof(s) - 1 \
	}

/* The answer of a held GET that carries no message: which one wins when several are due, in the session's form. */
static struct eio_bytes
control_payload(const struct eio_session *s)
{
	enum { NOOP, CLOSE, NOOP_CLOSE };
	static const struct eio_bytes payloads[][3] = {
		[EIO_PAYLOAD_4] = { TEXT("6"), TEXT("1"),
			TEXT("6\x1e"
			     "1") },
		[EIO_PAYLOAD_3_STRING] = { TEXT("1:6"), TEXT("1:1"), TEXT("1:61:1") },
		[EIO_PAYLOAD_3_BINARY] = { TEXT("\0\1\xff"
						"6"),
			TEXT("\0\1\xff"
			     "1"),
			TEXT("\0\1\xff"
			     "6\0\1\xff"
			     "1") },
	};
	enum eio_payload_form form = poll_form(s);

	if (s->due & EIO__DUE_NOOP_CLOSE) return payloads[form][NOOP_CLOSE];
	return payloads[form][s->get == EIO__GET_LEFT || (s->due & EIO__DUE_CLOSE) ? CLOSE : NOOP];
}

/* Whether the held GET is answered without a message. */
static bool
answer_is_control(const struct eio_session *s)
{
	if (s->state >= EIO__STATE_CLOSED || s->get == EIO__GET_LEFT) return true;
	return eio__session_ready(s) == 0 && (s->due & EIO__DUE_NOOP);
}

static void
put_control(struct eio_session *s, struct eio_output *out)
{
	out->body = eio_block_of(control_payload(s));
	out->plain_n = out->body ? out->body->n : 0;
}

/* Whether a payload that would be in the string form is in the binary one. */
static bool
turns_binary(const struct eio_session *s, const struct eio_queue *q)
{
	return s->kind.strings && s->sent_binary_form && eio_queue_has_binary(q);
}

static enum eio_wire
payload_wire(const struct eio_session *s, const struct eio_queue *q)
{
	return turns_binary(s, q) ? EIO_WIRE_POLLING_3 : eio_session_wire(s);
}

/* Whether the messages for a poll can go, as eio_collect would make it of them now. */
static bool
payload_forms(struct eio_session *s, struct eio_output *out)
{
	const struct eio_deflate *o = s->settings->http_deflate;

	if (!eio_collect_codes(&s->queue, o, (enum eio_coding)s->coding)) o = NULL;
	return forms(s, payload_wire(s, &s->queue), o, out);
}

static void
put_payload(struct eio_session *s, struct eio_queue *q, struct eio_output *out)
{
	enum eio_wire wire = payload_wire(s, q);

	if (wire == EIO_WIRE_POLLING_3) out->form = EIO_PAYLOAD_3_BINARY;
	out->coding = (enum eio_coding)s->coding;
	out->body = eio_collect(q, wire, s->settings->http_deflate, &out->coding, &out->plain_n);
}

/* Parsers of many clients read the answer of their handshake as one packet, or to its end. */
static void
put_open_alone(struct eio_session *s, struct eio_output *out)
{
	struct eio_queue first = { 0 };

	if (eio_queue_put(&first, eio_queue_take(&s->queue), NULL) == 0) put_payload(s, &first, out);
}

static void
put_messages(struct eio_session *s, struct eio_output *out)
{
	if (s->begun || s->queue.count == 1 || s->settings->open_with_messages)
		put_payload(s, &s->queue, out);
	else
		put_open_alone(s, out);
	s->begun = true;
}

/* The answer of the held GET, if there is one and something to say. */
static bool
put_answer(struct eio_session *s, struct eio_output *out)
{
	bool control = answer_is_control(s);

	if (s->get == EIO__GET_NONE) return false;
	/* Only the upgrade leaves a GET without a transport: its messages go to the WebSocket. */
	if (!control && eio__session_ready(s) == 0) return false;
	CHECK(control || s->kind.transport == EIO_TRANSPORT_POLLING);
	if (!control && !payload_forms(s, out)) return out->type == EIO_OUTPUT_FORM;
	out->type = EIO_OUTPUT_ANSWER;
	out->form = poll_form(s);
	if (control)
		put_control(s, out);
	else
		put_messages(s, out);
	s->get = EIO__GET_NONE;
	s->noop_at = 0;
	eio__session_set_due(s, EIO__DUE_NOOP | EIO__DUE_NOOP_CLOSE, false);
	if (s->state >= EIO__STATE_CLOSED) eio__session_set_due(s, EIO__DUE_CLOSE, false);
	return true;
}

/* What is left when nothing is due before the messages of the WebSocket. */
static void
put_rest(struct eio_session *s, bool writable, struct eio_output *out)
{
	bool websocket = s->kind.transport == EIO_TRANSPORT_WEBSOCKET;

	if (websocket && eio__session_ready(s) > 0) {
		if (!writable || !forms(s, eio_session_wire(s), ws_deflate(s), out)) return;
		out->type = EIO_OUTPUT_SEND;
		out->bundle = eio_queue_take(&s->queue);
	} else if (s->state == EIO__STATE_CLOSED && websocket && eio__session_take_due(s, EIO__DUE_CLOSE)) {
		out->type = EIO_OUTPUT_WS_CLOSE;
	} else if (s->state == EIO__STATE_CLOSED) {
		eio__session_enter(s, EIO__STATE_ENDED);
		out->type = EIO_OUTPUT_END;
	}
}

enum eio_output_type
eio_session_output(struct eio_session *s, bool writable, struct eio_output *out)
{
	*out = (struct eio_output){ .type = EIO_OUTPUT_NONE };
	if (s->state == EIO__STATE_CLOSING && s->queue.count == 0 && s->kind.transport == EIO_TRANSPORT_WEBSOCKET)
		eio__session_drained(s, false);
	out->away = s->state >= EIO__STATE_CLOSED && s->reason == EIO_REASON_SHUTDOWN;
	if (eio__session_take_due(s, EIO__DUE_POST_CUT)) {
		s->post = EIO__POST_NONE;
		out->type = EIO_OUTPUT_POST_DESTROY;
	} else if (eio__session_take_due(s, EIO__DUE_PROBE_PONG)) {
		out->type = EIO_OUTPUT_PROBE_PONG;
	} else if (!put_answer(s, out)) {
		if (eio__session_take_due(s, EIO__DUE_PROBE_CLOSE))
			out->type = EIO_OUTPUT_PROBE_CLOSE;
		else
			put_rest(s, writable, out);
	}
	return out->type;
}
