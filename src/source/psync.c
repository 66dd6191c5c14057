/* SPDX-License-Identifier: MIT */
/*
 * From a replica to the feed. All that is published comes; what channels and patterns it is for, which Redis tells its
 * subscribers, is found here.
 */
#include "src/source/psync.h"

#include "eio/check.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "src/redis/pacing.h"
#include "src/redis/replica.h"
#include "src/redis/replication.h"
#include "src/template/pattern.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PSYNC_MAGIC 0x50bb9512

/* For another address to send: where it has to be a snapshot a server waits for 5 s, for more who want one. */
enum { PSYNC_MOVE_MS = 10000 };

/* What is wanted. */
struct psync_names {
	char **channels, **patterns; /* owned, with their texts; the channels in their order */
	size_t n_channels, n_patterns;
};

struct psync {
	struct source source;
	unsigned magic;
	uv_loop_t *loop;
	struct redis_replica *replica;
	struct psync_names names, next; /* next: what was prepared */
	bool may_pause;
	char id[REDIS_REPLICATION_ID]; /* of the stream of replication that came last, */
	uint32_t id_hash; /* the same everywhere */
	bool goes_on; /* at a place that it was given; what is missing since then was not told yet */
	bool ready; /* as was told */
	const struct source_move_events *move; /* NULL: it does not go over to another address, or has told how */
	bool same_db; /* it goes over to one with the same database */
	uv_timer_t timer; /* of that */
	const struct source_events *events, *next_events;
	void *user;
};

static struct psync *
psync_of(void *user)
{
	struct psync *p = user;

	CHECK_MAGIC(p, PSYNC_MAGIC);
	return p;
}

static int
compare_spans(struct eio_bytes a, struct eio_bytes b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	if (order) return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

static int
compare_channels(const void *a, const void *b)
{
	return compare_spans(eio_cstr(*(const char *const *)a), eio_cstr(*(const char *const *)b));
}

static int
compare_with_channel(const void *key, const void *channel)
{
	return compare_spans(*(const struct eio_bytes *)key, eio_cstr(*(const char *const *)channel));
}

/* Whose a channel is, one after the other: begin with *at 0. */
static bool
next_name(const struct psync *p, size_t *at, struct message *m)
{
	struct template_captures unused;

	if (*at == 0) {
		char **found = bsearch(
			&m->channel, p->names.channels, p->names.n_channels, sizeof(char *), compare_with_channel);

		++*at;
		m->kind = MESSAGE_OF_CHANNEL;
		m->name = m->channel;
		if (found) return true;
	}
	m->kind = MESSAGE_OF_PATTERN;
	while (*at <= p->names.n_patterns) {
		m->name = eio_cstr(p->names.patterns[*at - 1]);
		++*at;
		if (template_match(m->name, m->channel, &unused)) return true;
	}
	return false;
}

/* The end of a PUBLISH in its stream of replication is the same for all who read that. */
static struct track_place
place_of_replicated(struct psync *p)
{
	static const uint64_t key[2] = { UINT64_C(0x73696f6361737430), UINT64_C(0x7265706c69643031) };
	const char *id;
	uint64_t offset = redis_replica_at(p->replica, &id);

	if (memcmp(id, p->id, sizeof p->id) != 0) {
		memcpy(p->id, id, sizeof p->id);
		p->id_hash = (uint32_t)(eio_hash_bytes(key, eio_bytes(id, sizeof p->id)) >> 40);
	}
	return (struct track_place){ offset, (uint64_t)p->id_hash << 8 };
}

/* What was found out about a message for one name holds for the next. Each of them is a message with a place. */
static void
on_replicated(void *user, struct eio_bytes channel, struct eio_bytes payload)
{
	struct psync *p = psync_of(user);
	struct message m = { .channel = channel, .payload = payload, .now_ms = uv_now(p->loop) };

	m.place = place_of_replicated(p);
	for (size_t at = 0; next_name(p, &at, &m); m.place.b++) p->events->message(p->user, &m);
}

static void
on_replicated_too_long(void *user, struct eio_bytes channel, uint64_t n)
{
	struct psync *p = psync_of(user);
	struct message m = { .channel = channel, .now_ms = uv_now(p->loop) };

	for (size_t at = 0; next_name(p, &at, &m);) p->events->too_long(p->user, &m, n);
}

static void
on_replica_gap(void *user, uint64_t from_ms, uint64_t to_ms)
{
	struct psync *p = psync_of(user);
	char from[24], to[24];
	struct source_gap gap = {
		.from = eio_bytes(from, (size_t)snprintf(from, sizeof from, "%" PRIu64, from_ms)),
		.to = eio_bytes(to, (size_t)snprintf(to, sizeof to, "%" PRIu64, to_ms)),
	};

	const struct psync_names *all = &p->names;

	for (size_t i = 0; i < all->n_channels + all->n_patterns; i++) {
		bool is_pattern = i >= all->n_channels;

		gap.kind = is_pattern ? MESSAGE_OF_PATTERN : MESSAGE_OF_CHANNEL;
		gap.name = eio_cstr(is_pattern ? all->patterns[i - all->n_channels] : all->channels[i]);
		p->events->gap(p->user, &gap);
	}
}

/* How it went over to another address; why: something may be missing. */
static void
tell_psync_moved(struct psync *p, const char *why)
{
	const struct source_move_events *move = p->move;
	const struct source_moved how = { .how = why ? "anew" : "place",
		.same = !why && p->same_db, /* of another database what is retained is another */
		.gap = why != NULL,
		.why = why };

	p->move = NULL;
	uv_timer_stop(&p->timer);
	move->moved(p->user, &how);
}

static void
on_psync_move_timer(uv_timer_t *t)
{
	tell_psync_moved(psync_of(t->data), "the new one has not begun to send in time");
}

static void
on_replica_state(void *user, bool ready)
{
	struct psync *p = psync_of(user);

	p->ready = ready;
	p->events->state(p->user, ready);
	p->events->answered(p->user, ready); /* all that is published comes */
	if (ready && p->move)
		tell_psync_moved(p, redis_replica_is_anew(p->replica) ? "the new one cannot go on from there" : NULL);
	if (!ready || !p->goes_on) return;
	p->goes_on = false;
	p->events->settled(p->user);
}

/* Names */

static void
free_texts(char **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) free(v[i]);
	free(v);
}

static void
free_psync_names(struct psync_names *all)
{
	free_texts(all->channels, all->n_channels);
	free_texts(all->patterns, all->n_patterns);
	*all = (struct psync_names){ .n_channels = 0 };
}

/* False when out of memory. */
static bool
copy_texts(char ***out, size_t *n_out, const char *const *v, size_t n)
{
	*out = calloc(n + 1, sizeof(char *));
	for (*n_out = 0; *out && *n_out < n; ++*n_out)
		if (!((*out)[*n_out] = strdup(v[*n_out]))) return false;
	return *out != NULL;
}

/* 0, or -1 when out of memory; *all must be empty. */
static int
take_psync_names(struct psync_names *all, const struct source_options *o)
{
	if (!copy_texts(&all->channels, &all->n_channels, o->channels, o->n_channels) ||
		!copy_texts(&all->patterns, &all->n_patterns, o->patterns, o->n_patterns)) {
		free_psync_names(all);
		return -1;
	}
	qsort(all->channels, all->n_channels, sizeof(char *), compare_channels);
	return 0;
}

static void
free_psync(struct psync *p)
{
	p->magic = 0;
	free_psync_names(&p->names);
	free_psync_names(&p->next);
	free(p);
}

static struct source *
psync_open(const struct source_options *options)
{
	struct psync *p = calloc(1, sizeof *p);
	const struct redis_replica_options o = {
		.url = options->url,
		.metrics = options->metrics,
		.message_bytes = options->message_bytes,
		.may_pause = options->patience_ms >= REDIS_PAUSE_MS,
		.from = options->n_places ? eio_cstr(options->places[0].text) : eio_bytes(NULL, 0),
		.from_ms = options->places_ms,
		.message = on_replicated,
		.too_long = on_replicated_too_long,
		.gap = on_replica_gap,
		.state = on_replica_state,
		.user = p,
	};

	if (!p) return NULL;
	p->source.ops = &source_psync;
	p->magic = PSYNC_MAGIC;
	p->loop = options->loop;
	p->may_pause = o.may_pause;
	p->goes_on = options->n_places > 0;
	p->events = options->events;
	p->user = options->user;
	if (take_psync_names(&p->names, options) == 0) p->replica = redis_replica_open(options->loop, &o);
	if (!p->replica) {
		free_psync(p);
		return NULL;
	}
	uv_timer_init(p->loop, &p->timer); /* cannot fail */
	p->timer.data = p;
	return &p->source;
}

static void
on_psync_closed(uv_handle_t *h)
{
	free_psync(psync_of(h->data));
}

static void
psync_close(struct source *s)
{
	struct psync *p = psync_of(EIO_CONTAINER(s, struct psync, source));

	redis_replica_close(p->replica);
	uv_close((uv_handle_t *)&p->timer, on_psync_closed);
}

static void
psync_tell_places(const struct source *s, void (*tell)(void *user, const struct source_place *place), void *user)
{
	const struct psync *p = psync_of(EIO_CONTAINER((struct source *)(uintptr_t)s, struct psync, source));
	char text[REDIS_REPLICA_TEXT];
	struct source_place place = { .name = "", .text = redis_replica_store(p->replica, text) };

	if (place.text) tell(user, &place);
}

/* Going over to others: all that is published comes in any case. */

static void
psync_forget(struct source *s)
{
	free_psync_names(&psync_of(EIO_CONTAINER(s, struct psync, source))->next);
}

static int
psync_prepare(struct source *s, const struct source_options *options)
{
	struct psync *p = psync_of(EIO_CONTAINER(s, struct psync, source));

	CHECK(!p->move);
	psync_forget(s);
	p->next_events = options->events;
	if (p->may_pause != (options->patience_ms >= REDIS_PAUSE_MS)) return 1;
	return take_psync_names(&p->next, options);
}

static void
psync_commit(struct source *s)
{
	struct psync *p = psync_of(EIO_CONTAINER(s, struct psync, source));

	free_psync_names(&p->names);
	p->names = p->next;
	p->next = (struct psync_names){ .n_channels = 0 };
	p->events = p->next_events;
	if (p->ready) p->events->answered(p->user, true);
}

/* Going over to another address: as after a loss it asks there for what came behind the last message. */
static void
psync_move(struct source *s, const struct source_options *options, const struct redis_url *old,
	const struct source_move_events *events)
{
	struct psync *p = psync_of(EIO_CONTAINER(s, struct psync, source));
	bool ready = p->ready;

	CHECK(!p->move);
	p->same_db = old->db == options->url->db;
	p->move = events;
	uv_timer_start(&p->timer, on_psync_move_timer, PSYNC_MOVE_MS, 0);
	redis_replica_redial(p->replica);
	events->switched(p->user, !ready);
}

const struct source_ops source_psync = {
	.open = psync_open,
	.close = psync_close,
	.tell_places = psync_tell_places,
	.prepare = psync_prepare,
	.commit = psync_commit,
	.forget = psync_forget,
	.move = psync_move,
};
