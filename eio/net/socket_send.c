/* SPDX-License-Identifier: MIT */
/*
 * What goes to a session's WebSocket. Sends wait for the end of the loop's turn, so
 * that everything a turn produced leaves together; only a broadcast to an idle
 * WebSocket goes straight to the kernel.
 */
#include "eio/net/socket_int.h"

#include "eio/check.h"

/* A message is lost for want of memory: the session ends, rather than going on with a gap. */
static void
lose_message(struct eio_socket *s)
{
	eio_session_discard(&s->session, EIO_REASON_TRANSPORT_ERROR);
	eio__socket_mark_dirty(s);
}

/* Writes to the session's WebSocket. A failure is not told here: the WebSocket's own end follows. */
static void
write_main(struct eio_socket *s, struct eio_block *b)
{
	eio__socket_count_sent(s, EIO_TRANSPORT_WEBSOCKET, b->n);
	if (s->ws) eio_ws_write(s->ws, b);
}

/* The bundle as the session's WebSocket takes it. NULL when out of memory, and, with busy given, when another thread is
 * compressing it or is to make its form, see eio_bundle_deflated. */
static struct eio_block *
frames_of(struct eio_socket *s, struct eio_bundle *b, bool *busy)
{
	enum eio_wire wire = eio_session_wire(&s->session);
	struct eio_block *block, *plain;

	if (!s->deflate) return busy ? eio_bundle_wire_soon(b, wire) : eio_bundle_wire(b, wire);
	block = eio_bundle_deflated(b, wire, &s->server->ws_deflate, busy);
	plain = block ? eio_bundle_wire(b, wire) : NULL;
	if (plain) eio__server_count_deflated(s->server, plain->n, block->n);
	return block;
}

struct eio_traffic
eio_socket_traffic(const struct eio_socket *s)
{
	return s->counts ? *(const struct eio_traffic *)(s + 1) : (struct eio_traffic){ 0 };
}

bool
eio__socket_write(struct eio_socket *s, struct eio_bundle *b)
{
	struct eio_block *block = frames_of(s, b, NULL);

	if (block)
		write_main(s, block);
	else
		lose_message(s);
	eio_bundle_unref(b);
	return block != NULL;
}

/* The fast path: an idle WebSocket gets the block from the broadcast pass itself. While another thread compresses it,
 * it is queued, and leaves at the end of this turn: then it is there. So is a large one whose form is not there: it
 * leaves when it is. */
static bool
send_direct(struct eio_socket *s, struct eio_bundle *b)
{
	struct eio_block *block;
	bool busy = false;

	if (!eio_session_direct(&s->session) || !eio__socket_writable(s)) return false;
	block = frames_of(s, b, &busy);
	if (!block) return false;
	write_main(s, block);
	return true;
}

void
eio__socket_formed(struct eio_list *forming, bool made)
{
	struct eio_socket *s = EIO_CONTAINER(forming, struct eio_socket, forming);

	CHECK_MAGIC(s, EIO__SOCKET_MAGIC);
	eio_session_formed(&s->session);
	if (made)
		eio__socket_mark_dirty(s);
	else
		lose_message(s);
}

bool
eio__socket_form(struct eio_socket *s, const struct eio_output *out)
{
	bool made = true;

	/* Without memory to have it made elsewhere there may be enough to make it, and nothing is lost. */
	if (eio__forms_ask(&s->server->forms, out->bundle, out->wire, out->deflate, &s->forming)) {
		made = out->deflate ? eio_bundle_deflated(out->bundle, out->wire, out->deflate, NULL) != NULL
				    : eio_bundle_wire(out->bundle, out->wire) != NULL;
		eio__socket_formed(&s->forming, made);
	}
	eio_bundle_unref(out->bundle);
	return made;
}

void
eio_socket_drain(struct eio_socket *s)
{
	struct eio_bundle *b;

	if (!s->deflate) return;
	while (eio__socket_writable(s) && (b = eio_session_take(&s->session))) eio__socket_write(s, b);
}

void
eio_socket_cork(struct eio_socket *s, bool corked)
{
	eio_session_cork(&s->session, corked);
	if (!corked && s->session.state <= EIO__STATE_CLOSING) eio__socket_mark_dirty(s);
}

bool
eio_socket_takes(struct eio_socket *s)
{
	if (s->session.state != EIO__STATE_OPEN) return true;
	if (s->get) return !eio_session_is_paced(&s->session) && !s->session.corked;
	return eio_session_direct(&s->session) && eio__socket_writable(s);
}

bool
eio_socket_rests(const struct eio_socket *s)
{
	return eio_session_rests(&s->session);
}

bool
eio_socket_lags(struct eio_socket *s)
{
	return !eio_session_is_paced(&s->session) || (s->ws && !eio__socket_writable(s));
}

void
eio_socket_pace(struct eio_socket *s, unsigned ms)
{
	eio_session_pace(&s->session, ms);
	eio__socket_mark_dirty(s);
}

bool
eio_socket_held(const struct eio_socket *s)
{
	return s->held;
}

/* The timer is set at the end of this turn. */
static void
await_time(struct eio_socket *s, uint64_t rested)
{
	if (s->session.pace_at != rested) eio__socket_mark_dirty(s);
}

void
eio_socket_hold_for(struct eio_socket *s, unsigned ms)
{
	uint64_t rested = s->session.pace_at;

	s->held = true;
	eio_session_rest(&s->session, ms, eio_clock_now(s->server->clock));
	await_time(s, rested);
	(void)eio__socket_writable(s); /* asks to be told */
}

void
eio_socket_hold(struct eio_socket *s)
{
	eio_socket_hold_for(s, 0);
}

void
eio_socket_go(struct eio_socket *s)
{
	struct eio_bundle *b;

	eio_session_go(&s->session);
	while (eio__socket_writable(s) && (b = eio_session_take(&s->session)))
		if (!eio__socket_write(s, b)) break;
	eio__socket_mark_dirty(s);
}

void
eio__socket_tell_room(struct eio_socket *s)
{
	bool websocket = s->session.kind.transport == EIO_TRANSPORT_WEBSOCKET;

	if (s->session.state != EIO__STATE_OPEN || !s->notified_open) return;
	if (eio_session_rests(&s->session) || s->session.corked) return;
	if (websocket ? !eio__socket_writable(s) : !s->get) return;
	s->held = s->server->handler.room(s->server->handler.user, s, !websocket || s->session.queue.count == 0);
	if (s->held) (void)eio__socket_writable(s); /* asks to be told */
}

void
eio_server_gather(struct eio_server *s, bool wide)
{
	eio_ws_server_gather(s->ws, wide);
}

void
eio_server_send_gathered(struct eio_server *s)
{
	eio_ws_server_send_gathered(s->ws);
}

void
eio_socket_want_extras(struct eio_socket *s)
{
	s->extras = true;
}

/* The bundle as the client takes it; NULL ends the session. */
static struct eio_bundle *
as_taken(struct eio_socket *s, struct eio_bundle *b)
{
	if (s->session.kind.revision == 3 && !s->extras) b = eio_bundle_bare(b);
	if (!b) lose_message(s);
	return b;
}

/* What became of something that was queued. rested: until when the session did before. */
static enum eio_sent
submitted(struct eio_socket *s, enum eio_submitted rc, uint64_t rested)
{
	if (rc == EIO_SUBMIT_CLOSED) return EIO_SENT_CLOSED;
	if (rc == EIO_SUBMIT_NOMEM) {
		lose_message(s);
		return EIO_SENT_NOMEM;
	}
	if (eio_session_rests(&s->session)) {
		await_time(s, rested);
		return EIO_SENT_QUEUED;
	}
	if (rested) s->server->together = true;
	eio__socket_mark_dirty(s);
	if ((s->get || eio__socket_writable(s)) && !s->session.corked) return EIO_SENT;
	return EIO_SENT_QUEUED;
}

static enum eio_sent
queue_paced(struct eio_socket *s, struct eio_bundle *b, const void *tag, unsigned ms)
{
	uint64_t rested = s->session.pace_at, now_ms = eio_clock_now(s->server->clock);

	return submitted(s, eio_session_submit_paced(&s->session, b, tag, ms, now_ms), rested);
}

enum eio_sent
eio_socket_send_paced(struct eio_socket *s, struct eio_bundle *b, const void *tag, unsigned ms)
{
	b = as_taken(s, b);
	return b ? queue_paced(s, b, tag, ms) : EIO_SENT_NOMEM;
}

enum eio_sent
eio_socket_send(struct eio_socket *s, struct eio_bundle *b, const void *tag)
{
	uint64_t rested;

	b = as_taken(s, b);
	if (!b) return EIO_SENT_NOMEM;
	if (send_direct(s, b)) return EIO_SENT;
	if (tag && eio_session_has_pace(&s->session)) return queue_paced(s, b, tag, 0);
	rested = s->session.pace_at;
	return submitted(s, eio_session_submit(&s->session, b, tag), rested);
}

uint64_t *
eio_socket_queue_mark(struct eio_socket *s)
{
	return &s->session.queue.mark;
}

size_t
eio_socket_unsent(const struct eio_socket *s)
{
	return eio_unsent_bytes(s->unsent);
}

size_t
eio_socket_queued(const struct eio_socket *s)
{
	return eio_session_queued(&s->session);
}

size_t
eio_socket_replies(const struct eio_socket *s)
{
	return eio_session_replies(&s->session);
}

size_t
eio_socket_drop(struct eio_socket *s, const void *tag, size_t max_bytes)
{
	return eio_session_drop(&s->session, tag, max_bytes);
}

void
eio_socket_prefetch(const struct eio_socket *s)
{
	/* Two lines hold what a send looks at, wherever the allocator put it. */
	__builtin_prefetch(s);
	__builtin_prefetch((const char *)s + EIO__SOCKET_HOT_BYTES);
}

void
eio_socket_prefetch_rest(const struct eio_socket *s)
{
	if (s->ws) eio_ws_prefetch(s->ws);
}
