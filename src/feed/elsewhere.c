/* SPDX-License-Identifier: MIT */
/* Leaving in order. */
#include "src/feed/elsewhere.h"

#include "eio/check.h"

#include <stdlib.h>

void
feed_router_begin(struct feed_router *r, const struct message *m, const unsigned *feeds, size_t n)
{
	r->passing = feeds;
	r->n_passing = n;
	journal_begin(r->out->journal, m);
}

/* It was published without Redis. */
static void
note_local(struct journal *j, struct eio_bytes nsp, uint64_t now_ms)
{
	if (!feed_local_has(&j->local, nsp)) feed_local_note(&j->local, nsp, false, now_ms);
}

void
feed_router_note(struct feed_router *r, const struct message *m, const struct feed_stream *stream, unsigned feed)
{
	struct journal *j = r->out->journal;

	if (r->feeds[feed]->primed) return; /* it was read from Redis, and says what others have been sent */
	if (m->track == JOURNAL_NO_TRACK)
		note_local(j, stream->target.nsp, m->now_ms);
	else
		journal_note(j, m, stream, feed);
}

void
feed_router_taken(struct feed_router *r, const struct feed_at_work *s, enum feed_fate fate)
{
	struct journal *j = r->out->journal;
	unsigned class = j->class_of[s->spec->index];

	if (fate == FEED_FATE_MEMORY) journal_lose(j);
	if (!eio_list_empty(&s->streams.filling)) journal_fill(j, class);
	if (s->streams.full) j->classes[class].full = true;
}

void
feed_router_end(struct feed_router *r, uint64_t now_ms)
{
	struct journal *j = r->out->journal;
	bool full = false;

	journal_end(j);
	for (unsigned c = 0; c < j->n_classes; c++) full |= j->classes[c].full;
	if (full) feed_router_leave(r, now_ms, false);
}

/* A class leaves */

static int
by_order(const void *a, const void *b)
{
	const struct feed_due *x = a, *y = b;

	if (x->feed != y->feed) return x->feed < y->feed ? -1 : 1;
	return x->stream->order < y->stream->order ? -1 : x->stream->order > y->stream->order;
}

/* All that a class has waiting, in r->due. False when out of memory. */
static bool
gather_class(struct feed_router *r, unsigned class, size_t *n)
{
	const struct journal *j = r->out->journal;

	*n = 0;
	for (unsigned f = 0; f < r->options->specs->n; f++) {
		const struct eio_list *head = &r->feeds[f]->streams.filling;

		if (j->class_of[f] != class) continue;
		for (struct eio_list *l = head->next; l != head; l = l->next) {
			if (*n == r->due_cap) {
				size_t cap = r->due_cap ? 2 * r->due_cap : 64;
				struct feed_due *v = realloc(r->due, cap * sizeof *v);

				if (!v) return false;
				r->due = v;
				r->due_cap = cap;
			}
			r->due[(*n)++] = (struct feed_due){ EIO_CONTAINER(l, struct feed_stream, link), f };
		}
	}
	qsort(r->due, *n, sizeof *r->due, by_order);
	return true;
}

/* Without memory to put them in order: what leaves says nothing to others. */
static void
leave_without_order(struct feed_router *r, unsigned class, uint64_t now_ms)
{
	struct journal *j = r->out->journal;

	j->flush = (struct journal_flush){ .on = true, .vague = true, .class = class };
	for (unsigned f = 0; f < r->options->specs->n; f++)
		if (j->class_of[f] == class) feed_streams_flush(&r->feeds[f]->streams, now_ms);
}

static void
leave_in_order(struct feed_router *r, unsigned class, size_t n, uint64_t now_ms)
{
	struct journal *j = r->out->journal;

	for (size_t i = 0; i < n; i++) {
		const struct feed_due *d = &r->due[i];

		j->flush = (struct journal_flush){
			.on = true,
			.last = i + 1 == n,
			.vague = i + 1 < n && d[1].feed == d->feed && d[1].stream->order == d->stream->order,
			.class = class,
			.feed = d->feed,
			.order = d->stream->order,
		};
		feed_streams_flush_one(&r->feeds[d->feed]->streams, d->stream, now_ms);
	}
}

static void
leave_class(struct feed_router *r, unsigned class, uint64_t now_ms)
{
	struct journal *j = r->out->journal;
	size_t n;

	if (gather_class(r, class, &n))
		leave_in_order(r, class, n, now_ms);
	else
		leave_without_order(r, class, now_ms);
	j->flush.on = false;
	journal_clear(j, class);
	for (unsigned f = 0; f < r->options->specs->n; f++)
		if (j->class_of[f] == class) r->feeds[f]->streams.full = false;
}

static bool
class_is_due(const struct feed_router *r, unsigned class, uint64_t now_ms)
{
	const struct journal *j = r->out->journal;

	if (j->classes[class].full) return true;
	for (unsigned f = 0; f < r->options->specs->n; f++)
		if (j->class_of[f] == class && feed_streams_due(&r->feeds[f]->streams, now_ms)) return true;
	return false;
}

void
feed_router_leave(struct feed_router *r, uint64_t now_ms, bool all)
{
	const struct journal *j = r->out->journal;

	for (unsigned c = 1; c < j->n_classes; c++)
		if (j->classes[c].busy && (all || class_is_due(r, c, now_ms))) leave_class(r, c, now_ms);
}

void
feed_router_flush(struct feed_at_work *s, uint64_t now_ms)
{
	struct journal *j = s->router->out->journal;

	if (!j) {
		feed_streams_flush(&s->streams, now_ms);
		return;
	}
	/* What was read, and not heard, is in no track. */
	if (!eio_list_empty(&s->streams.filling)) journal_fill(j, j->class_of[s->spec->index]);
	feed_router_leave(s->router, now_ms, true);
}

/* Whether the message at hand goes to no feed behind one that sends at once, too. */
static bool
is_last_at_once(const struct feed_router *r, unsigned feed)
{
	for (size_t i = 0; i < r->n_passing; i++)
		if (r->passing[i] > feed && r->out->journal->class_of[r->passing[i]] == 0) return false;
	return true;
}

void
feed_router_leaves(struct feed_router *r, const struct feed_batch *b)
{
	struct journal *j = r->out->journal;

	if (j->flush.on) {
		feed_out_add(r->out, b);
		return;
	}
	CHECK(j->class_of[b->feed->index] == 0);
	j->flush = (struct journal_flush){ .on = true,
		.last = is_last_at_once(r, b->feed->index),
		.feed = b->feed->index,
		.order = b->stream->order };
	feed_out_add(r->out, b);
	j->flush.on = false;
}
