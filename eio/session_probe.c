/* SPDX-License-Identifier: MIT */
/* The upgrade: a WebSocket that probes for a session which polls, until it is the session's transport or is closed. */
#include "eio/session_int.h"

#include "eio/check.h"

static const char probe_text[] = "probe";

/* A probe was answered, and a GET is held that must not hold up the client: an official one upgrades once it has both
 * the pong and the answer to its last GET. The pong goes first, so the noop follows at once. Who polls again
 * nevertheless has yet to see the pong: mostly it is there already, and only the answer was read before it, so the
 * next noop follows at once, too. Else the client would come again and again, so from then on each time it waits
 * longer. */
void
eio__session_release_get(struct eio_session *s, uint64_t now_ms)
{
	if (s->probe == EIO__PROBE_PONGED || (s->probe == EIO__PROBE_NOOPED && !s->noop_ms)) {
		if (s->probe == EIO__PROBE_NOOPED) s->noop_ms = EIO_NOOP_FIRST_MS;
		s->probe = EIO__PROBE_NOOPED;
		eio__session_set_due(s, EIO__DUE_NOOP, true);
	} else if (s->probe == EIO__PROBE_NOOPED) {
		s->noop_at = now_ms + s->noop_ms;
		s->noop_ms = s->noop_ms < EIO_NOOP_DELAY_MS / 2 ? (unsigned char)(2 * s->noop_ms) : EIO_NOOP_DELAY_MS;
	}
}

enum eio_accept
eio_session_probe_open(struct eio_session *s, bool b64, uint64_t now_ms)
{
	/* The edge knows one probe at a time: one that is to be closed is still there. */
	if (!eio__session_is_polling(s) || s->probe != EIO__PROBE_NONE || (s->due & EIO__DUE_PROBE_CLOSE) ||
		!s->settings->allow_upgrades)
		return EIO_ACCEPT_REFUSE;
	s->probe = EIO__PROBE_OPEN;
	s->noop_ms = 0;
	s->other_b64 = b64;
	s->upgrade_at = now_ms + s->settings->upgrade_timeout;
	return EIO_ACCEPT_OK;
}

/* From here on the WebSocket is the transport. A GET that is still held is told "close", as engine.io does. */
static void
become_websocket(struct eio_session *s)
{
	bool polling_b64 = s->kind.b64;

	CHECK(s->kind.transport == EIO_TRANSPORT_POLLING);
	s->kind.transport = EIO_TRANSPORT_WEBSOCKET;
	s->kind.b64 = s->other_b64;
	s->other_b64 = polling_b64;
	s->probe = EIO__PROBE_UPGRADED;
	s->upgrade_at = s->noop_at = 0;
	if (s->get == EIO__GET_HELD) s->get = EIO__GET_LEFT;
	/* Official clients have none then. What is left to read of one goes with it. */
	eio__session_set_due(s, EIO__DUE_POST_CUT, s->post == EIO__POST_OPEN);
	s->reading = EIO__READING_NONE;
	if (s->state == EIO__STATE_CLOSING && s->queue.count == 0) eio__session_drained(s, false);
}

static void
answer_probe(struct eio_session *s)
{
	bool held = s->get == EIO__GET_HELD;

	eio__session_set_due(s, EIO__DUE_PROBE_PONG, true);
	eio__session_set_due(s, EIO__DUE_NOOP, held);
	s->probe = held || s->probe == EIO__PROBE_NOOPED ? EIO__PROBE_NOOPED : EIO__PROBE_PONGED;
	s->noop_at = 0;
}

void
eio_session_probe_recv(struct eio_session *s, bool binary, struct eio_bytes data)
{
	if (s->probe == EIO__PROBE_NONE || s->probe == EIO__PROBE_UPGRADED) return;
	if (!binary && data.n == sizeof probe_text && data.p[0] == '2' &&
		memcmp(data.p + 1, probe_text, data.n - 1) == 0)
		answer_probe(s);
	else if (!binary && data.n > 0 && data.p[0] == '5')
		become_websocket(s);
	else
		eio__session_end_probe(s);
}

void
eio_session_probe_closed(struct eio_session *s)
{
	if (s->probe != EIO__PROBE_UPGRADED) s->probe = EIO__PROBE_NONE;
	eio__session_set_due(s, EIO__DUE_PROBE_PONG | EIO__DUE_PROBE_CLOSE, false);
	s->upgrade_at = s->noop_at = 0;
}

/* Official clients that got the answer to their probe send nothing more until their POST is answered, and then the
 * upgrade. When the probe is closed in that time they stay silent for ever, so a long POST has as long again. */
void
eio__session_upgrade_timeout(struct eio_session *s, uint64_t due_ms, uint64_t now_ms)
{
	bool ponged = s->probe == EIO__PROBE_PONGED || s->probe == EIO__PROBE_NOOPED;

	if (ponged && s->post == EIO__POST_OPEN)
		s->upgrade_at = eio__session_after(due_ms, now_ms, s->settings->upgrade_timeout);
	else
		eio__session_end_probe(s);
}
