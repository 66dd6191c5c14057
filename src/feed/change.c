/* SPDX-License-Identifier: MIT */
/* From the feeds at work to others. */
#include "src/feed/change.h"

#include "eio/check.h"

#include <stdlib.h>

/* Finding what each was */

static bool
is_same_print(const struct feed_spec *a, const struct feed_spec *b)
{
	return a->print == b->print;
}

static bool
is_same_essence(const struct feed_spec *a, const struct feed_spec *b)
{
	return a->essence == b->essence;
}

/* Which of those that are still free it was; SIZE_MAX: none. They mostly stand in the same order: so it begins to look
 * behind the last that was found. */
static size_t
find_before(const struct feed_change *c, const struct feed_spec *spec, size_t *hint,
	bool (*is_same)(const struct feed_spec *a, const struct feed_spec *b))
{
	const struct feed_specs *before = c->options->specs;

	for (size_t i = 0; i < before->n; i++) {
		size_t at = (*hint + i) % before->n;

		if (c->stays[at] || !is_same(&before->v[at], spec)) continue;
		*hint = at + 1;
		return at;
	}
	return SIZE_MAX;
}

/* Those that are the same first: of two with one essence, one may be that. */
static void
find_all_before(struct feed_change *c)
{
	size_t hint = 0;

	for (size_t i = 0; i < c->specs->n; i++) {
		c->was[i] = find_before(c, &c->specs->v[i], &hint, is_same_print);
		if (c->was[i] == SIZE_MAX) continue;
		c->stays[c->was[i]] = true;
		c->counts.same++;
	}
	hint = 0;
	for (size_t i = 0; i < c->specs->n; i++) {
		if (c->was[i] != SIZE_MAX) continue;
		c->was[i] = find_before(c, &c->specs->v[i], &hint, is_same_essence);
		if (c->was[i] == SIZE_MAX) continue;
		c->stays[c->was[i]] = true;
		c->counts.altered++;
	}
	c->counts.added = c->specs->n - c->counts.same - c->counts.altered;
	c->counts.removed = c->options->specs->n - c->counts.same - c->counts.altered;
}

/* Making what is new */

static bool
make_feed_or_metrics(struct feed_change *c, size_t i)
{
	const struct feed_spec *spec = &c->specs->v[i];

	if (c->was[i] == SIZE_MAX) {
		c->feeds[i] = feed_at_work_new(c->router, spec);
		return c->feeds[i] != NULL;
	}
	c->feeds[i] = c->router->feeds[c->was[i]];
	if (c->was[i] == i) return true;
	c->metrics[i] = metrics_new_numbered(c->options->metrics, &feed_metrics, spec->index);
	return c->metrics[i] != NULL;
}

int
feed_change_prepare(
	struct feed_change *c, struct feed_router *r, struct feed_options *options, struct feed_specs *specs)
{
	size_t n = specs->n;

	*c = (struct feed_change){ .router = r, .options = options, .specs = specs };
	CHECK(!r->out->journal);
	c->feeds = calloc(n + 1, sizeof(struct feed_at_work *));
	c->metrics = calloc(n + 1, sizeof(struct metrics *));
	c->was = calloc(n + 1, sizeof *c->was);
	c->stays = calloc(options->specs->n + 1, sizeof *c->stays);
	if (!c->feeds || !c->metrics || !c->was || !c->stays) goto fail;
	find_all_before(c);
	if (feed_table_init(&c->table, specs, r->hash_key) < 0) goto fail;
	for (size_t i = 0; i < n; i++)
		if (!make_feed_or_metrics(c, i)) goto fail;
	if (!r->out->ledger || ledger_prepare(r->out->ledger, &c->ledger, specs, c->was) == 0) return 0;
fail:
	feed_change_forget(c);
	return -1;
}

static void
free_lists(struct feed_change *c)
{
	free(c->feeds);
	free(c->metrics);
	free(c->was);
	free(c->stays);
	*c = (struct feed_change){ .router = NULL };
}

void
feed_change_forget(struct feed_change *c)
{
	for (size_t i = 0; c->feeds && c->metrics && c->was && i < c->specs->n; i++) {
		if (c->was[i] == SIZE_MAX) feed_at_work_free(c->feeds[i]);
		metrics_free(c->metrics[i]);
	}
	feed_table_deinit(&c->table);
	if (c->ledger.specs) ledger_forget(&c->ledger);
	free_lists(c);
}

/* Doing it */

/* What waits on the old terms leaves on them. */
static void
flush_those_that_change(struct feed_change *c, uint64_t now_ms)
{
	struct feed_router *r = c->router;

	for (size_t i = 0; i < c->options->specs->n; i++) {
		feed_streams_own_tick(&r->feeds[i]->streams);
		if (!c->stays[i]) feed_streams_flush(&r->feeds[i]->streams, now_ms);
	}
	for (size_t i = 0; i < c->specs->n; i++) {
		const struct feed_spec *now = &c->specs->v[i];

		if (c->was[i] == SIZE_MAX || is_same_print(&c->options->specs->v[c->was[i]], now)) continue;
		feed_streams_flush(&c->feeds[i]->streams, now_ms);
	}
}

/* Those that go on work from the new set; what is refused is told anew. */
static void
put_in_place(struct feed_change *c)
{
	struct feed_router *r = c->router;
	struct feed_at_work **before = r->feeds;

	for (size_t i = 0; i < c->specs->n; i++) {
		if (c->was[i] != SIZE_MAX) feed_at_work_change(c->feeds[i], &c->specs->v[i], c->metrics[i]);
		metrics_put(c->feeds[i]->metrics, FEED_METRIC_REFUSED, 0);
	}
	for (size_t i = 0; i < c->options->specs->n; i++)
		if (!c->stays[i]) feed_at_work_free(before[i]);
	feed_table_deinit(&r->table);
	r->table = c->table;
	r->latest = NULL;
	r->feeds = c->feeds;
	c->feeds = before;
	c->options->specs = c->specs;
}

void
feed_change_commit(struct feed_change *c, uint64_t now_ms)
{
	struct feed_router *r = c->router;

	flush_those_that_change(c, now_ms);
	if (r->out->ledger) ledger_commit(r->out->ledger, &c->ledger);
	put_in_place(c);
	feed_router_share_ticks(r);
	feed_router_tick(r, now_ms);
	free_lists(c);
}
