/* SPDX-License-Identifier: MIT */
/* The requests of a session that polls: one GET at a time, held until there is something to answer, and one POST. */
#include "eio/check.h"
#include "eio/session_int.h"

bool
eio_session_repeats(struct eio_session *s, uint32_t stamp)
{
	bool same = stamp && stamp == s->stamp;

	if (stamp && s->stamp && !same) s->stamps_differ = true;
	s->stamp = stamp;
	/* Two at once are found out later; and after the upgrade a poll means nothing to the session any more. */
	if (!same || !s->stamps_differ || s->get != EIO__GET_NONE || !eio__session_is_polling(s)) return false;
	eio__session_fail(s, EIO_REASON_TRANSPORT_ERROR);
	return true;
}

enum eio_accept
eio_session_get(struct eio_session *s, uint64_t now_ms)
{
	if (!eio__session_is_polling(s)) return EIO_ACCEPT_BAD_REQUEST;
	if (s->get != EIO__GET_NONE) {
		eio__session_fail(s, EIO_REASON_TRANSPORT_ERROR);
		return EIO_ACCEPT_OVERLAP;
	}
	s->get = EIO__GET_HELD;
	if (eio__session_ready(s) > 0) return EIO_ACCEPT_OK;
	if (s->state == EIO__STATE_CLOSING) {
		/* The client comes for the news that the server closed: noop and close in one payload. */
		eio__session_set_due(s, EIO__DUE_NOOP_CLOSE, true);
		eio__session_fail(s, (enum eio_reason)s->reason);
	} else {
		eio__session_release_get(s, now_ms);
	}
	return EIO_ACCEPT_OK;
}

void
eio_session_get_abort(struct eio_session *s)
{
	s->get = EIO__GET_NONE;
	/* After the upgrade a poll means nothing to the session any more. */
	if (s->kind.transport == EIO_TRANSPORT_POLLING) eio__session_finish(s, EIO_REASON_TRANSPORT_ERROR);
}

enum eio_accept
eio_session_post_begin(struct eio_session *s)
{
	if (!eio__session_is_polling(s)) return EIO_ACCEPT_BAD_REQUEST;
	if (s->post == EIO__POST_OPEN) {
		eio__session_set_due(s, EIO__DUE_POST_CUT, true);
		eio__session_fail(s, EIO_REASON_TRANSPORT_ERROR);
		return EIO_ACCEPT_OVERLAP;
	}
	s->post = EIO__POST_OPEN;
	return EIO_ACCEPT_OK;
}

void
eio_session_post_abort(struct eio_session *s)
{
	s->post = EIO__POST_NONE;
	eio__session_set_due(s, EIO__DUE_POST_CUT, false);
	/* After the upgrade a POST means nothing to the session any more. */
	if (s->kind.transport == EIO_TRANSPORT_POLLING) eio__session_fail(s, EIO_REASON_TRANSPORT_ERROR);
}

void
eio_session_post_refused(struct eio_session *s)
{
	s->post = EIO__POST_NONE;
}

void
eio_session_post(struct eio_session *s, char *body, size_t n, bool binary)
{
	CHECK(body != NULL && s->reading == EIO__READING_NONE);
	if (s->state != EIO__STATE_OPEN) {
		s->post = EIO__POST_NONE;
		return;
	}
	s->in.p = body;
	s->in.n = n;
	s->form = s->kind.revision == 4 ? EIO_PAYLOAD_4 : binary ? EIO_PAYLOAD_3_BINARY : EIO_PAYLOAD_3_STRING;
	s->reading = EIO__READING_PAYLOAD;
	if (s->form == EIO_PAYLOAD_3_BINARY) s->sent_binary_form = true;
}

void
eio_session_post_bad_type(struct eio_session *s)
{
	s->post = EIO__POST_NONE;
	eio__session_fail(s, EIO_REASON_TRANSPORT_ERROR);
}
