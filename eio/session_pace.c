/* SPDX-License-Identifier: MIT */
/* What may wait for others to go along with it. */
#include "eio/session_int.h"

void
eio_session_pace(struct eio_session *s, unsigned ms)
{
	s->pace_ms = ms;
	eio__session_release(s);
}

bool
eio_session_has_pace(const struct eio_session *s)
{
	return s->pace & EIO__PACE_OWN;
}

void
eio_session_rest(struct eio_session *s, unsigned ms, uint64_t now_ms)
{
	uint64_t at;

	if (s->pace & EIO__PACE_OWN && ms < s->pace_ms) ms = s->pace_ms;
	/* What is on its way already is not held up. */
	if (ms == 0 || s->state != EIO__STATE_OPEN || eio__session_ready(s) > 0) return;
	at = (now_ms / ms + 1) * ms;
	if (s->pace_at == 0 || at < s->pace_at) s->pace_at = at;
	s->pace |= EIO__PACE_RESTS;
}

enum eio_submitted
eio_session_submit_paced(struct eio_session *s, struct eio_bundle *b, const void *tag, unsigned ms, uint64_t now_ms)
{
	if (s->state != EIO__STATE_OPEN) return EIO_SUBMIT_CLOSED;
	eio_session_rest(s, ms, now_ms);
	return eio_queue_put(&s->queue, eio_bundle_ref(b), tag) ? EIO_SUBMIT_NOMEM : EIO_SUBMITTED;
}

void
eio_session_go(struct eio_session *s)
{
	eio__session_release(s);
}

void
eio_session_going(struct eio_session *s)
{
	s->pace &= (unsigned char)~EIO__PACE_GOES;
}

void
eio_session_went(struct eio_session *s)
{
	if (s->pace_ms && s->queue.count == 0 && s->state == EIO__STATE_OPEN) s->pace |= EIO__PACE_OWN;
}
