/* SPDX-License-Identifier: MIT */
/* A session's beginning, its state and its end. */
#include "eio/check.h"
#include "eio/session_int.h"

/* State */

void
eio__session_enter(struct eio_session *s, enum eio__state to)
{
	CHECK((unsigned)to > s->state);
	s->state = (unsigned char)to;
}

/* The application will be told that the session closed, and why. */
static void
note_closed(struct eio_session *s, enum eio_reason reason)
{
	s->reason = (unsigned char)reason;
	eio__session_set_due(s, EIO__DUE_CLOSE_EVENT, true);
}

static void
stop_timers(struct eio_session *s)
{
	s->alive_at = s->upgrade_at = s->noop_at = 0;
}

void
eio__session_end_probe(struct eio_session *s)
{
	if (s->probe == EIO__PROBE_NONE || s->probe == EIO__PROBE_UPGRADED) return;
	s->probe = EIO__PROBE_NONE;
	eio__session_set_due(s, EIO__DUE_PROBE_CLOSE, true);
	s->upgrade_at = s->noop_at = 0;
}

void
eio__session_finish(struct eio_session *s, enum eio_reason reason)
{
	if (s->state >= EIO__STATE_CLOSED) return;
	if (s->state == EIO__STATE_OPEN) note_closed(s, reason);
	eio__session_end_probe(s);
	eio__session_release(s);
	stop_timers(s);
	eio_queue_clear(&s->queue);
	eio__session_enter(s, EIO__STATE_CLOSED);
}

void
eio__session_fail(struct eio_session *s, enum eio_reason reason)
{
	if (s->state >= EIO__STATE_CLOSED) return;
	eio__session_set_due(s, EIO__DUE_CLOSE, true);
	eio__session_finish(s, reason);
}

static void
begin_closing(struct eio_session *s, enum eio_reason reason, uint64_t now_ms)
{
	note_closed(s, reason);
	eio__session_release(s);
	eio__session_enter(s, EIO__STATE_CLOSING);
	s->alive_at = now_ms + EIO_CLOSE_TIMEOUT_MS;
}

void
eio__session_drained(struct eio_session *s, bool discard)
{
	CHECK(s->state == EIO__STATE_CLOSING);
	if (s->kind.transport == EIO_TRANSPORT_WEBSOCKET || s->get != EIO__GET_NONE || discard)
		eio__session_fail(s, (enum eio_reason)s->reason);
}

void
eio_session_close(struct eio_session *s, enum eio_reason reason, uint64_t now_ms)
{
	if (s->state != EIO__STATE_OPEN) return;
	begin_closing(s, reason, now_ms);
	if (s->queue.count == 0) eio__session_drained(s, false);
}

void
eio_session_discard(struct eio_session *s, enum eio_reason reason)
{
	if (s->state == EIO__STATE_OPEN) begin_closing(s, reason, 0);
	if (s->state == EIO__STATE_CLOSING) eio__session_drained(s, true);
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
	CHECK(kind->revision == 3 || kind->revision == 4);
	*s = (struct eio_session){ .settings = settings, .kind = *kind };
	memcpy(s->sid, sid, EIO_SID_LEN);
	if (kind->transport == EIO_TRANSPORT_POLLING) s->get = EIO__GET_HELD;
	s->alive_at = now_ms + settings->ping_interval;
	/* In revision 3 it is the client that pings, and the server that waits. */
	if (kind->revision == 3) s->alive_at += settings->ping_timeout;
	return eio_queue_put(&s->queue, open_packet(s), NULL);
}

void
eio_session_ping_early(struct eio_session *s, uint32_t ms)
{
	CHECK(ms <= s->settings->ping_interval && s->ping == EIO__PING_NONE);
	if (s->kind.revision == 3) return;
	s->alive_at -= ms;
	s->ping_early = ms;
}

void
eio_session_deinit(struct eio_session *s)
{
	eio_queue_clear(&s->queue);
}
