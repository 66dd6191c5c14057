/* SPDX-License-Identifier: MIT */
/*
 * SYNC: an edge wants to know when what is published goes to all rooms that it has said. That is so when this hub is
 * ready itself, and what it wants for the edge has been answered: by Redis for channels on demand, and by the hub
 * above. Until then an edge that begins anew has its gap, since nobody else would tell its clients of what is missed.
 *
 * It is looked for in rounds, each for those who asked before it, behind a turn of the mailbox, by which what rooms
 * make be wanted comes; what is wanted later does not keep a round. A hub that is not ready keeps them waiting, as it
 * may miss everything; one that is, but has no answer about some channel for long, does not.
 */
#include "src/relay/hub_int.h"

#include "src/feed/passing.h"

static void
post_sync(struct relay_hub *h)
{
	if (h->sync_posted) return;
	h->sync_posted = true;
	mail_post(&h->syncs, &h->sync);
}

void
hub_sync_ask(struct hub_session *s, uint64_t number)
{
	/* Of an edge that asks again the last question counts. */
	s->sync = s->hub->sync_posted ? HUB_SYNC_LATE : HUB_SYNC_ASKED;
	s->sync_number = number;
	if (!s->hub->settling) post_sync(s->hub);
}

static void
answer_sync(struct hub_session *s)
{
	struct eio_buf out = { 0 };

	s->sync = HUB_SYNC_NONE;
	relay_put_number(&out, s->sync_number);
	hub_session_say(s, RELAY_SYNCED, &out);
	eio_buf_deinit(&out);
	hub_session_pump(s);
}

/* Of those who asked before it. Returns whether others have asked since. */
static bool
end_round(struct relay_hub *h)
{
	bool more = false;

	h->settling = false;
	for (struct eio_list *l = h->sessions.next; l != &h->sessions; l = l->next) {
		struct hub_session *s = EIO_CONTAINER(l, struct hub_session, link);

		if (s->sync == HUB_SYNC_LOOKED)
			answer_sync(s);
		else
			more |= s->sync != HUB_SYNC_NONE;
	}
	return more;
}

static bool
is_round_over(struct relay_hub *h, uint64_t now_ms)
{
	if (feed_is_settled(h->options.feed)) return true;
	if (!feed_ready(h->options.feed))
		h->settle_until_ms = 0;
	else if (!h->settle_until_ms)
		h->settle_until_ms = now_ms + RELAY_SETTLE_MS;
	return h->settle_until_ms && now_ms >= h->settle_until_ms;
}

static void
look_at_round(struct relay_hub *h)
{
	uint64_t now = hub_now(h);

	if (!is_round_over(h, now))
		eio_clock_set(&h->options.thread->clock, &h->settle, now + RELAY_SETTLE_LOOK_MS);
	else if (end_round(h))
		post_sync(h);
}

void
hub_sync_on_settle(struct eio_timer *t)
{
	struct relay_hub *h = EIO_CONTAINER(t, struct relay_hub, settle);

	CHECK_MAGIC(h, RELAY_HUB_MAGIC);
	look_at_round(h);
}

void
hub_sync_take(void *user, struct mail *run)
{
	struct relay_hub *h = user;
	bool any = false, late = false;

	(void)run;
	CHECK_MAGIC(h, RELAY_HUB_MAGIC);
	h->sync_posted = false;
	if (h->closed || h->settling) return;
	for (struct eio_list *l = h->sessions.next; l != &h->sessions; l = l->next) {
		struct hub_session *s = EIO_CONTAINER(l, struct hub_session, link);

		if (s->sync == HUB_SYNC_NONE || s->sync == HUB_SYNC_LOOKED) continue;
		any |= s->sync == HUB_SYNC_ASKED;
		late |= s->sync == HUB_SYNC_LATE;
		s->sync++;
	}
	if (!any && late) post_sync(h);
	if (!any) return;
	h->settling = true;
	h->settle_until_ms = 0;
	feed_settle(h->options.feed);
	look_at_round(h);
}
