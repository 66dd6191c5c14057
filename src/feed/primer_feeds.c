/* SPDX-License-Identifier: MIT */
/* A list, and the one that comes next. */
#include "src/feed/primer_feeds.h"

#include "eio/check.h"

#include <stdlib.h>

static void
hear_feed(struct primer_feed *f, uint64_t now_ms)
{
	if (f->hears) {
		feed_priming_renew(f->feed, now_ms);
		return;
	}
	feed_priming_begin(f->feed, now_ms);
	metrics_inc(f->feed->metrics, FEED_METRIC_PRIMING);
	f->hears = true;
}

void
primer_feeds_hear(struct primer_feeds *l, uint64_t now_ms)
{
	for (size_t i = 0; i < l->n; i++) hear_feed(&l->v[i], now_ms);
}

void
primer_feed_end(struct primer_feed *f, uint64_t now_ms)
{
	if (!f->hears) return;
	feed_priming_end(f->feed, now_ms);
	metrics_sub(f->feed->metrics, FEED_METRIC_PRIMING, 1);
	f->hears = false;
}

bool
primer_feed_is_whole(const struct primer_feed *f, bool alone)
{
	const struct feed_spec *spec = f->feed->spec;

	for (size_t i = 0; i < spec->n_primes; i++)
		if (spec->primes[i].kind != FEED_PRIME_HASH && spec->primes[i].kind != FEED_PRIME_SCAN) return false;
	return alone && !f->failed;
}

void
primer_feeds_want(struct primer_feeds *l)
{
	if (l->n_due == l->n) return; /* each channel of a lost connection tells of its gap */
	for (size_t i = 0; i < l->n; i++) l->v[i].due = true;
	l->n_due = l->n;
	l->from = 0;
}

size_t
primer_feeds_first(struct primer_feeds *l)
{
	CHECK(l->n_due);
	while (!l->v[l->from].due) l->from++;
	return l->from;
}

void
primer_feeds_done(struct primer_feeds *l, size_t i, uint64_t now_ms)
{
	struct primer_feed *f = &l->v[i];

	CHECK(f->due);
	primer_feed_end(f, now_ms);
	l->n_unread -= !f->read;
	l->n_due--;
	f->read = true;
	f->due = false;
}

/* Going over to others */

/* They mostly stand in the same order: so it begins to look behind the last that was found. */
static void
prepare_primed(struct primer_feeds *l, struct feed_at_work *feed, size_t *hint)
{
	struct primer_feed *f = &l->next[l->n_next++];

	*f = (struct primer_feed){ .feed = feed, .was = SIZE_MAX };
	for (size_t i = 0; i < l->n && f->was == SIZE_MAX; i++)
		if (l->v[(*hint + i) % l->n].feed == feed) f->was = (*hint + i) % l->n;
	if (f->was != SIZE_MAX) *hint = f->was + 1;
}

int
primer_feeds_prepare(struct primer_feeds *l, struct feed_at_work *const *feeds, size_t n)
{
	size_t hint = 0;

	primer_feeds_forget(l);
	l->next = calloc(n + 1, sizeof *l->next);
	if (!l->next) return -1;
	for (size_t i = 0; i < n; i++)
		if (feeds[i]->spec->n_primes) prepare_primed(l, feeds[i], &hint);
	return 0;
}

size_t
primer_feeds_commit(struct primer_feeds *l, size_t at, uint64_t now_ms)
{
	size_t found = SIZE_MAX;

	CHECK(l->next);
	for (size_t i = 0; i < l->n_next; i++) {
		struct primer_feed *f = &l->next[i];

		if (f->was == SIZE_MAX) {
			f->due = true;
			hear_feed(f, now_ms);
			continue;
		}
		if (f->was == at) found = i;
		f->due = l->v[f->was].due;
		f->read = l->v[f->was].read;
		f->hears = l->v[f->was].hears;
		f->failed = l->v[f->was].failed;
	}
	free(l->v);
	*l = (struct primer_feeds){ .v = l->next, .n = l->n_next };
	for (size_t i = 0; i < l->n; i++) {
		l->n_due += l->v[i].due;
		l->n_unread += !l->v[i].read;
	}
	return found;
}

void
primer_feeds_forget(struct primer_feeds *l)
{
	free(l->next);
	l->next = NULL;
	l->n_next = 0;
}

void
primer_feeds_deinit(struct primer_feeds *l)
{
	primer_feeds_forget(l);
	free(l->v);
	*l = (struct primer_feeds){ .n = 0 };
}
