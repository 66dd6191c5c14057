/* SPDX-License-Identifier: MIT */
/*
 * From channels that come and go to the feed. They have a connection of their own: so what is subscribed to always is
 * not behind the answers about them, and nothing comes twice that a feed of each kind wants.
 */
#include "src/source/demanded.h"

#include "eio/check.h"
#include "eio/list.h"
#include "src/base/log.h"
#include "src/redis/pacing.h"
#include "src/source/movable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEMANDED_MAGIC 0x50bbde3a

struct demanded {
	struct source source;
	unsigned magic; /* DEMANDED_MAGIC */
	uv_loop_t *loop;
	const struct redis_url *url;
	struct movable *channels;
	bool goes_on; /* with a connection that it was given, and has not said so yet */
	bool next_may_pause; /* prepared, as the next */
	const struct source_events *events, *next;
	void *user;
	struct log_limit limit;
};

static struct demanded *
demanded_of(void *user)
{
	struct demanded *d = user;

	CHECK_MAGIC(d, DEMANDED_MAGIC);
	return d;
}

static struct demanded *
demanded_source(struct source *s)
{
	return demanded_of(EIO_CONTAINER(s, struct demanded, source));
}

static struct message
demanded_message(const struct demanded *d, const struct redis_message *m)
{
	return (struct message){
		.kind = MESSAGE_OF_CHANNEL,
		.name = m->name,
		.channel = m->channel,
		.payload = m->payload,
		.id = eio_bytes("", 0),
		.words = eio_bytes("", 0),
		.now_ms = uv_now(d->loop),
	};
}

static void
on_demanded_message(void *user, const struct redis_message *m)
{
	struct demanded *d = demanded_of(user);
	struct message message = demanded_message(d, m);

	d->events->message(d->user, &message);
}

static void
on_demanded_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	struct demanded *d = demanded_of(user);
	const struct message message = demanded_message(d, m);

	d->events->too_long(d->user, &message, n);
}

static void
on_demanded_connected(void *user, bool connected)
{
	struct demanded *d = demanded_of(user);

	d->events->state(d->user, connected);
	if (!connected || !d->goes_on) return;
	d->goes_on = false;
	d->events->settled(d->user);
}

static void
on_demanded_refused(void *user, enum redis_channel_kind kind, struct eio_bytes name, bool refused)
{
	struct demanded *d = demanded_of(user);

	(void)kind;
	d->events->refused(d->user, MESSAGE_OF_CHANNEL, name, refused);
}

static void
on_demanded_gap(void *user, uint64_t from_ms, uint64_t to_ms)
{
	struct demanded *d = demanded_of(user);
	char from[24], to[24];
	const struct source_gap gap = {
		.kind = MESSAGE_OF_CHANNEL,
		.name = eio_bytes("", 0),
		.from = eio_bytes(from, (size_t)snprintf(from, sizeof from, "%" PRIu64, from_ms)),
		.to = eio_bytes(to, (size_t)snprintf(to, sizeof to, "%" PRIu64, to_ms)),
	};

	d->events->gap(d->user, &gap);
}

static bool
may_pause(const struct source_options *o)
{
	return o->patience_ms >= REDIS_PAUSE_MS;
}

static struct source *
demanded_open(const struct source_options *options)
{
	const struct source_place *place = options->n_places && options->places[0].fd >= 0 ? options->places : NULL;
	struct demanded *d = calloc(1, sizeof *d);
	const struct redis_channels_options o = {
		.url = options->url,
		.metrics = options->metrics,
		.message_bytes = options->message_bytes,
		.message = on_demanded_message,
		.too_long = on_demanded_too_long,
		.connected = on_demanded_connected,
		.refused = on_demanded_refused,
		.gap = on_demanded_gap,
		.user = d,
		.handed = place ? place->text : NULL,
		.handed_fd = place ? place->fd : -1,
	};

	if (!d && place) close(place->fd);
	if (!d) return NULL;
	d->source.ops = &source_demanded;
	d->magic = DEMANDED_MAGIC;
	d->loop = options->loop;
	d->url = options->url;
	d->events = options->events;
	d->user = options->user;
	d->goes_on = place != NULL;
	d->channels = movable_open(options->loop, &o);
	if (!d->channels) {
		free(d);
		return NULL;
	}
	movable_set_pause(d->channels, may_pause(options));
	return &d->source;
}

static void
demanded_close(struct source *source)
{
	struct demanded *d = demanded_source(source);

	movable_close(d->channels);
	d->magic = 0;
	free(d);
}

static int
demanded_prepare(struct source *source, const struct source_options *options)
{
	struct demanded *d = demanded_source(source);

	d->next = options->events;
	d->next_may_pause = may_pause(options);
	return 0;
}

static void
demanded_commit(struct source *source)
{
	struct demanded *d = demanded_source(source);

	d->events = d->next;
	movable_tell_refused(d->channels, true);
	movable_set_pause(d->channels, d->next_may_pause);
}

static void
demanded_forget(struct source *source)
{
	demanded_source(source)->next = NULL;
}

static void
demanded_tell_refused(const struct source *source, bool refused)
{
	movable_tell_refused(demanded_source((struct source *)(uintptr_t)source)->channels, refused);
}

static int
demanded_hand(const struct source *source, struct eio_buf *text)
{
	return movable_hand(demanded_source((struct source *)(uintptr_t)source)->channels, text);
}

static void
demanded_move(struct source *source, const struct source_options *options, const struct redis_url *old,
	const struct source_move_events *events)
{
	struct demanded *d = demanded_source(source);

	(void)options; /* what is wanted it knows */
	movable_move(d->channels, old, events, d->user);
}

static void
demanded_want(struct source *source, struct eio_bytes channel)
{
	struct demanded *d = demanded_source(source);

	if (movable_has(d->channels, REDIS_CHANNEL, channel)) return;
	if (movable_want(d->channels, REDIS_CHANNEL, channel) < 0)
		log_limited(LOG_LEVEL_ERROR, &d->limit, uv_now(d->loop),
			"redis=%s event=not-subscribed error=\"out of memory\"", d->url->name);
}

/* One that could not be wanted is none. */
static void
demanded_leave(struct source *source, struct eio_bytes channel)
{
	struct demanded *d = demanded_source(source);

	if (movable_has(d->channels, REDIS_CHANNEL, channel)) movable_leave(d->channels, REDIS_CHANNEL, channel);
}

static void
demanded_flush(struct source *source)
{
	movable_flush(demanded_source(source)->channels);
}

static void
demanded_mark(struct source *source)
{
	movable_mark(demanded_source(source)->channels);
}

static bool
demanded_passed_mark(struct source *source)
{
	return movable_passed_mark(demanded_source(source)->channels);
}

struct handed_teller {
	void (*tell)(void *user, struct eio_bytes channel);
	void *user;
};

static void
on_handed_channel(void *user, enum redis_channel_kind kind, struct eio_bytes name)
{
	const struct handed_teller *t = user;

	if (kind == REDIS_CHANNEL) t->tell(t->user, name);
}

static void
demanded_tell_handed(const char *text, void (*tell)(void *user, struct eio_bytes channel), void *user)
{
	struct handed_teller t = { tell, user };

	redis_channels_handed(text, on_handed_channel, &t);
}

const struct source_ops source_demanded = {
	.open = demanded_open,
	.close = demanded_close,
	.prepare = demanded_prepare,
	.commit = demanded_commit,
	.forget = demanded_forget,
	.tell_refused = demanded_tell_refused,
	.hand = demanded_hand,
	.move = demanded_move,
	.want = demanded_want,
	.leave = demanded_leave,
	.flush = demanded_flush,
	.mark = demanded_mark,
	.passed_mark = demanded_passed_mark,
	.tell_handed = demanded_tell_handed,
};
