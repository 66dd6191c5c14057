/* SPDX-License-Identifier: MIT */
/* Whether the client is still there, and everything else that a session does because time passes. */
#include "eio/session_int.h"

/* Any packet proves life. In revision 4 that counts only once per ping, as in engine.io 6.6: a client that never
 * answers pings is not kept. */
void
eio__session_note_alive(struct eio_session *s, uint64_t now_ms)
{
	if (s->kind.revision == 3) {
		s->alive_at = now_ms + s->settings->ping_interval + s->settings->ping_timeout;
	} else if (s->ping == EIO__PING_OUT) {
		s->ping = EIO__PING_EXTENDED;
		s->alive_at = now_ms + s->settings->ping_timeout;
	}
}

/* Revision 3: the client's ping is answered, whatever stands in it, as long as the client reads. Revision 4: only the
 * server pings. */
void
eio__session_on_ping(struct eio_session *s)
{
	size_t max = s->settings->max_replies;

	if (s->kind.revision == 4 || (max && eio_session_replies(s) > max) ||
		eio_queue_put(&s->queue, eio_bundle_ref(s->settings->pong), NULL))
		eio__session_fail(s, EIO_REASON_TRANSPORT_ERROR);
	eio__session_release(s);
}

/* Revision 3: means nothing, as in the servers of its time. */
void
eio__session_on_pong(struct eio_session *s, uint64_t now_ms)
{
	if (s->kind.revision == 3) return;
	s->ping = EIO__PING_NONE;
	s->alive_at = now_ms + s->settings->ping_interval;
}

/* Time */

static void
take_earlier(uint64_t *at_ms, uint64_t timer)
{
	if (timer && timer < *at_ms) *at_ms = timer;
}

uint64_t
eio_session_deadline(const struct eio_session *s)
{
	uint64_t t = UINT64_MAX;

	take_earlier(&t, s->alive_at);
	take_earlier(&t, s->upgrade_at);
	take_earlier(&t, s->noop_at);
	take_earlier(&t, s->pace_at);
	return t;
}

/* Stops a timer that has expired; *due_ms: when that was. */
static bool
timer_expired(uint64_t *timer, uint64_t now_ms, uint64_t *due_ms)
{
	if (!*timer || *timer > now_ms) return false;
	*due_ms = *timer;
	*timer = 0;
	return true;
}

/* The next ping, or the end of the patience with the last one. That a ping was early gives the client more time. */
static void
next_beat(struct eio_session *s, uint64_t due_ms, uint64_t now_ms)
{
	if (s->ping != EIO__PING_NONE || s->kind.revision == 3) {
		eio__session_fail(s, EIO_REASON_PING_TIMEOUT);
	} else if (eio_queue_put(&s->queue, eio_bundle_ref(s->settings->ping), NULL)) {
		eio__session_fail(s, EIO_REASON_TRANSPORT_ERROR);
	} else {
		s->ping = EIO__PING_OUT;
		s->alive_at = eio__session_after(due_ms, now_ms, s->settings->ping_timeout) + s->ping_early;
		s->ping_early = 0;
		eio__session_release(s);
	}
}

void
eio_session_tick(struct eio_session *s, uint64_t now_ms)
{
	uint64_t due_ms;

	if (s->state == EIO__STATE_OPEN && timer_expired(&s->alive_at, now_ms, &due_ms)) next_beat(s, due_ms, now_ms);
	if (timer_expired(&s->upgrade_at, now_ms, &due_ms)) eio__session_upgrade_timeout(s, due_ms, now_ms);
	if (timer_expired(&s->noop_at, now_ms, &due_ms)) eio__session_set_due(s, EIO__DUE_NOOP, true);
	if (s->state == EIO__STATE_CLOSING && timer_expired(&s->alive_at, now_ms, &due_ms))
		eio__session_finish(s, (enum eio_reason)s->reason);
	if (timer_expired(&s->pace_at, now_ms, &due_ms)) eio__session_release(s);
}

bool
eio_session_catch_up(struct eio_session *s, uint64_t now_ms)
{
	uint64_t at_ms = eio_session_deadline(s);

	if (at_ms > now_ms || now_ms - at_ms > EIO_LATE_MS) return false;
	eio_session_tick(s, now_ms);
	return true;
}
