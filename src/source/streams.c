/* SPDX-License-Identifier: MIT */
/* From a streamer to the feed: its entries become the feed's, where they lie. */
#include "src/source/streams.h"

#include "eio/check.h"
#include "eio/list.h"
#include "src/redis/streamer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS_MAGIC 0x50bb57e4

struct streams {
	struct source source;
	unsigned magic;
	uv_loop_t *loop;
	struct redis_streamer *streamer;
	struct redis_streamer_stream *all; /* owned: n, with their texts */
	size_t n;
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

static struct message
message_of_entry(const struct streams *s, size_t stream, const struct redis_entry *e)
{
	return (struct message){
		.kind = MESSAGE_OF_STREAM,
		.name = eio_cstr(s->all[stream].name),
		.channel = eio_cstr(s->all[stream].name),
		.id = e->id,
		.words = e->words,
		.now_ms = uv_now(s->loop),
	};
}

static void
on_entry(void *user, size_t stream, const struct redis_entry *e)
{
	struct streams *s = streams_of(user);
	struct message m = message_of_entry(s, stream, e);

	if (e->skipped)
		s->events->too_long(s->user, &m, e->skipped);
	else
		s->events->entry(s->user, &m);
}

/* What was too long nobody has got. */
static void
on_past_entry(void *user, size_t stream, const struct redis_entry *e)
{
	struct streams *s = streams_of(user);
	struct message m = message_of_entry(s, stream, e);

	if (!e->skipped) s->events->past(s->user, &m);
}

static void
on_past_end(void *user, size_t stream, const struct redis_id *from)
{
	struct streams *s = streams_of(user);

	s->events->past_end(s->user, eio_cstr(s->all[stream].name), from);
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

static void
on_streams_settled(void *user)
{
	struct streams *s = streams_of(user);

	s->events->settled(s->user);
}

static void
free_streams(struct redis_streamer_stream *all, size_t n)
{
	for (size_t i = 0; all && i < n; i++) {
		free((void *)(uintptr_t)all[i].name);
		free((void *)(uintptr_t)all[i].from);
		free((void *)(uintptr_t)all[i].position);
		free((void *)(uintptr_t)all[i].resume);
	}
	free(all);
}

/* Where one goes on, whatever else is said; or NULL. */
static const char *
place_of_stream(const struct source_options *o, const char *name)
{
	for (size_t k = 0; k < o->n_places; k++)
		if (strcmp(o->places[k].name, name) == 0) return o->places[k].text;
	return NULL;
}

static bool
copy_stream_text(const char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

/* The set that they are of may go before they do. NULL when out of memory. */
static struct redis_streamer_stream *
copy_streams(const struct source_options *o)
{
	struct redis_streamer_stream *all = calloc(o->n_streams + 1, sizeof *all);
	bool copied = all != NULL;

	for (size_t i = 0; copied && i < o->n_streams; i++)
		copied = copy_stream_text(&all[i].name, o->streams[i].name) &&
			 copy_stream_text(&all[i].from, o->streams[i].from) &&
			 copy_stream_text(&all[i].position, o->streams[i].position) &&
			 copy_stream_text(&all[i].resume, place_of_stream(o, o->streams[i].name));
	if (copied) return all;
	free_streams(all, o->n_streams);
	return NULL;
}

static struct source *
streams_open(const struct source_options *options)
{
	struct streams *s = calloc(1, sizeof *s);
	struct redis_streamer_options o = {
		.url = options->url,
		.metrics = options->metrics,
		.n = options->n_streams,
		.message_bytes = options->message_bytes,
		.save_ms = options->save_ms,
		.entry = on_entry,
		.gap = on_streams_gap,
		.state = on_streams_state,
		.refused = on_stream_refused,
		.past = options->past,
		.past_entry = on_past_entry,
		.past_end = on_past_end,
		.settled = options->n_places || options->past ? on_streams_settled : NULL,
		.may_read = may_read_streams,
		.user = s,
	};

	if (!s) return NULL;
	s->source.ops = &source_streams;
	s->magic = STREAMS_MAGIC;
	s->loop = options->loop;
	o.streams = s->all = copy_streams(options);
	s->n = options->n_streams;
	s->events = options->events;
	s->user = options->user;
	if (s->all) s->streamer = redis_streamer_open(options->loop, &o);
	if (s->streamer) return &s->source;
	free_streams(s->all, s->n);
	free(s);
	return NULL;
}

static void
streams_close(struct source *source)
{
	struct streams *s = streams_of(EIO_CONTAINER(source, struct streams, source));

	redis_streamer_close(s->streamer);
	s->magic = 0;
	free_streams(s->all, s->n);
	free(s);
}

static void
streams_tell_refused(const struct source *source, bool refused)
{
	const struct streams *s = streams_of(EIO_CONTAINER((struct source *)(uintptr_t)source, struct streams, source));

	redis_streamer_tell_refused(s->streamer, refused);
}

static void
streams_tell_places(const struct source *source, void (*tell)(void *user, const struct source_place *place), void *user)
{
	const struct streams *s = streams_of(EIO_CONTAINER((struct source *)(uintptr_t)source, struct streams, source));
	char text[REDIS_CURSOR_TEXT];

	for (size_t i = 0; i < s->n; i++) {
		struct source_place place = { s->all[i].name, redis_streamer_store(s->streamer, i, text), -1 };

		if (place.text) tell(user, &place);
	}
}

const struct source_ops source_streams = {
	.open = streams_open,
	.close = streams_close,
	.tell_refused = streams_tell_refused,
	.tell_places = streams_tell_places,
};
