/* SPDX-License-Identifier: MIT */
/* What is heard while it is read: see the header. */
#include "src/feed/primer_int.h"

void
feed_primer_hear(struct feed_primer *p, uint64_t now_ms)
{
	for (size_t i = 0; i < p->n_feeds; i++) {
		struct feed_at_work *s = p->feeds[i].feed;

		if (p->hears) {
			feed_priming_renew(s, now_ms);
			continue;
		}
		feed_priming_begin(s, now_ms);
		metrics_inc(s->metrics, FEED_METRIC_PRIMING);
	}
	p->hears = p->anew = true;
}

void
feed_primer_end_hearing(struct feed_primer *p, uint64_t now_ms)
{
	for (size_t i = 0; p->hears && i < p->n_feeds; i++) {
		feed_priming_end(p->feeds[i].feed, now_ms);
		metrics_sub(p->feeds[i].feed->metrics, FEED_METRIC_PRIMING, 1);
	}
	p->hears = false;
}

/* Whether what was read of a feed is all that there is. */
static bool
has_read_all(const struct feed_primer *p, const struct primer_feed *f)
{
	const struct feed_spec *spec = f->feed->spec;

	for (size_t i = 0; i < spec->n_primes; i++)
		if (spec->primes[i].kind != FEED_PRIME_HASH && spec->primes[i].kind != FEED_PRIME_SCAN) return false;
	return p->alone && !f->failed;
}

bool
feed_primer_tidy(struct feed_primer *p, uint64_t now_ms)
{
	const struct primer_feed *f = &p->feeds[p->at];

	if (feed_priming_tidy(f->feed, has_read_all(p, f), p->looks, now_ms)) return true;
	return ++p->at < p->n_feeds;
}
