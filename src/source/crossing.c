/* SPDX-License-Identifier: MIT */
/* Two servers, and the moment between them; see the header. */
#include "src/source/crossing.h"

#include "eio/buf.h"
#include "eio/check.h"
#include "src/redis/marker.h"
#include "src/source/move_end.h"

#include <stdlib.h>
#include <string.h>

#define CROSSING_MAGIC 0x50bb3073

enum { LOOK_MS = 10 };

enum crossing_phase {
	PHASE_CONNECTS,
	PHASE_ASKS,
	PHASE_RELATES,
	PHASE_RESTS,
	PHASE_LEAVES,
	PHASE_WAITS,
	PHASE_CUTS,
	PHASE_OVER,
};

/* Whose messages are held. */
enum crossing_holds { HOLDS_NONE, HOLDS_OLD, HOLDS_NEW };

struct crossing {
	unsigned magic; /* CROSSING_MAGIC */
	struct crossing_options options;
	struct redis_url old_url; /* owned */
	char channel[REDIS_MARKER_NAME];
	struct move_end at_old, at_new;
	uv_timer_t timer;
	uint64_t until_ms; /* of the phase */
	enum crossing_phase phase;
	char cut; /* the number of the marker that is the cut; 0: that is not known yet */
	bool home_old, home_new; /* markers 2 and 1 have come where they were published */
	bool same; /* marker 1 has come to the old one */
	bool separate; /* nothing has come to the other one */
	bool refused; /* the markers' channel */
	bool switched; /* that was told */
	const char *broken; /* why messages of a side are missing, so that no cut counts any more; or NULL */
	/* The new one's at first; then of the side to which the cut has come, and to the other one not yet. */
	enum crossing_holds holds;
	struct eio_buf held; /* messages: struct held_message, and the bytes */
	struct source_moved how;
};

struct held_message {
	bool is_pattern, is_shard;
	size_t name, channel, payload; /* bytes */
	uint64_t skipped; /* as it was told */
};

static struct crossing *
crossing_of(void *user)
{
	struct crossing *v = user;

	CHECK_MAGIC(v, CROSSING_MAGIC);
	return v;
}

const char *
crossing_channel(const struct crossing *v)
{
	return v->channel;
}

static enum crossing_holds
holds_of(enum crossing_side side)
{
	return side == CROSSING_OLD ? HOLDS_OLD : HOLDS_NEW;
}

static bool
is_connected(const struct crossing *v, enum crossing_side side)
{
	return v->options.is_connected(v->options.user, side);
}

static bool
hear_markers(const struct crossing *v)
{
	return v->options.hears_markers(v->options.user, CROSSING_OLD) &&
	       v->options.hears_markers(v->options.user, CROSSING_NEW);
}

/* Once. */
static void
tell_switched(struct crossing *v, bool lost)
{
	if (v->switched) return;
	v->switched = true;
	v->options.events->switched(v->options.events_user, lost);
}

/* What is held */

/* Whole, or not at all: false. */
static bool
hold_message(struct crossing *v, const struct redis_message *m, uint64_t skipped)
{
	const struct held_message head = { m->is_pattern, m->is_shard, m->name.n, m->channel.n, m->payload.n, skipped };
	size_t n = sizeof head + head.name + head.channel + head.payload;

	if (n > CROSSING_HELD_BYTES - v->held.n || !eio_buf_reserve(&v->held, n)) return false;
	eio_buf_append(&v->held, &head, sizeof head);
	eio_buf_add(&v->held, m->name);
	eio_buf_add(&v->held, m->channel);
	eio_buf_add(&v->held, m->payload);
	return true;
}

static void
pass_held(struct crossing *v)
{
	const struct eio_bytes held = eio_buf_bytes(&v->held);
	struct held_message head;

	for (size_t at = 0; at < held.n;) {
		const char *p = held.p + at;
		struct redis_message m;

		memcpy(&head, p, sizeof head);
		p += sizeof head;
		m = (struct redis_message){ .is_pattern = head.is_pattern, .is_shard = head.is_shard };
		m.name = eio_bytes(p, head.name);
		m.channel = eio_bytes(p + head.name, head.channel);
		m.payload = eio_bytes(p + head.name + head.channel, head.payload);
		at += sizeof head + head.name + head.channel + head.payload;
		v->options.take(v->options.user, &m, head.skipped);
	}
}

static void
hold_nothing(struct crossing *v)
{
	v->holds = HOLDS_NONE;
	eio_buf_clear(&v->held);
}

/* Its messages are the source's until it has gone over: so those that are held of it have to be passed after all. */
static void
take_old_again(struct crossing *v)
{
	if (v->holds != HOLDS_OLD) return;
	pass_held(v);
	hold_nothing(v);
}

/* From now on it can only connect anew, which the timer does: a side is telling something just now. */
static void
break_move(struct crossing *v, const char *why)
{
	if (!v->broken) v->broken = why;
	take_old_again(v);
}

/* Deciding */

/* From now on the new one is heard, and what was held of it before. The rest is done on the loop:
 * one of both is telling something just now. */
static void
go_over(struct crossing *v, const char *how, bool same)
{
	v->phase = PHASE_OVER;
	v->options.over(v->options.user);
	/* Of another database what is retained is another. */
	v->how = (struct source_moved){ .how = how, .same = same && v->old_url.db == v->options.url->db };
	if (v->holds == HOLDS_NEW) pass_held(v);
	hold_nothing(v);
}

static const char *
relation(const struct crossing *v)
{
	return v->same ? "same" : "replica";
}

/* The cut has come to a side: what that says from then on is behind it, and held until the cut has come to both. */
static void
take_cut(struct crossing *v, enum crossing_side side)
{
	if (v->broken || !is_connected(v, CROSSING_NEW)) return;
	if (v->separate) {
		if (side == CROSSING_OLD) go_over(v, "separate", false);
		return;
	}
	if (v->holds == HOLDS_NONE) v->holds = holds_of(side);
	if (v->holds == holds_of(side)) return;
	go_over(v, relation(v), true);
	/* Who publishes at a replica is heard there alone: so he goes to one behind us, and leaves one before us. */
	if (v->cut == '3') tell_switched(v, false);
}

static void
publish_cut(struct crossing *v)
{
	v->phase = PHASE_CUTS;
	v->until_ms = uv_now(v->options.loop) + CROSSING_CUT_MS;
	if (!v->separate) hold_nothing(v);
	move_end_publish(v->cut == '4' ? &v->at_new : &v->at_old, v->channel, v->cut);
	if (v->options.cuts) v->options.cuts(v->options.user);
}

/* What comes of a channel that one of both has not confirmed yet would be missing. So that is waited for. */
static void
decide_cut(struct crossing *v, char cut)
{
	v->cut = cut;
	v->phase = PHASE_WAITS;
	v->until_ms = uv_now(v->options.loop) + CROSSING_CUT_MS;
}

/* The new one is a replica: it says at once what is published there, and what is published at the old one later. */
static void
begin_resting(struct crossing *v)
{
	v->phase = PHASE_RESTS;
	v->until_ms = uv_now(v->options.loop) + CROSSING_LEAVE_MS;
	hold_nothing(v);
	v->options.events->rests(v->options.events_user);
}

/* What they are to each other is known; but before the old one is left, whoever publishes there does. */
static void
begin_leaving(struct crossing *v, bool separate)
{
	v->separate = separate;
	v->phase = PHASE_LEAVES;
	v->until_ms = uv_now(v->options.loop) + CROSSING_LEAVE_MS;
	if (!separate) hold_nothing(v);
	tell_switched(v, false);
}

/* Marker 1 has come to the new one, where it was published: what is the same server has sent it to the old one, too. */
static void
take_marker_home(struct crossing *v)
{
	if (!v->home_new && v->phase == PHASE_RELATES) move_end_publish(&v->at_old, v->channel, '2');
	v->home_new = true;
}

static void
take_marker(struct crossing *v, enum crossing_side side, char number)
{
	bool old = side == CROSSING_OLD;

	if (number == '1' && !old) take_marker_home(v);
	if (number == '1' && old) v->same = true;
	if (number == '2' && old) v->home_old = true;
	/* What is held of the new one has come by the old one, or will. */
	if (v->separate && number == (old ? '1' : '2'))
		break_move(v, "what is said at one comes to the other, but late");
	if (v->phase == PHASE_RELATES && number == '1' && old) begin_leaving(v, false);
	if (v->phase == PHASE_RELATES && number == '2' && !old) begin_resting(v);
	if (v->phase == PHASE_CUTS && number == v->cut) take_cut(v, side);
}

bool
crossing_message(struct crossing *v, enum crossing_side side, const struct redis_message *m, uint64_t skipped)
{
	CHECK_MAGIC(v, CROSSING_MAGIC);
	if (!m->is_pattern && !m->is_shard && eio_bytes_eq(m->name, eio_cstr(v->channel))) {
		if (m->payload.n == 1) take_marker(v, side, *m->payload.p);
		return false;
	}
	if (v->phase == PHASE_OVER) return side == CROSSING_NEW;
	if (v->holds == holds_of(side) && !hold_message(v, m, skipped)) break_move(v, "too much came meanwhile");
	return side == CROSSING_OLD && v->holds != HOLDS_OLD;
}

void
crossing_lost(struct crossing *v, enum crossing_side side)
{
	CHECK_MAGIC(v, CROSSING_MAGIC);
	if (v->phase == PHASE_OVER || is_connected(v, side)) return;
	if (side == CROSSING_OLD)
		break_move(v, "the connection to the old one was lost");
	else if (v->phase != PHASE_CONNECTS)
		break_move(v, "the connection to the new one was lost");
	else
		eio_buf_clear(&v->held); /* it is heard from when it is there again */
}

bool
crossing_refused(struct crossing *v, struct eio_bytes name)
{
	bool marker = eio_bytes_eq(name, eio_cstr(v->channel));

	if (marker) v->refused = true;
	return marker;
}

bool
crossing_settles(const struct crossing *v)
{
	return v->phase == PHASE_WAITS;
}

/* Its end */

static void
on_crossing_closed(uv_handle_t *h)
{
	struct crossing *v = crossing_of(h->data);

	v->magic = 0;
	free(v);
}

void
crossing_end(struct crossing *v)
{
	if (!v) return;
	CHECK_MAGIC(v, CROSSING_MAGIC);
	move_end_close(&v->at_old);
	move_end_close(&v->at_new);
	redis_url_deinit(&v->old_url);
	eio_buf_deinit(&v->held);
	uv_close((uv_handle_t *)&v->timer, on_crossing_closed);
}

/* It is closed before its owner is told, who may open another one. */
static void
finish_crossing(struct crossing *v, bool anew)
{
	const struct crossing_options o = v->options;
	const struct source_moved how = v->how;

	crossing_end(v);
	o.ended(o.user, &how, anew);
}

/* Whether the old one may not answer who publishes there: something was waited for in vain that it was asked for,
 * too. */
static bool
may_be_dead(const struct crossing *v)
{
	bool late = uv_now(v->options.loop) >= v->until_ms;

	return !is_connected(v, CROSSING_OLD) || (late && !(v->phase == PHASE_RELATES && v->home_old));
}

/* As after a loss, which tells what may be missing. */
static void
connect_anew(struct crossing *v, const char *why)
{
	v->how = (struct source_moved){ .how = "anew", .gap = true, .why = why };
	take_old_again(v);
	tell_switched(v, may_be_dead(v));
	finish_crossing(v, true);
}

/* What happens */

static bool
has_connected(const struct crossing *v)
{
	return hear_markers(v) && move_end_is_ready(&v->at_old) && move_end_is_ready(&v->at_new);
}

/* Why it cannot go on, or NULL. */
static const char *
find_obstacle(const struct crossing *v)
{
	if (v->broken) return v->broken;
	if (!is_connected(v, CROSSING_OLD)) return "the connection to the old one was lost";
	if (v->refused) return "a channel for markers is refused";
	if (v->at_old.clustered || v->at_new.clustered) return "in a Redis Cluster messages have no order in common";
	if (v->phase != PHASE_CONNECTS && !is_connected(v, CROSSING_NEW))
		return "the connection to the new one was lost";
	if (uv_now(v->options.loop) < v->until_ms || v->phase == PHASE_LEAVES || v->phase == PHASE_RESTS) return NULL;
	if (v->phase == PHASE_WAITS) return "subscriptions were not answered in time";
	if (v->phase == PHASE_CONNECTS || v->phase == PHASE_ASKS) return "not all connections could be made in time";
	if (v->phase == PHASE_CUTS) return "a marker did not come";
	if (!v->home_old || !v->home_new) return "markers cannot be published";
	if (!*v->at_old.replid || !*v->at_new.replid) return "INFO does not say whether both are of one replication";
	return strcmp(v->at_old.replid, v->at_new.replid) ? NULL
							  : "both are replicas of one server, or one is far behind";
}

static void
begin_asking(struct crossing *v)
{
	v->phase = PHASE_ASKS;
	move_end_ask(&v->at_old);
	move_end_ask(&v->at_new);
}

static void
begin_relating(struct crossing *v)
{
	v->phase = PHASE_RELATES;
	v->until_ms = uv_now(v->options.loop) + CROSSING_RELATE_MS;
	move_end_publish(&v->at_new, v->channel, '1');
}

static bool
has_rested(const struct crossing *v)
{
	return v->options.events->has_rested(v->options.events_user) || uv_now(v->options.loop) >= v->until_ms;
}

static bool
has_switched(const struct crossing *v)
{
	return v->options.events->has_switched(v->options.events_user) || uv_now(v->options.loop) >= v->until_ms;
}

static void
on_crossing_timer(uv_timer_t *t)
{
	struct crossing *v = crossing_of(t->data);
	const char *why = v->phase == PHASE_OVER ? NULL : find_obstacle(v);

	if (why) {
		connect_anew(v, why);
		return;
	}
	if (v->phase == PHASE_CONNECTS && has_connected(v)) begin_asking(v);
	if (v->phase == PHASE_ASKS && v->at_old.answered && v->at_new.answered) begin_relating(v);
	if (v->phase == PHASE_RELATES && uv_now(t->loop) >= v->until_ms) begin_leaving(v, true);
	if (v->phase == PHASE_RESTS && has_rested(v)) decide_cut(v, '3');
	if (v->phase == PHASE_LEAVES && has_switched(v)) decide_cut(v, v->separate ? '5' : '4');
	if (v->phase == PHASE_WAITS && v->options.is_settled(v->options.user)) publish_cut(v);
	if (v->phase == PHASE_OVER) finish_crossing(v, false);
}

/* From its beginning */

struct crossing *
crossing_new(const struct crossing_options *options, const struct redis_url *old)
{
	struct crossing *v = calloc(1, sizeof *v);

	if (!v || redis_url_copy(old, &v->old_url) < 0) {
		free(v);
		return NULL;
	}
	v->magic = CROSSING_MAGIC;
	v->options = *options;
	v->holds = HOLDS_NEW;
	uv_timer_init(options->loop, &v->timer); /* cannot fail */
	v->timer.data = v;
	if (redis_marker_name(v->channel) == 0 &&
		move_end_open(&v->at_old, options->loop, &v->old_url, options->metrics) &&
		move_end_open(&v->at_new, options->loop, options->url, options->metrics))
		return v;
	crossing_end(v);
	return NULL;
}

void
crossing_begin(struct crossing *v)
{
	v->until_ms = uv_now(v->options.loop) + CROSSING_CONNECT_MS;
	uv_timer_start(&v->timer, on_crossing_timer, LOOK_MS, LOOK_MS);
}
