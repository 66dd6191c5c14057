/* SPDX-License-Identifier: MIT */
/* One set of channels, or two while they go over. */
#include "src/source/movable.h"

#include "eio/check.h"
#include "src/redis/marker.h"
#include "src/source/crossing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOVABLE_MAGIC 0x50bb30ab

/* A connection, and what is heard of it. */
struct movable_side {
	unsigned magic; /* MOVABLE_MAGIC */
	struct movable *of;
	struct redis_channels *channels;
};

struct movable {
	unsigned magic; /* MOVABLE_MAGIC */
	uv_loop_t *loop;
	struct redis_channels_options options; /* of its owner */
	struct movable_side *side; /* owned: whose messages are taken, and who tells how it is */
	struct movable_side *other; /* owned: the one that is gone over to, or that was left just now; or NULL */
	struct crossing *crossing; /* owned; NULL: it stays where it is */
	char marker[REDIS_MARKER_NAME]; /* the channel of its markers, which is nobody's else; empty: none is wanted */
	bool may_pause;
	bool over; /* `other` was left */
	bool ready; /* as was told */
	const struct source_move_events *events;
	void *events_user;
};

static struct movable_side *
movable_side_of(void *user)
{
	struct movable_side *s = user;

	CHECK_MAGIC(s, MOVABLE_MAGIC);
	return s;
}

static struct movable *
movable_of(void *user)
{
	struct movable *m = user;

	CHECK_MAGIC(m, MOVABLE_MAGIC);
	return m;
}

/* The old one comes first, as long as it is the source's. */
static enum crossing_side
which_side(const struct movable_side *s)
{
	return (s == s->of->side) == s->of->over ? CROSSING_NEW : CROSSING_OLD;
}

static struct movable_side *
movable_side(const struct movable *m, enum crossing_side side)
{
	return (side == CROSSING_NEW) == m->over ? m->side : m->other;
}

/* What a side says */

static void
on_movable_message(void *user, const struct redis_message *msg)
{
	struct movable_side *s = movable_side_of(user);
	struct movable *m = s->of;

	if (!m->crossing || crossing_message(m->crossing, which_side(s), msg, 0))
		m->options.message(m->options.user, msg);
}

static void
on_movable_too_long(void *user, const struct redis_message *msg, uint64_t n)
{
	struct movable_side *s = movable_side_of(user);
	struct movable *m = s->of;

	if (!m->crossing || crossing_message(m->crossing, which_side(s), msg, n))
		m->options.too_long(m->options.user, msg, n);
}

static void
tell_movable_state(struct movable *m)
{
	bool ready = redis_channels_is_ready(m->side->channels);

	if (ready == m->ready) return;
	m->ready = ready;
	if (m->options.state) m->options.state(m->options.user, ready);
}

static void
on_movable_state(void *user, bool ready)
{
	struct movable_side *s = movable_side_of(user);

	(void)ready;
	if (s == s->of->side) tell_movable_state(s->of);
}

static void
on_movable_connected(void *user, bool connected)
{
	struct movable_side *s = movable_side_of(user);
	struct movable *m = s->of;

	if (!connected && m->crossing) crossing_lost(m->crossing, which_side(s));
	if (s == m->side && m->options.connected) m->options.connected(m->options.user, connected);
}

static bool
is_movable_marker(const struct movable *m, enum redis_channel_kind kind, struct eio_bytes name)
{
	return kind == REDIS_CHANNEL && *m->marker && eio_bytes_eq(name, eio_cstr(m->marker));
}

/* That of the markers is left behind the end of the crossing, which its owner has not heard of either. */
static void
on_movable_refused(void *user, enum redis_channel_kind kind, struct eio_bytes name, bool refused)
{
	struct movable_side *s = movable_side_of(user);
	struct movable *m = s->of;

	if (is_movable_marker(m, kind, name)) {
		if (m->crossing) crossing_refused(m->crossing, name);
		return;
	}
	if (s == m->side && m->options.refused) m->options.refused(m->options.user, kind, name, refused);
}

static void
on_movable_gap(void *user, uint64_t from_ms, uint64_t to_ms)
{
	struct movable_side *s = movable_side_of(user);

	if (s == s->of->side && s->of->options.gap) s->of->options.gap(s->of->options.user, from_ms, to_ms);
}

/* Sides */

static struct movable_side *
open_movable_side(struct movable *m, bool goes_on)
{
	struct movable_side *s = calloc(1, sizeof *s);
	struct redis_channels_options o = {
		.url = m->options.url,
		.metrics = m->options.metrics,
		.message_bytes = m->options.message_bytes,
		.message = on_movable_message,
		.too_long = on_movable_too_long,
		.state = on_movable_state,
		.connected = on_movable_connected,
		.refused = on_movable_refused,
		.gap = on_movable_gap,
		.user = s,
		.handed = goes_on ? m->options.handed : NULL,
		.handed_fd = goes_on ? m->options.handed_fd : -1,
	};

	if (!s && o.handed) close(o.handed_fd);
	if (!s) return NULL;
	s->magic = MOVABLE_MAGIC;
	s->of = m;
	s->channels = redis_channels_open(m->loop, &o);
	if (s->channels) return s;
	free(s);
	return NULL;
}

static void
close_movable_side(struct movable_side *s)
{
	if (!s) return;
	redis_channels_close(s->channels);
	s->magic = 0;
	free(s);
}

struct movable *
movable_open(uv_loop_t *loop, const struct redis_channels_options *options)
{
	struct movable *m = calloc(1, sizeof *m);

	if (!m && options->handed) close(options->handed_fd);
	if (!m) return NULL;
	m->magic = MOVABLE_MAGIC;
	m->loop = loop;
	m->options = *options;
	m->side = open_movable_side(m, options->handed != NULL);
	m->options.handed = NULL; /* it is borrowed no longer than by the side */
	if (m->side) return m;
	free(m);
	return NULL;
}

void
movable_close(struct movable *m)
{
	crossing_end(m->crossing);
	close_movable_side(m->other);
	close_movable_side(m->side);
	m->magic = 0;
	free(m);
}

/* What is wanted: both have it, so that either may be the one. */

int
movable_want(struct movable *m, enum redis_channel_kind kind, struct eio_bytes name)
{
	if (redis_channels_want(m->side->channels, kind, name) < 0) return -1;
	if (!m->other || redis_channels_want(m->other->channels, kind, name) == 0) return 0;
	redis_channels_leave(m->side->channels, kind, name);
	return -1;
}

void
movable_leave(struct movable *m, enum redis_channel_kind kind, struct eio_bytes name)
{
	redis_channels_leave(m->side->channels, kind, name);
	if (m->other) redis_channels_leave(m->other->channels, kind, name);
}

bool
movable_has(const struct movable *m, enum redis_channel_kind kind, struct eio_bytes name)
{
	return redis_channels_has(m->side->channels, kind, name);
}

/* The other one has no mark: when it is the one, what is wanted then counts. */
void
movable_mark(struct movable *m)
{
	redis_channels_mark(m->side->channels);
}

bool
movable_passed_mark(struct movable *m)
{
	return redis_channels_passed_mark(m->side->channels);
}

/* Just before the cut, and behind it, the old one is asked for nothing more: what it would say of a channel up to
 * there, and what the new one says of it later, would not fit together. It begins with the new one, as if it had been
 * wanted then. */
void
movable_flush(struct movable *m)
{
	if (m->crossing && crossing_settles(m->crossing)) return;
	redis_channels_flush(m->side->channels);
	if (m->other) redis_channels_flush(m->other->channels);
}

void
movable_set_pause(struct movable *m, bool may_pause)
{
	m->may_pause = may_pause;
	redis_channels_set_pause(m->side->channels, may_pause);
}

void
movable_tell_refused(const struct movable *m, bool refused)
{
	redis_channels_tell_refused(m->side->channels, refused);
}

int
movable_hand(const struct movable *m, struct eio_buf *text)
{
	return m->crossing ? -1 : redis_channels_hand(m->side->channels, text);
}

/* Going over */

static bool
is_movable_connected(void *user, enum crossing_side side)
{
	return redis_channels_is_connected(movable_side(movable_of(user), side)->channels);
}

static bool
hears_movable_markers(void *user, enum crossing_side side)
{
	const struct movable *m = movable_of(user);

	return redis_channels_hears(movable_side(m, side)->channels, REDIS_CHANNEL, eio_cstr(m->marker));
}

/* What the old one was asked for, and the new one was not, since memory was out, it is asked for now. */
static bool
is_movable_settled(void *user)
{
	const struct movable *m = movable_of(user);
	struct redis_channels *old = movable_side(m, CROSSING_OLD)->channels;
	struct redis_channels *new = movable_side(m, CROSSING_NEW)->channels;

	redis_channels_rest(old);
	redis_channels_follow(new, old);
	return redis_channels_is_answered(old) && redis_channels_is_answered(new);
}

static void
on_movable_cuts(void *user)
{
	movable_flush(movable_of(user));
}

static void
take_movable_held(void *user, const struct redis_message *msg, uint64_t skipped)
{
	struct movable *m = movable_of(user);

	if (skipped)
		m->options.too_long(m->options.user, msg, skipped);
	else
		m->options.message(m->options.user, msg);
}

static void
on_movable_over(void *user)
{
	struct movable *m = movable_of(user);
	struct movable_side *before = m->side;

	redis_channels_tell_refused(before->channels, false);
	m->side = m->other;
	m->other = before;
	m->over = true;
	redis_channels_tell_refused(m->side->channels, true);
	tell_movable_state(m);
}

static void
close_other(struct movable *m)
{
	struct movable_side *other = m->other;

	m->other = NULL;
	m->over = false;
	close_movable_side(other);
}

static void
on_movable_ended(void *user, const struct source_moved *how, bool anew)
{
	struct movable *m = movable_of(user);

	m->crossing = NULL;
	close_other(m);
	redis_channels_set_pause(m->side->channels, m->may_pause);
	redis_channels_leave(m->side->channels, REDIS_CHANNEL, eio_cstr(m->marker));
	*m->marker = '\0';
	if (anew)
		redis_channels_redial(m->side->channels);
	else
		redis_channels_flush(m->side->channels);
	m->events->moved(m->events_user, how);
}

/* False when out of memory. */
static bool
begin_crossing(struct movable *m, const struct redis_url *old)
{
	const struct crossing_options o = {
		.loop = m->loop,
		.url = m->options.url,
		.metrics = m->options.metrics,
		.is_connected = is_movable_connected,
		.hears_markers = hears_movable_markers,
		.is_settled = is_movable_settled,
		.cuts = on_movable_cuts,
		.take = take_movable_held,
		.over = on_movable_over,
		.ended = on_movable_ended,
		.events = m->events,
		.events_user = m->events_user,
		.user = m,
	};

	m->crossing = crossing_new(&o, old);
	if (!m->crossing) return false;
	memcpy(m->marker, crossing_channel(m->crossing), sizeof m->marker);
	m->other = open_movable_side(m, false);
	if (m->other && redis_channels_want_all(m->other->channels, m->side->channels) == 0 &&
		redis_channels_want(m->other->channels, REDIS_CHANNEL, eio_cstr(m->marker)) == 0 &&
		redis_channels_want(m->side->channels, REDIS_CHANNEL, eio_cstr(m->marker)) == 0) {
		movable_flush(m);
		crossing_begin(m->crossing);
		return true;
	}
	crossing_end(m->crossing);
	m->crossing = NULL;
	*m->marker = '\0';
	close_other(m);
	return false;
}

void
movable_move(struct movable *m, const struct redis_url *old, const struct source_move_events *events, void *user)
{
	bool connected = redis_channels_is_connected(m->side->channels);
	const struct source_moved how = {
		.how = "anew",
		.gap = true,
		.why = connected ? "out of memory" : "the old one was away",
	};

	CHECK(!m->crossing);
	m->events = events;
	m->events_user = user;
	if (connected && begin_crossing(m, old)) return;
	events->switched(user, !connected);
	redis_channels_redial(m->side->channels);
	events->moved(user, &how);
}
