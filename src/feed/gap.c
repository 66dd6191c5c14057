/* SPDX-License-Identifier: MIT */
/* What a source says beside messages: that the server refuses something, and that something is missing, which is
 * counted for each feed, and told to the clients of those that want it. */
#include "src/feed/elsewhere.h"

#include "sio/json.h"
#include "src/feed/posting.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct eio_bytes gap_event = { "siocast:gap", 11 };

void
feed_router_refused(struct feed_router *r, enum message_kind kind, struct eio_bytes name, bool refused)
{
	const unsigned *feeds;
	size_t n = feed_router_feeds(r, kind, name, &feeds);

	for (size_t i = 0; i < n; i++) {
		struct metrics *m = r->feeds[feeds[i]]->metrics;

		if (refused)
			metrics_inc(m, FEED_METRIC_REFUSED);
		else
			metrics_sub(m, FEED_METRIC_REFUSED, 1);
	}
}

/* Whether a feed tells, and none of those before it does in its namespace. */
static bool
is_first_to_tell(const struct feed_router *r, const unsigned *feeds, size_t i)
{
	const struct feed_spec *spec = r->feeds[feeds[i]]->spec;

	if (!spec->gap_event) return false;
	for (size_t k = 0; k < i; k++) {
		const struct feed_spec *other = r->feeds[feeds[k]]->spec;

		if (other->gap_event && strcmp(other->nsp, spec->nsp) == 0) return false;
	}
	return true;
}

/* The event's arguments. */
static void
write_gap(struct eio_buf *out, const struct source_gap *gap)
{
	EIO_BUF_ADD_LIT(out, "[{\"channel\":");
	sio_json_escape(out, gap->name);
	EIO_BUF_ADD_LIT(out, ",\"from\":");
	eio_buf_add(out, gap->from);
	EIO_BUF_ADD_LIT(out, ",\"to\":");
	eio_buf_add(out, gap->to);
	if (gap->missed) {
		EIO_BUF_ADD_LIT(out, ",\"missed\":");
		eio_buf_append_u64(out, gap->missed);
	}
	EIO_BUF_ADD_LIT(out, "}]");
}

static void
tell_gap(struct feed_router *r, struct feed_at_work *s, const struct source_gap *gap, uint64_t now_ms)
{
	struct eio_buf args = { 0 };

	write_gap(&args, gap);
	if (eio_buf_failed(&args)) {
		metrics_inc(s->metrics, FEED_METRIC_DROPPED_MEMORY);
	} else {
		const struct feed_posted event = { .is_event = true,
			.everyone = true,
			.name = gap_event,
			.nsp = eio_cstr(s->spec->nsp),
			.payload = eio_buf_bytes(&args) };

		metrics_add(s->metrics, FEED_METRIC_DELIVERIES_DROPPED, feed_router_send(r, &event, now_ms));
	}
	eio_buf_deinit(&args);
}

/* Of some feeds. Clients are told behind it. */
static void
note_gap(struct feed_router *r, const unsigned *feeds, size_t n, const struct source_gap *gap, uint64_t now_ms)
{
	if (r->out->journal) feed_router_leave(r, now_ms, true);
	for (size_t i = 0; i < n; i++) {
		struct feed_at_work *s = r->feeds[feeds[i]];

		metrics_inc(s->metrics, FEED_METRIC_GAPS);
		metrics_add(s->metrics, FEED_METRIC_MISSED, gap->missed);
		/* What came before it leaves before it. */
		if (s->spec->gap_event) feed_streams_flush(&s->streams, now_ms);
	}
	feed_out_post(r->out);
	if (r->out->ledger) ledger_note_gap(r->out->ledger, feeds, n);
	if (r->out->gap) r->out->gap(r->out->gap_user);
	/* Who comes now has missed nothing of it. */
	if (r->out->ledger) r->out->tells = true;
}

void
feed_router_gap(struct feed_router *r, const struct source_gap *gap, uint64_t now_ms)
{
	const unsigned *feeds;
	size_t n = feed_router_feeds(r, gap->kind, gap->name, &feeds);

	note_gap(r, feeds, n, gap, now_ms);
	for (size_t i = 0; i < n; i++)
		if (is_first_to_tell(r, feeds, i)) tell_gap(r, r->feeds[feeds[i]], gap, now_ms);
}

/* Several feeds may have the same pattern. */
static void
tell_demand_gap(struct feed_router *r, const struct demand *d, const struct source_gap *gap, uint64_t now_ms)
{
	struct feed_told *told;
	ssize_t n = feed_specs_told(r->options->specs, d->counts, &told);

	for (ssize_t i = 0; i < n; i++) {
		struct source_gap one = *gap;

		one.name = eio_cstr(told[i].channel);
		tell_gap(r, r->feeds[told[i].feed], &one, now_ms);
	}
	if (n >= 0)
		free(told);
	else
		metrics_inc(r->feeds[0]->metrics, FEED_METRIC_DROPPED_MEMORY);
}

/* By the names that they have, as if they were subscribed to these: one gap for each, and not one for each channel. */
void
feed_router_demand_gap(struct feed_router *r, const struct demand *d, const struct source_gap *gap, uint64_t now_ms)
{
	for (unsigned i = 0; i < r->options->specs->n; i++) {
		const struct feed_spec *f = &r->options->specs->v[i];

		for (size_t k = 0; d->counts[i] && k < f->n_channels; k++) {
			struct source_gap one = *gap;

			one.name = eio_cstr(f->channels[k]);
			note_gap(r, &i, 1, &one, now_ms);
		}
	}
	tell_demand_gap(r, d, gap, now_ms);
}

void
feed_router_demand_refused(struct feed_router *r, const struct demand_channel *c, bool refused)
{
	for (size_t i = 0; i < c->n_uses; i++) {
		struct metrics *m = r->feeds[c->uses[i].feed]->metrics;

		if (i && c->uses[i].feed == c->uses[i - 1].feed) continue;
		if (refused)
			metrics_inc(m, FEED_METRIC_REFUSED);
		else
			metrics_sub(m, FEED_METRIC_REFUSED, 1);
	}
}

static void
tell_too_long(struct feed_router *r, const struct message *m, uint64_t n)
{
	metrics_inc(r->metrics, FEED_ROUTER_METRIC_MESSAGES);
	log_limited(LOG_LEVEL_WARN, &r->long_limit, m->now_ms, "channel=\"%s\" event=message-too-long bytes=%" PRIu64,
		LOG_ESCAPE(m->channel), n);
}

void
feed_router_demand_too_long(struct feed_router *r, const struct demand_channel *c, const struct message *m, uint64_t n)
{
	tell_too_long(r, m, n);
	for (size_t i = 0; i < c->n_uses; i++)
		feed_router_note_fate(r, r->feeds[c->uses[i].feed], m, NULL, FEED_FATE_LONG);
}

void
feed_router_too_long(struct feed_router *r, const struct message *m, uint64_t n)
{
	const unsigned *feeds;
	size_t n_feeds = feed_router_feeds(r, m->kind, m->name, &feeds);

	tell_too_long(r, m, n);
	for (size_t i = 0; i < n_feeds; i++) feed_router_note_fate(r, r->feeds[feeds[i]], m, NULL, FEED_FATE_LONG);
}
