/* SPDX-License-Identifier: MIT */
/* Packets in: what a POST or the session's WebSocket brought, one packet after the other, as events. */
#include "eio/session_int.h"

#include "eio/check.h"

enum { AT_ONCE = 64 }; /* packets without an event among them, pings and such, that are taken in one go */

void
eio_session_ws_recv(struct eio_session *s, bool binary, char *data, size_t n)
{
	CHECK(s->reading == EIO__READING_NONE);
	if (s->state != EIO__STATE_OPEN) return;
	s->in.p = data;
	s->in.n = n;
	s->reading = binary ? EIO__READING_BINARY : EIO__READING_TEXT;
}

void
eio_session_ws_closed(struct eio_session *s, bool error)
{
	eio__session_set_due(s, EIO__DUE_CLOSE, false);
	eio__session_finish(s, error ? EIO_REASON_TRANSPORT_ERROR : EIO_REASON_TRANSPORT_CLOSE);
}

static void
on_close_packet(struct eio_session *s)
{
	/* A held GET is released with a noop, a WebSocket is closed. */
	eio__session_set_due(s, EIO__DUE_NOOP, s->get != EIO__GET_NONE);
	eio__session_set_due(s, EIO__DUE_CLOSE, s->kind.transport == EIO_TRANSPORT_WEBSOCKET);
	eio__session_finish(s, EIO_REASON_TRANSPORT_CLOSE);
}

/* Returns true when the packet is an event. */
static bool
on_packet(struct eio_session *s, const struct eio_packet *p, struct eio_event *ev, uint64_t now_ms)
{
	eio__session_note_alive(s, now_ms);
	switch (p->type) {
	case EIO_PACKET_MESSAGE:
		*ev = (struct eio_event){ .type = EIO_EVENT_MESSAGE, .binary = p->binary, .data = p->data };
		return true;
	case EIO_PACKET_PONG: eio__session_on_pong(s, now_ms); break;
	case EIO_PACKET_PING: eio__session_on_ping(s); break;
	case EIO_PACKET_CLOSE: on_close_packet(s); break;
	case EIO_PACKET_OPEN:
	case EIO_PACKET_UPGRADE:
	case EIO_PACKET_NOOP: break;
	}
	return false;
}

/* The one packet of a WebSocket message. Returns as eio_payload_next does. */
static int
websocket_packet(struct eio_session *s, struct eio_packet *p)
{
	bool binary = s->reading == EIO__READING_BINARY;
	enum eio_text text = s->kind.ws_text;
	char *data = s->in.p;
	size_t n = s->in.n;
	int rc;

	s->reading = EIO__READING_NONE;
	if (!binary) {
		rc = eio_packet_decode(p, data, n, s->kind.revision, &text);
		s->kind.ws_text = text;
		return rc ? -1 : 1;
	}
	if (s->kind.revision == 3) return eio_packet_decode_binary_3(p, eio_bytes(data, n)) ? -1 : 1;
	*p = (struct eio_packet){ EIO_PACKET_MESSAGE, true, eio_bytes(data, n) };
	return 1;
}

/* All of it was taken, or it is of no use any more. */
static void
end_reading(struct eio_session *s)
{
	if (s->reading == EIO__READING_PAYLOAD) s->post = EIO__POST_NONE;
	s->reading = EIO__READING_NONE;
}

/* The next packet of a POST. Returns as eio_payload_next does. */
static int
payload_packet(struct eio_session *s, struct eio_packet *p)
{
	struct eio_payload in = { .p = s->in.p, .n = s->in.n, .form = s->form, .text = s->kind.text };
	int rc = eio_payload_next(&in, p);

	s->in.p = in.p;
	s->in.n = in.n;
	/* What it learned about the client. Nobody encodes twice on WebSockets only. */
	s->kind.text = in.text;
	if (s->kind.text == EIO_TEXT_ONCE) s->kind.ws_text = EIO_TEXT_ONCE;
	if (!s->in.p) end_reading(s);
	return rc;
}

/* Takes the next packet of what came in. Returns true when it is an event. */
static bool
next_packet(struct eio_session *s, struct eio_event *ev, uint64_t now_ms)
{
	struct eio_packet p;
	int rc = s->reading == EIO__READING_PAYLOAD ? payload_packet(s, &p) : websocket_packet(s, &p);

	if (rc < 0) eio__session_fail(s, EIO_REASON_PARSE_ERROR);
	return rc > 0 && on_packet(s, &p, ev, now_ms);
}

enum eio_event_type
eio_session_event(struct eio_session *s, struct eio_event *ev, uint64_t now_ms)
{
	*ev = (struct eio_event){ .type = EIO_EVENT_NONE };
	for (int i = 0; eio_session_reading(s); i++) {
		if (i == AT_ONCE) return ev->type = EIO_EVENT_LATER;
		if (next_packet(s, ev, now_ms)) return EIO_EVENT_MESSAGE;
	}
	end_reading(s);
	if (eio__session_take_due(s, EIO__DUE_CLOSE_EVENT))
		*ev = (struct eio_event){ .type = EIO_EVENT_CLOSE, .reason = (enum eio_reason)s->reason };
	return ev->type;
}
