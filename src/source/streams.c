/* SPDX-License-Identifier: MIT */
/* From a streamer to the feed: its entries become the feed's, where they lie. */
#include "src/source/streams.h"

#include "eio/check.h"
#include "eio/list.h"
#include "src/redis/streamer.h"

#include <stdio.h>
#include <stdlib.h>

#define STREAMS_MAGIC 0x50bb57e4

struct streams {
	struct source source;
	unsigned magic;
	uv_loop_t *loop;
	struct redis_streamer *streamer;
	const struct redis_streamer_stream *all; /* borrowed */
	const struct source_events *events;
	void *user;
};

static struct streams *
streams_of(void *user)
{
	struct streams *s = user;

	CHECK_MAGIC(s, STREAMS_MAGIC);
	return s;
}

static void
on_entry(void *user, size_t stream, const struct redis_entry *e)
{
	struct streams *s = streams_of(user);
	struct message m = {
		.kind = MESSAGE_OF_STREAM,
		.name = eio_cstr(s->all[stream].name),
		.channel = eio_cstr(s->all[stream].name),
		.id = e->id,
		.words = e->words,
		.now_ms = uv_now(s->loop),
	};

	if (e->skipped)
		s->events->too_long(s->user, &m, e->skipped);
	else
		s->events->entry(s->user, &m);
}

static void
on_streams_gap(void *user, size_t stream, const struct redis_gap *gap)
{
	struct streams *s = streams_of(user);
	char id[REDIS_ID_TEXT], from[REDIS_ID_TEXT + 2], to[REDIS_ID_TEXT + 2];
	const struct source_gap told = {
		.kind = MESSAGE_OF_STREAM,
		.name = eio_cstr(s->all[stream].name),
		.from = eio_bytes(from, (size_t)snprintf(from, sizeof from, "\"%s\"", redis_id_text(gap->from, id))),
		.to = eio_bytes(to, (size_t)snprintf(to, sizeof to, "\"%s\"", redis_id_text(gap->to, id))),
		.missed = gap->missed,
	};

	s->events->gap(s->user, &told);
}

static void
on_streams_state(void *user, bool ready)
{
	struct streams *s = streams_of(user);

	s->events->state(s->user, ready);
}

static void
on_stream_refused(void *user, size_t stream, bool refused)
{
	struct streams *s = streams_of(user);

	s->events->refused(s->user, MESSAGE_OF_STREAM, eio_cstr(s->all[stream].name), refused);
}

static bool
may_read_streams(void *user)
{
	struct streams *s = streams_of(user);

	return s->events->may_read(s->user);
}

static struct source *
streams_open(const struct source_options *options)
{
	struct streams *s = calloc(1, sizeof *s);
	const struct redis_streamer_options o = {
		.url = options->url,
		.metrics = options->metrics,
		.streams = options->streams,
		.n = options->n_streams,
		.message_bytes = options->message_bytes,
		.save_ms = options->save_ms,
		.entry = on_entry,
		.gap = on_streams_gap,
		.state = on_streams_state,
		.refused = on_stream_refused,
		.may_read = may_read_streams,
		.user = s,
	};

	if (!s) return NULL;
	s->source.ops = &source_streams;
	s->magic = STREAMS_MAGIC;
	s->loop = options->loop;
	s->all = options->streams;
	s->events = options->events;
	s->user = options->user;
	s->streamer = redis_streamer_open(options->loop, &o);
	if (s->streamer) return &s->source;
	free(s);
	return NULL;
}

static void
streams_close(struct source *source)
{
	struct streams *s = streams_of(EIO_CONTAINER(source, struct streams, source));

	redis_streamer_close(s->streamer);
	s->magic = 0;
	free(s);
}

const struct source_ops source_streams = { streams_open, streams_close };
