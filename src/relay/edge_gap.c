/* SPDX-License-Identifier: MIT */
/*
 * Gaps: from when on something may be missed, and whom that is told.
 *
 * What waited at the hub for a connection that is lost was published before it was lost, maybe long before. So the hub
 * says now and then up to when its session is complete, and that stands in the order of all that it sends: what an edge
 * has read before it, it has. One that does not say it leaves nothing better than when the edge had the last of it.
 */
#include "src/relay/edge_int.h"

#include "sio/json.h"
#include "src/base/clock.h"
#include "src/feed/passing.h"
#include "src/feed/sending.h"

#include <inttypes.h>

uint64_t
edge_gap_from(const struct relay_edge *e)
{
	uint64_t from = e->begun_wall_ms;

	if (e->plain) return e->heard_wall_ms;
	/* Clocks may differ: it is neither before the session nor behind what came of it. */
	if (e->complete_ms > from) from = e->complete_ms;
	return from < e->heard_wall_ms ? from : e->heard_wall_ms;
}

void
edge_gap_begin(struct relay_edge *e)
{
	/* One that has not been told yet goes on. */
	if (e->was_open && !e->gap) e->gap_from_ms = edge_gap_from(e);
	e->gap |= e->was_open;
	e->was_open = true;
	e->plain = false;
	e->complete_ms = 0;
	e->begun_wall_ms = e->heard_wall_ms = clock_wall_ms();
}

/* The arguments of the event, as feeds have it. */
static void
write_relay_gap(struct eio_buf *out, struct eio_bytes channel, uint64_t from_ms, uint64_t to_ms)
{
	EIO_BUF_ADD_LIT(out, "[{\"channel\":");
	sio_json_escape(out, channel);
	eio_buf_printf(out, ",\"from\":%" PRIu64 ",\"to\":%" PRIu64 "}]", from_ms, to_ms);
}

static void
tell_relay_gap(struct relay_edge *e, struct eio_bytes nsp, struct eio_bytes channel, uint64_t to_ms)
{
	struct eio_buf args = { 0 };

	write_relay_gap(&args, channel, e->gap_from_ms, to_ms);
	if (!eio_buf_failed(&args)) {
		const struct feed_posted event = { .is_event = true,
			.everyone = true,
			.name = EIO_LIT("siocast:gap"),
			.nsp = nsp,
			.payload = eio_buf_bytes(&args) };

		metrics_add(e->metrics, RELAY_EDGE_METRIC_BEHIND, feed_send(e->options.feed, &event));
	} else {
		metrics_inc(e->metrics, RELAY_EDGE_METRIC_DROPPED);
	}
	eio_buf_deinit(&args);
}

/* Clients are told of each feed for which the hub tells its own. */
void
edge_gap_end(struct relay_edge *e)
{
	struct eio_bytes s = eio_buf_bytes(&e->feeds), nsp, channel;
	uint64_t n, to_ms = clock_wall_ms();

	if (!e->gap) return;
	e->gap = false;
	metrics_inc(e->metrics, RELAY_EDGE_METRIC_GAPS);
	log_warn("hub=%s event=relay-gap from=%" PRIu64 " to=%" PRIu64, e->options.spec->text, e->gap_from_ms, to_ms);
	feed_pass_gap(e->options.feed);
	if (!relay_take_number(&s, &n)) return;
	for (; n && relay_take_bytes(&s, &nsp) && relay_take_bytes(&s, &channel); n--)
		tell_relay_gap(e, nsp, channel, to_ms);
}
