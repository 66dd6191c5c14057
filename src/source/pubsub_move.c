/* SPDX-License-Identifier: MIT */
/* Two subscribers, and the moment between them; see the header. */
#include "src/source/pubsub_move.h"

#include "eio/buf.h"
#include "src/redis/marker.h"
#include "src/source/move_end.h"

#include <stdlib.h>
#include <string.h>

#define PUBSUB_MOVE_MAGIC 0x50bb3073

enum { LOOK_MS = 10 };

enum move_phase { MOVE_CONNECTS, MOVE_ASKS, MOVE_RELATES, MOVE_LEAVES, MOVE_CUTS, MOVE_OVER };

struct pubsub_move {
	unsigned magic; /* PUBSUB_MOVE_MAGIC */
	struct pubsub *p;
	const struct pubsub_move_parts *parts;
	const struct source_move_events *events;
	struct source_options options; /* the names are owned: */
	char **channels, **patterns; /* the last channel is the markers' */
	struct redis_url old_url; /* owned */
	struct pubsub_side *old, *next; /* owned, but the one that is the source's is its own */
	struct move_end at_old, at_next;
	uv_timer_t timer;
	uint64_t until_ms; /* of the phase */
	enum move_phase phase;
	char cut; /* the number of the marker that is the cut; 0: that is not known yet */
	bool home_old, home_next; /* markers 2 and 1 have come where they were published */
	bool same; /* marker 1 has come to the old one */
	bool separate; /* nothing has come to the other one */
	bool refused; /* the markers' channel */
	const char *broken; /* why messages of a side are missing, so that no cut counts any more; or NULL */
	/* Whose messages are held, or NULL: the new one's at first; then of the side to which the cut has come, and to
	 * the other one not yet. */
	const struct pubsub_side *holds;
	struct eio_buf held; /* messages: struct held_message, and the bytes */
	struct source_moved how;
};

struct held_message {
	bool is_pattern;
	size_t name, channel, payload; /* bytes */
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

static const char *
marker_channel(const struct pubsub_move *v)
{
	return v->options.channels[v->options.n_channels - 1];
}

/* What is held */

/* Whole, or not at all: false. */
static bool
hold_message(struct pubsub_move *v, const struct redis_message *m)
{
	const struct held_message head = { m->is_pattern, m->name.n, m->channel.n, m->payload.n };
	size_t n = sizeof head + head.name + head.channel + head.payload;

	if (n > PUBSUB_MOVE_HELD_BYTES - v->held.n || !eio_buf_reserve(&v->held, n)) return false;
	eio_buf_append(&v->held, &head, sizeof head);
	eio_buf_add(&v->held, m->name);
	eio_buf_add(&v->held, m->channel);
	eio_buf_add(&v->held, m->payload);
	return true;
}

static void
pass_held(struct pubsub_move *v)
{
	const char *p = v->held.p, *end = p + v->held.n;
	struct held_message head;

	if (!v->held.n) return;
	while (p < end) {
		struct redis_message m;

		memcpy(&head, p, sizeof head);
		p += sizeof head;
		m = (struct redis_message){ .is_pattern = head.is_pattern };
		m.name = eio_bytes(p, head.name);
		m.channel = eio_bytes(p + head.name, head.channel);
		m.payload = eio_bytes(p + head.name + head.channel, head.payload);
		p += head.name + head.channel + head.payload;
		v->parts->take(v->p, &m);
	}
}

static void
hold_nothing(struct pubsub_move *v)
{
	v->holds = NULL;
	eio_buf_clear(&v->held);
}

/* Its messages are the source's until it has gone over: so those that are held of it have to be passed after all. */
static void
take_old_again(struct pubsub_move *v)
{
	if (v->holds != v->old) return;
	pass_held(v);
	hold_nothing(v);
}

/* From now on it can only connect anew, which the timer does: a side is telling something just now. */
static void
break_move(struct pubsub_move *v, const char *why)
{
	if (!v->broken) v->broken = why;
	take_old_again(v);
}

/* Deciding */

/* From now on the new one is heard, and what was held of it before. The rest is done on the loop:
 * one of both is telling something just now. */
static void
go_over(struct pubsub_move *v, const char *how, bool same)
{
	redis_subscriber_tell_refused(v->old->subscriber, false);
	v->p->side = v->next;
	redis_subscriber_tell_refused(v->next->subscriber, true);
	v->phase = MOVE_OVER;
	/* Of another database what is retained is another. */
	v->how = (struct source_moved){ .how = how, .same = same && v->old_url.db == v->options.url->db };
	if (v->holds == v->next) pass_held(v);
	hold_nothing(v);
}

static const char *
relation(const struct pubsub_move *v)
{
	return v->same ? "same" : "replica";
}

/* The cut has come to a side: what that says from then on is behind it, and held until the cut has come to both. */
static void
take_cut(struct pubsub_move *v, const struct pubsub_side *s)
{
	if (v->broken || !redis_subscriber_is_connected(v->next->subscriber)) return;
	if (!v->holds) v->holds = s;
	if (v->holds == s) return;
	go_over(v, relation(v), true);
	/* Who publishes at a replica is heard there alone: so he goes to one behind us, and leaves one before us. */
	if (v->cut == '3') v->events->switched(v->p->user, false);
}

static void
decide_cut(struct pubsub_move *v, char cut)
{
	v->cut = cut;
	v->phase = MOVE_CUTS;
	v->until_ms = uv_now(v->p->loop) + PUBSUB_MOVE_CUT_MS;
	hold_nothing(v);
	move_end_publish(cut == '3' ? &v->at_old : &v->at_next, marker_channel(v), cut);
}

/* What they are to each other is known; but before the old one is left, whoever publishes there does. */
static void
begin_leaving(struct pubsub_move *v, bool separate)
{
	v->separate = separate;
	v->phase = MOVE_LEAVES;
	v->until_ms = uv_now(v->p->loop) + PUBSUB_MOVE_LEAVE_MS;
	if (!separate) hold_nothing(v);
	v->events->switched(v->p->user, false);
}

static void
leave_old(struct pubsub_move *v)
{
	if (v->separate)
		go_over(v, "separate", false);
	else
		decide_cut(v, '4');
}

/* Marker 1 has come to the new one, where it was published: what is the same server has sent it to the old one, too. */
static void
take_marker_home(struct pubsub_move *v)
{
	if (!v->home_next && v->phase == MOVE_RELATES) move_end_publish(&v->at_old, marker_channel(v), '2');
	v->home_next = true;
}

static void
take_marker(struct pubsub_move *v, const struct pubsub_side *s, char number)
{
	bool old = s == v->old;

	if (number == '1' && !old) take_marker_home(v);
	if (number == '1' && old) v->same = true;
	if (number == '2' && old) v->home_old = true;
	if (v->phase == MOVE_RELATES && number == '1' && old) begin_leaving(v, false);
	if (v->phase == MOVE_RELATES && number == '2' && !old) decide_cut(v, '3');
	if (v->phase == MOVE_CUTS && number == v->cut) take_cut(v, s);
}

bool
pubsub_move_message(struct pubsub_move *v, const struct pubsub_side *s, const struct redis_message *m)
{
	CHECK_MAGIC(v, PUBSUB_MOVE_MAGIC);
	if (!m->is_pattern && eio_bytes_eq(m->name, eio_cstr(marker_channel(v)))) {
		if (m->payload.n == 1) take_marker(v, s, *m->payload.p);
		return false;
	}
	if (v->phase == MOVE_OVER) return s == v->p->side;
	if (s == v->holds && !hold_message(v, m)) break_move(v, "too much came meanwhile");
	return s == v->old && s != v->holds;
}

void
pubsub_move_lost(struct pubsub_move *v, const struct pubsub_side *s)
{
	CHECK_MAGIC(v, PUBSUB_MOVE_MAGIC);
	if (v->phase == MOVE_OVER || redis_subscriber_is_connected(s->subscriber)) return;
	if (s == v->old)
		break_move(v, "the connection to the old one was lost");
	else if (v->phase != MOVE_CONNECTS)
		break_move(v, "the connection to the new one was lost");
	else
		eio_buf_clear(&v->held); /* it is heard from when it is there again */
}

bool
pubsub_move_refused(struct pubsub_move *v, struct eio_bytes name)
{
	bool marker = eio_bytes_eq(name, eio_cstr(marker_channel(v)));

	if (marker) v->refused = true;
	return marker;
}

/* Its end */

static void
on_move_closed(uv_handle_t *h)
{
	struct pubsub_move *v = move_of(h->data);

	v->magic = 0;
	free(v);
}

/* All but the sides. */
static void
free_move(struct pubsub_move *v)
{
	move_end_close(&v->at_old);
	move_end_close(&v->at_next);
	redis_url_deinit(&v->old_url);
	eio_buf_deinit(&v->held);
	free_move_names(v->channels);
	free_move_names(v->patterns);
	v->p->move = NULL;
	uv_close((uv_handle_t *)&v->timer, on_move_closed);
}

void
pubsub_move_end(struct pubsub_move *v)
{
	if (!v) return;
	CHECK_MAGIC(v, PUBSUB_MOVE_MAGIC);
	v->parts->close(v->p->side == v->old ? v->next : v->old);
	free_move(v);
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

static void
finish_move(struct pubsub_move *v)
{
	const struct source_move_events *events = v->events;
	const struct source_moved how = v->how;
	struct pubsub *p = v->p;

	v->parts->close(p->side == v->old ? v->next : v->old);
	/* Where memory is out it stays subscribed to one channel more, at which nothing is published. */
	(void)want_marker(v, false);
	free_move(v);
	events->moved(p->user, &how);
}

/* As after a loss, which tells what may be missing. */
static void
connect_anew(struct pubsub_move *v, const char *why)
{
	v->how = (struct source_moved){ .how = "anew", .gap = true, .why = why };
	take_old_again(v);
	v->events->switched(v->p->user, true);
	redis_subscriber_redial(v->old->subscriber);
	finish_move(v);
}

/* What happens */

static bool
is_connected(const struct pubsub_move *v)
{
	return redis_subscriber_is_complete(v->old->subscriber) && redis_subscriber_is_complete(v->next->subscriber) &&
	       move_end_is_ready(&v->at_old) && move_end_is_ready(&v->at_next);
}

/* Why it cannot go on, or NULL. */
static const char *
find_obstacle(const struct pubsub_move *v)
{
	if (v->broken) return v->broken;
	if (!redis_subscriber_is_connected(v->old->subscriber)) return "the connection to the old one was lost";
	if (v->refused) return "a channel for markers is refused";
	if (v->at_old.clustered || v->at_next.clustered) return "in a Redis Cluster messages have no order in common";
	if (v->phase != MOVE_CONNECTS && !redis_subscriber_is_connected(v->next->subscriber))
		return "the connection to the new one was lost";
	if (v->phase == MOVE_LEAVES || uv_now(v->p->loop) < v->until_ms) return NULL;
	if (v->phase == MOVE_CONNECTS || v->phase == MOVE_ASKS) return "not all connections could be made in time";
	if (v->phase == MOVE_CUTS) return "a marker did not come";
	if (!v->home_old || !v->home_next) return "markers cannot be published";
	if (!*v->at_old.replid || !*v->at_next.replid) return "INFO does not say whether both are of one replication";
	return strcmp(v->at_old.replid, v->at_next.replid) ? NULL
							   : "both are replicas of one server, or one is far behind";
}

static void
begin_asking(struct pubsub_move *v)
{
	v->phase = MOVE_ASKS;
	move_end_ask(&v->at_old);
	move_end_ask(&v->at_next);
}

static void
begin_relating(struct pubsub_move *v)
{
	v->phase = MOVE_RELATES;
	v->until_ms = uv_now(v->p->loop) + PUBSUB_MOVE_RELATE_MS;
	move_end_publish(&v->at_next, marker_channel(v), '1');
}

static void
on_move_timer(uv_timer_t *t)
{
	struct pubsub_move *v = move_of(t->data);
	const char *why = v->phase == MOVE_OVER ? NULL : find_obstacle(v);

	if (why) {
		connect_anew(v, why);
		return;
	}
	if (v->phase == MOVE_CONNECTS && is_connected(v)) begin_asking(v);
	if (v->phase == MOVE_ASKS && v->at_old.answered && v->at_next.answered) begin_relating(v);
	if (v->phase == MOVE_RELATES && uv_now(t->loop) >= v->until_ms) begin_leaving(v, true);
	if (v->phase == MOVE_LEAVES && (v->events->has_switched(v->p->user) || uv_now(t->loop) >= v->until_ms))
		leave_old(v);
	if (v->phase == MOVE_OVER) finish_move(v);
}

/* From its beginning */

static bool
take_options(struct pubsub_move *v, const struct source_options *o)
{
	char marker[REDIS_MARKER_NAME];

	if (redis_marker_name(marker) < 0) return false;
	v->channels = copy_names(o->channels, o->n_channels, marker);
	v->patterns = copy_names(o->patterns, o->n_patterns, NULL);
	if (!v->channels || !v->patterns) return false;
	v->options = *o;
	v->options.channels = (const char *const *)v->channels;
	v->options.n_channels = o->n_channels + 1;
	v->options.patterns = (const char *const *)v->patterns;
	v->options.n_places = 0;
	return true;
}

/* NULL when out of memory. The address is taken over in any case. */
static struct pubsub_move *
new_move(struct pubsub *p, const struct pubsub_move_parts *parts, const struct source_options *options,
	struct redis_url *old)
{
	struct pubsub_move *v = calloc(1, sizeof *v);

	if (!v) {
		redis_url_deinit(old);
		return NULL;
	}
	*v = (struct pubsub_move){ .magic = PUBSUB_MOVE_MAGIC, .p = p, .parts = parts };
	v->old_url = *old;
	*old = (struct redis_url){ 0 };
	v->old = p->side;
	uv_timer_init(p->loop, &v->timer); /* cannot fail */
	v->timer.data = v;
	if (!take_options(v, options)) goto fail;
	v->next = parts->open(p, &v->options, NULL);
	v->holds = v->next;
	if (v->next && move_end_open(&v->at_old, p->loop, &v->old_url, options->metrics) &&
		move_end_open(&v->at_next, p->loop, options->url, options->metrics) && want_marker(v, true))
		return v;
fail:
	parts->close(v->next);
	free_move(v);
	return NULL;
}

void
pubsub_move_begin(struct pubsub *p, const struct pubsub_move_parts *parts, const struct source_options *options,
	struct redis_url *old, const struct source_move_events *events)
{
	bool connected = redis_subscriber_is_connected(p->side->subscriber);
	const struct source_moved how = {
		.how = "anew",
		.gap = true,
		.why = connected ? "out of memory" : "the old one was away",
	};

	if (connected) p->move = new_move(p, parts, options, old);
	if (!p->move) {
		redis_url_deinit(old);
		events->switched(p->user, true);
		redis_subscriber_redial(p->side->subscriber);
		events->moved(p->user, &how);
		return;
	}
	p->move->events = events;
	p->move->until_ms = uv_now(p->loop) + PUBSUB_MOVE_CONNECT_MS;
	uv_timer_start(&p->move->timer, on_move_timer, LOOK_MS, LOOK_MS);
}
