/* SPDX-License-Identifier: MIT */
/* Two subscribers, while a source goes over. */
#include "src/source/pubsub_move.h"

#include "src/source/crossing.h"

#include <stdlib.h>
#include <string.h>

#define PUBSUB_MOVE_MAGIC 0x50bb3074

struct pubsub_move {
	unsigned magic; /* PUBSUB_MOVE_MAGIC */
	struct pubsub *p;
	const struct pubsub_move_parts *parts;
	const struct source_move_events *events;
	struct source_options options; /* the names are owned: */
	char **channels, **patterns; /* the last channel is the markers' */
	struct pubsub_side *old, *next; /* owned, but the one that is the source's is its own */
	struct crossing *crossing; /* owned */
};

static struct pubsub_move *
move_of(void *user)
{
	struct pubsub_move *v = user;

	CHECK_MAGIC(v, PUBSUB_MOVE_MAGIC);
	return v;
}

/* Names */

static void
free_move_names(char **v)
{
	for (size_t i = 0; v && v[i]; i++) free(v[i]);
	free(v);
}

/* Ends in NULL; more: one that comes last, or NULL. NULL when out of memory. */
static char **
copy_names(const char *const *v, size_t n, const char *more)
{
	char **out = calloc(n + 2, sizeof *out);

	for (size_t i = 0; out && i < n + (more != NULL); i++) {
		out[i] = strdup(i < n ? v[i] : more);
		if (out[i]) continue;
		free_move_names(out);
		return NULL;
	}
	return out;
}

/* The source subscribes to what it wants, with the markers' channel or without it. False when out of memory. */
static bool
want_marker(struct pubsub_move *v, bool wanted)
{
	struct pubsub_side *s = v->p->side;
	struct source_options o = v->options;
	struct redis_subscriber_options all;

	o.n_channels -= !wanted;
	all = v->parts->options(&o, s);
	if (redis_subscriber_prepare(s->subscriber, &all) < 0) return false;
	v->p->quiet = true;
	redis_subscriber_commit(s->subscriber);
	v->p->quiet = false;
	return true;
}

/* What happens */

static const struct pubsub_side *
side_of(const struct pubsub_move *v, enum crossing_side side)
{
	return side == CROSSING_OLD ? v->old : v->next;
}

static bool
is_side_connected(void *user, enum crossing_side side)
{
	return redis_subscriber_is_connected(side_of(move_of(user), side)->subscriber);
}

static bool
is_side_complete(void *user, enum crossing_side side)
{
	return redis_subscriber_is_complete(side_of(move_of(user), side)->subscriber);
}

static bool
are_sides_complete(void *user)
{
	return is_side_complete(user, CROSSING_OLD) && is_side_complete(user, CROSSING_NEW);
}

static void
take_move_held(void *user, const struct redis_message *m, uint64_t skipped)
{
	const struct pubsub_move *v = move_of(user);

	v->parts->take(v->p, m, skipped);
}

static void
on_move_over(void *user)
{
	struct pubsub_move *v = move_of(user);

	redis_subscriber_tell_refused(v->old->subscriber, false);
	v->p->side = v->next;
	redis_subscriber_tell_refused(v->next->subscriber, true);
}

bool
pubsub_move_message(struct pubsub_move *v, const struct pubsub_side *s, const struct redis_message *m, uint64_t skipped)
{
	CHECK_MAGIC(v, PUBSUB_MOVE_MAGIC);
	return crossing_message(v->crossing, s == v->old ? CROSSING_OLD : CROSSING_NEW, m, skipped);
}

void
pubsub_move_lost(struct pubsub_move *v, const struct pubsub_side *s)
{
	CHECK_MAGIC(v, PUBSUB_MOVE_MAGIC);
	crossing_lost(v->crossing, s == v->old ? CROSSING_OLD : CROSSING_NEW);
}

bool
pubsub_move_refused(struct pubsub_move *v, struct eio_bytes name)
{
	CHECK_MAGIC(v, PUBSUB_MOVE_MAGIC);
	return crossing_refused(v->crossing, name);
}

/* Its end */

/* All but the sides, and the crossing. */
static void
free_move(struct pubsub_move *v)
{
	free_move_names(v->channels);
	free_move_names(v->patterns);
	v->p->move = NULL;
	v->magic = 0;
	free(v);
}

void
pubsub_move_end(struct pubsub_move *v)
{
	if (!v) return;
	CHECK_MAGIC(v, PUBSUB_MOVE_MAGIC);
	v->parts->close(v->p->side == v->old ? v->next : v->old);
	crossing_end(v->crossing);
	free_move(v);
}

static void
on_move_ended(void *user, const struct source_moved *how, bool anew)
{
	struct pubsub_move *v = move_of(user);
	const struct source_move_events *events = v->events;
	struct pubsub *p = v->p;

	p->move = NULL; /* its crossing is not there any more */
	if (anew) redis_subscriber_redial(v->old->subscriber);
	v->parts->close(p->side == v->old ? v->next : v->old);
	/* Where memory is out it stays subscribed to one channel more, at which nothing is published. */
	(void)want_marker(v, false);
	free_move(v);
	events->moved(p->user, how);
}

/* From its beginning */

static bool
take_options(struct pubsub_move *v, const struct source_options *o)
{
	v->channels = copy_names(o->channels, o->n_channels, crossing_channel(v->crossing));
	v->patterns = copy_names(o->patterns, o->n_patterns, NULL);
	if (!v->channels || !v->patterns) return false;
	v->options = *o;
	v->options.channels = (const char *const *)v->channels;
	v->options.n_channels = o->n_channels + 1;
	v->options.patterns = (const char *const *)v->patterns;
	v->options.n_places = 0;
	return true;
}

/* NULL when out of memory. */
static struct pubsub_move *
new_move(struct pubsub *p, const struct pubsub_move_parts *parts, const struct source_options *options,
	const struct redis_url *old, const struct source_move_events *events)
{
	struct pubsub_move *v = calloc(1, sizeof *v);
	const struct crossing_options o = {
		.loop = p->loop,
		.url = options->url,
		.metrics = options->metrics,
		.is_connected = is_side_connected,
		.hears_markers = is_side_complete,
		.is_settled = are_sides_complete,
		.take = take_move_held,
		.over = on_move_over,
		.ended = on_move_ended,
		.events = events,
		.events_user = p->user,
		.user = v,
	};

	if (!v) return NULL;
	*v = (struct pubsub_move){ .magic = PUBSUB_MOVE_MAGIC, .p = p, .parts = parts, .events = events };
	v->old = p->side;
	v->crossing = crossing_new(&o, old);
	if (v->crossing && take_options(v, options)) v->next = parts->open(p, &v->options, NULL);
	if (v->next && want_marker(v, true)) return v;
	parts->close(v->next);
	crossing_end(v->crossing);
	free_move(v);
	return NULL;
}

void
pubsub_move_begin(struct pubsub *p, const struct pubsub_move_parts *parts, const struct source_options *options,
	const struct redis_url *old, const struct source_move_events *events)
{
	bool connected = redis_subscriber_is_connected(p->side->subscriber);
	const struct source_moved how = {
		.how = "anew",
		.gap = true,
		.why = connected ? "out of memory" : "the old one was away",
	};

	if (connected) p->move = new_move(p, parts, options, old, events);
	if (!p->move) {
		events->switched(p->user, !connected);
		redis_subscriber_redial(p->side->subscriber);
		events->moved(p->user, &how);
		return;
	}
	crossing_begin(p->move->crossing);
}
