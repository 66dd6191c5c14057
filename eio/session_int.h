/* SPDX-License-Identifier: MIT */
/*
 * What the files of the session share: session.c (its beginning, its state and its
 * end), session_probe.c (the upgrade), session_polling.c (requests),
 * session_heartbeat.c (pings and time), session_in.c (packets in), session_out.c
 * (packets out) and session_pace.c (what may wait). They call only those named before
 * them, and what is here.
 */
#ifndef EIO_SESSION_INT_H
#define EIO_SESSION_INT_H

#include "eio/session.h"

/* What is due: told by eio_session_event, or done by eio_session_output, which does it in this order. */
enum {
	EIO__DUE_CLOSE_EVENT = 1 << 0,
	EIO__DUE_POST_CUT = 1 << 1,
	EIO__DUE_PROBE_PONG =
		1 << 2, /* before the answer of the held GET: a client that had that first would poll again */
	EIO__DUE_NOOP = 1 << 3, /* to the held GET */
	EIO__DUE_NOOP_CLOSE = 1 << 4, /* to it, too, and more */
	EIO__DUE_PROBE_CLOSE = 1 << 5,
	EIO__DUE_CLOSE =
		1
		<< 6, /* the client is told that the session closed: a held GET by the packet, a WebSocket by a frame */
};

/* Why nothing may go past the queue. */
enum {
	EIO__PACE_RESTS = 1 << 0,
	EIO__PACE_OWN = 1 << 1, /* it has a pace of its own, and nothing goes at the moment */
	EIO__PACE_GOES = 1 << 2, /* one of these is over, and outputs have not been taken yet */
};

static inline void
eio__session_set_due(struct eio_session *s, unsigned what, bool due)
{
	s->due = (unsigned char)(due ? s->due | what : s->due & ~what);
}

/* Whether something is due; afterwards it is not. */
static inline bool
eio__session_take_due(struct eio_session *s, unsigned what)
{
	bool due = (s->due & what) != 0;

	eio__session_set_due(s, what, false);
	return due;
}

/* Nothing is held back any more. */
static inline void
eio__session_release(struct eio_session *s)
{
	s->pace = s->pace ? EIO__PACE_GOES : 0;
	s->pace_at = 0;
}

/* How many bundles may go. */
static inline unsigned
eio__session_ready(const struct eio_session *s)
{
	return s->corked || s->pace & EIO__PACE_RESTS ? 0 : s->queue.count;
}

/* Whether it polls, and requests are taken. */
static inline bool
eio__session_is_polling(const struct eio_session *s)
{
	return s->kind.transport == EIO_TRANSPORT_POLLING && s->state < EIO__STATE_CLOSED;
}

/* When what follows a timer ends: counted from when that was due, though the wheel came by a little later. After a
 * longer while, in which the machine had no time for us, it is counted from now: clients must not pay for that. */
static inline uint64_t
eio__session_after(uint64_t due_ms, uint64_t now_ms, uint64_t span_ms)
{
	uint64_t late_ms = now_ms - due_ms;

	return (late_ms <= EIO_LATE_MS && late_ms <= span_ms / 4 ? due_ms : now_ms) + span_ms;
}

/* session.c */

/* The one place that assigns the state, which only ever goes on. */
void eio__session_enter(struct eio_session *s, enum eio__state to);

/* The end: nothing is sent any more except the answers that are due. */
void eio__session_finish(struct eio_session *s, enum eio_reason reason);

/* Fatal for the session, and the client is told. */
void eio__session_fail(struct eio_session *s, enum eio_reason reason);

/* What is left to do once a closing session has sent its queue. discard: whoever would have to be waited for is not. */
void eio__session_drained(struct eio_session *s, bool discard);

/* Has the probe closed, if there is one. */
void eio__session_end_probe(struct eio_session *s);

/* session_probe.c */

/* A GET is held while the probe may be waiting for its end. */
void eio__session_release_get(struct eio_session *s, uint64_t now_ms);

/* The upgrade took too long. due_ms: when it should have ended. */
void eio__session_upgrade_timeout(struct eio_session *s, uint64_t due_ms, uint64_t now_ms);

/* session_heartbeat.c: a packet came; a ping of the client; a pong. */
void eio__session_note_alive(struct eio_session *s, uint64_t now_ms);
void eio__session_on_ping(struct eio_session *s);
void eio__session_on_pong(struct eio_session *s, uint64_t now_ms);

#endif
