/* SPDX-License-Identifier: MIT */
/* From a subscriber to the feed: its messages become the feed's, where they lie. */
#include "src/source/pubsub.h"

#include "src/redis/pacing.h"
#include "src/source/pubsub_int.h"
#include "src/source/pubsub_move.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct pubsub *
pubsub_of(struct source *source)
{
	struct pubsub *p = EIO_CONTAINER(source, struct pubsub, source);

	CHECK_MAGIC(p, PUBSUB_MAGIC);
	return p;
}

static enum message_kind
message_kind_of(bool is_pattern)
{
	return is_pattern ? MESSAGE_OF_PATTERN : MESSAGE_OF_CHANNEL;
}

/* Field by field: an initializer clears all of it first, which takes longer than the rest. */
static inline void
fill_message(const struct pubsub *p, const struct redis_message *m, struct message *out)
{
	out->kind = message_kind_of(m->is_pattern);
	out->name = m->name;
	out->channel = m->channel;
	out->payload = m->payload;
	out->id = out->words = eio_bytes("", 0);
	out->now_ms = uv_now(p->loop);
	out->json = out->utf8 = MESSAGE_FACT_UNKNOWN;
}

static void
pass_published(const struct pubsub *p, const struct redis_message *m)
{
	struct message message;

	fill_message(p, m, &message);
	p->events->message(p->user, &message);
}

static void
on_pubsub_message(void *user, const struct redis_message *m)
{
	struct pubsub_side *s = pubsub_side_of(user);

	if (!s->of->move || pubsub_move_message(s->of->move, s, m, 0)) pass_published(s->of, m);
}

static void
pass_too_long(struct pubsub *p, const struct redis_message *m, uint64_t n)
{
	struct message message;

	fill_message(p, m, &message);
	p->events->too_long(p->user, &message, n);
}

static void
on_pubsub_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	struct pubsub_side *s = pubsub_side_of(user);

	if (!s->of->move || pubsub_move_message(s->of->move, s, m, n)) pass_too_long(s->of, m, n);
}

static void
on_pubsub_state(void *user, bool ready)
{
	struct pubsub_side *s = pubsub_side_of(user);
	struct pubsub *p = s->of;

	if (!ready && p->move) pubsub_move_lost(p->move, s);
	if (s != p->side) return;
	p->events->state(p->user, ready);
	if (!ready || !p->goes_on) return;
	p->goes_on = false;
	p->events->settled(p->user);
}

static void
on_pubsub_answered(void *user, bool all)
{
	struct pubsub_side *s = pubsub_side_of(user);

	if (s == s->of->side) s->of->events->answered(s->of->user, all);
}

static void
on_pubsub_refused(void *user, bool is_pattern, struct eio_bytes name, bool refused)
{
	struct pubsub_side *s = pubsub_side_of(user);
	struct pubsub *p = s->of;

	if (p->move && pubsub_move_refused(p->move, name)) return;
	if (s != p->side || p->quiet) return;
	p->events->refused(p->user, message_kind_of(is_pattern), name, refused);
}

static void
on_pubsub_gap(void *user, bool is_pattern, struct eio_bytes name, uint64_t from_ms, uint64_t to_ms)
{
	struct pubsub_side *s = pubsub_side_of(user);
	struct pubsub *p = s->of;
	char from[24], to[24];
	const struct source_gap gap = {
		.kind = message_kind_of(is_pattern),
		.name = name,
		.from = eio_bytes(from, (size_t)snprintf(from, sizeof from, "%" PRIu64, from_ms)),
		.to = eio_bytes(to, (size_t)snprintf(to, sizeof to, "%" PRIu64, to_ms)),
	};

	if (s == p->side) p->events->gap(p->user, &gap);
}

static struct redis_subscriber_options
subscriber_options(const struct source_options *options, struct pubsub_side *side)
{
	return (struct redis_subscriber_options){
		.url = options->url,
		.metrics = options->metrics,
		.channels = options->channels,
		.patterns = options->patterns,
		.n_channels = options->n_channels,
		.n_patterns = options->n_patterns,
		.message_bytes = options->message_bytes,
		.may_pause = options->patience_ms >= REDIS_PAUSE_MS,
		.message = on_pubsub_message,
		.too_long = on_pubsub_too_long,
		.state = on_pubsub_state,
		.answered = on_pubsub_answered,
		.refused = on_pubsub_refused,
		.gap = on_pubsub_gap,
		.user = side,
	};
}

static struct pubsub_side *
open_side(struct pubsub *p, const struct source_options *options, const struct source_place *place)
{
	struct pubsub_side *s = calloc(1, sizeof *s);
	struct redis_subscriber_options o = subscriber_options(options, s);

	if (place) {
		o.handed = place->text;
		o.handed_fd = place->fd;
	}
	if (!s && place) close(place->fd);
	if (!s) return NULL;
	s->magic = PUBSUB_MAGIC;
	s->of = p;
	s->subscriber = redis_subscriber_open(options->loop, &o);
	if (s->subscriber) return s;
	free(s);
	return NULL;
}

static void
close_side(struct pubsub_side *s)
{
	if (!s) return;
	redis_subscriber_close(s->subscriber);
	s->magic = 0;
	free(s);
}

static struct source *
pubsub_open(const struct source_options *options)
{
	struct pubsub *p = calloc(1, sizeof *p);
	const struct source_place *place = options->n_places && options->places[0].fd >= 0 ? options->places : NULL;

	if (!p && place) close(place->fd);
	if (!p) return NULL;
	p->goes_on = place != NULL;
	p->source.ops = &source_pubsub;
	p->magic = PUBSUB_MAGIC;
	p->loop = options->loop;
	p->events = options->events;
	p->user = options->user;
	p->side = open_side(p, options, place);
	if (p->side) return &p->source;
	free(p);
	return NULL;
}

static void
pubsub_close(struct source *source)
{
	struct pubsub *p = pubsub_of(source);

	pubsub_move_end(p->move);
	close_side(p->side);
	p->magic = 0;
	free(p);
}

static int
pubsub_prepare(struct source *source, const struct source_options *options)
{
	struct pubsub *p = pubsub_of(source);
	const struct redis_subscriber_options o = subscriber_options(options, p->side);

	CHECK(!p->move);
	p->next = options->events;
	return redis_subscriber_prepare(p->side->subscriber, &o);
}

static void
pubsub_commit(struct source *source)
{
	struct pubsub *p = pubsub_of(source);

	p->events = p->next;
	redis_subscriber_commit(p->side->subscriber);
}

static void
pubsub_forget(struct source *source)
{
	redis_subscriber_forget(pubsub_of(source)->side->subscriber);
}

static void
pubsub_tell_refused(const struct source *source, bool refused)
{
	redis_subscriber_tell_refused(pubsub_of((struct source *)(uintptr_t)source)->side->subscriber, refused);
}

static int
pubsub_hand(const struct source *source, struct eio_buf *text)
{
	const struct pubsub *p = pubsub_of((struct source *)(uintptr_t)source);

	return p->move ? -1 : redis_subscriber_hand(p->side->subscriber, text);
}

/* Going over to another address */

static void
take_held_published(void *user, const struct redis_message *m, uint64_t skipped)
{
	struct pubsub *p = user;

	if (skipped)
		pass_too_long(p, m, skipped);
	else
		pass_published(p, m);
}

static const struct pubsub_move_parts move_parts = {
	.options = subscriber_options,
	.open = open_side,
	.close = close_side,
	.take = take_held_published,
};

static void
pubsub_move(struct source *source, const struct source_options *options, const struct redis_url *old,
	const struct source_move_events *events)
{
	struct pubsub *p = pubsub_of(source);

	CHECK(!p->move);
	pubsub_move_begin(p, &move_parts, options, old, events);
}

const struct source_ops source_pubsub = {
	.open = pubsub_open,
	.close = pubsub_close,
	.prepare = pubsub_prepare,
	.commit = pubsub_commit,
	.forget = pubsub_forget,
	.tell_refused = pubsub_tell_refused,
	.hand = pubsub_hand,
	.move = pubsub_move,
};
