/* SPDX-License-Identifier: MIT */
/*
 * Pings, which say two things besides: up to when the edge was sent all that was published, so that it knows from when
 * on it has missed something if there is nothing more of the session; and how much of what it published came here.
 */
#include "src/relay/hub_int.h"

#include "src/base/clock.h"

static uint64_t
reached_here(const struct relay_hub *h)
{
	if (!h->options.feeds) return h->above_ms;
	return h->tick_wall_ms > h->batch_ms ? h->tick_wall_ms - h->batch_ms : 0;
}

/* Of one that always has something to be sent it is known when what there was at some time has been. */
static void
note_complete(struct hub_session *s, uint64_t reached_ms)
{
	bool marked = s->sent >= s->mark;

	if (s->sent == s->last)
		s->complete_ms = reached_ms;
	else if (marked && s->mark_ms)
		s->complete_ms = s->mark_ms;
	if (!marked) return;
	s->mark = s->last;
	s->mark_ms = reached_ms;
}

void
hub_ping_tick(struct relay_hub *h)
{
	uint64_t reached_ms = reached_here(h);

	for (struct eio_list *l = h->sessions.next; l != &h->sessions; l = l->next)
		note_complete(EIO_CONTAINER(l, struct hub_session, link), reached_ms);
	h->tick_wall_ms = clock_wall_ms();
}

void
hub_ping(struct hub_link *l)
{
	struct hub_session *s = l->session;
	struct eio_buf out = { 0 };

	if (!eio_ws_writable(l->ws)) return;
	l->pinged_ms = hub_now(l->hub);
	relay_put_number(&out, s->complete_ms);
	relay_put_number(&out, s->published);
	if (!eio_buf_failed(&out) && hub_write(l->ws, RELAY_PING, eio_buf_bytes(&out))) {
		l->published_told = s->published;
		s->published_bytes = 0;
	}
	eio_buf_deinit(&out);
}

void
hub_ping_published(struct hub_link *l)
{
	const struct hub_session *s = l->session;
	bool recently = hub_now(l->hub) - l->pinged_ms < RELAY_PUBLISHED_MS;

	if (l->published_told == s->published || (recently && s->published_bytes < RELAY_PUBLISHED_BYTES)) return;
	hub_ping(l);
}
