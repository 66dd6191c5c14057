/* SPDX-License-Identifier: MIT */
/* What was read against what is retained. */
#include "src/feed/primed.h"

#include "src/feed/elsewhere.h"

/* What it says is known when all that was noted is settled. */
static enum retain_primed
judge_primed(struct feed_at_work *s, struct feed_stream *stream, const struct message *m)
{
	enum retain_primed what = retained_primes(stream->retained, m->note, m->payload);

	if (what != RETAIN_PRIMED_UNSURE) return what;
	feed_router_flush(s, m->now_ms);
	return retained_primes(stream->retained, m->note, m->payload);
}

/* Adds a message to the list. Out of memory shows at its end. */
static void
list_message(struct feed_primed *p, struct feed_stream *stream, const struct message *m)
{
	struct feed_listed head = { m->payload.n, m->key };

	eio_buf_append(&p->list, &head, sizeof head);
	eio_buf_add(&p->list, m->payload);
	p->stream = stream;
	p->n++;
}

bool
feed_primed_wants(struct feed_at_work *s, struct feed_stream *stream, const struct message *m)
{
	struct message copy = *m;

	/* What cannot stand in the format is refused where all is. */
	if (feed_streams_fate(&s->streams, &copy) != FEED_FATE_TAKEN) return true;
	if (s->primed->collects) {
		list_message(s->primed, stream, m);
		return false;
	}
	switch (judge_primed(s, stream, m)) {
	case RETAIN_PRIMED_NEW: return true;
	case RETAIN_PRIMED_FULL: s->keeper.retain.dropped++; return false;
	case RETAIN_PRIMED_OLD:
	case RETAIN_PRIMED_UNSURE: break;
	}
	return false;
}
