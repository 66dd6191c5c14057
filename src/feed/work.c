/* SPDX-License-Identifier: MIT */
/* One feed at work, from its making to its end, and what its streams call back. */
#include "src/feed/elsewhere.h"

#include "eio/check.h"
#include "sio/packet.h"

#include <stdlib.h>

static struct feed_at_work *
at_work(void *user)
{
	struct feed_at_work *f = user;

	CHECK_MAGIC(f, FEED_AT_WORK_MAGIC);
	return f;
}

static void
on_stream_flush(
	void *user, struct feed_stream *stream, const struct feed_content *content, unsigned count, uint64_t now_ms)
{
	struct feed_at_work *f = at_work(user);

	const struct feed_batch b = {
		.feed = f->spec,
		.metrics = f->metrics,
		.stream = stream,
		.content = *content,
		.count = count,
		.now_ms = now_ms,
	};

	if (f->notes) feed_keeper_tidy(&f->keeper, now_ms);
	if (f->router->out->journal)
		feed_router_leaves(f->router, &b);
	else
		feed_out_add(f->router->out, &b);
}

static void
disconnect_stream(struct feed_router *r, struct feed_stream *stream)
{
	interest_unref(stream->interest);
	feed_crowd_put(&r->crowds, stream->crowd);
	stream->interest = NULL;
	stream->crowd = NULL;
}

void
feed_at_work_release(void *user, struct feed_stream *stream)
{
	struct feed_at_work *f = at_work(user);

	feed_keeper_release(&f->keeper, stream);
	disconnect_stream(f->router, stream);
	metrics_sub(f->metrics, FEED_METRIC_STREAMS, 1);
}

enum feed_fate
feed_at_work_connect(struct feed_at_work *s, struct feed_stream *stream, const struct audience *audience)
{
	struct feed_router *r = s->router;

	if (sio_packet_event_reserved(stream->event)) return FEED_FATE_RESERVED;
	if (stream->wide)
		stream->crowd = feed_crowd_get(&r->crowds, r->options->interest,
			sio_room_key_hash(r->hash_key, stream->target), stream->target.name, audience);
	else
		stream->interest = interest_get(r->options->interest, stream->target);
	stream->recovers = feed_recovery_is_on(&r->options->recovery, stream->target.nsp);
	if (!feed_stream_is_connected(stream)) return FEED_FATE_MEMORY;
	if (r->out->journal) stream->order = journal_order(stream->event, stream->target, stream->wide);
	if (!s->notes || feed_keeper_connect(&s->keeper, stream)) return FEED_FATE_TAKEN;
	disconnect_stream(r, stream);
	return FEED_FATE_MEMORY;
}

/* Streams of two feeds have different hashes, whatever their places are. */
static int
init_streams(struct feed_at_work *f)
{
	struct feed_router *r = f->router;
	const uint64_t key[2] = { r->hash_key[0], r->hash_key[1] ^ r->born++ };

	if (feed_streams_init(&f->streams, f->spec, key, on_stream_flush, feed_at_work_release, f) < 0) return -1;
	f->streams.gathers = r->options->recovery.elsewhere;
	return 0;
}

struct feed_at_work *
feed_at_work_new(struct feed_router *r, const struct feed_spec *spec)
{
	struct feed_at_work *f = calloc(1, sizeof *f);

	if (!f) return NULL;
	f->magic = FEED_AT_WORK_MAGIC;
	f->router = r;
	f->spec = spec;
	feed_at_work_needs(f, spec);
	f->metrics = metrics_new_numbered(r->options->metrics, &feed_metrics, spec->index);
	if (!f->metrics || init_streams(f) < 0) goto fail;
	if (!f->notes || feed_keeper_init(&f->keeper, &r->snapshots, spec, f->metrics) == 0) return f;
	feed_streams_deinit(&f->streams);
fail:
	metrics_free(f->metrics);
	free(f);
	return NULL;
}

void
feed_at_work_change(struct feed_at_work *f, const struct feed_spec *spec, struct metrics *metrics)
{
	if (metrics) {
		metrics_take_over(metrics, f->metrics);
		metrics_free(f->metrics);
		f->metrics = metrics;
	}
	f->spec = spec;
	feed_at_work_needs(f, spec);
	feed_streams_change(&f->streams, spec);
	feed_keeper_change(&f->keeper, spec, f->metrics);
}

void
feed_at_work_free(struct feed_at_work *f)
{
	if (!f) return;
	CHECK_MAGIC(f, FEED_AT_WORK_MAGIC);
	feed_streams_deinit(&f->streams);
	feed_keeper_deinit(&f->keeper);
	metrics_free(f->metrics);
	f->magic = 0;
	free(f);
}
