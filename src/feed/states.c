/* SPDX-License-Identifier: MIT */
/* What one feed retains: its states, and how they are found. */
#include "src/feed/snapshots_int.h"

#include "eio/check.h"
#include "sio/json.h"

#include <inttypes.h>
#include <stdlib.h>

enum { LINK_COST = 32 }; /* of a link beside its memory: its part of the table */

struct feed_state *
feed_state_of(struct retained *retained)
{
	struct feed_state *s = EIO_CONTAINER(retained, struct feed_state, retained);

	CHECK_MAGIC(s, FEED_STATE_MAGIC);
	return s;
}

uint64_t
feed_link_hash(const struct feed_snapshots *s, struct sio_room_key key)
{
	return sio_room_key_hash(s->hash_key, key);
}

void
feed_state_cool(struct feed_state *s)
{
	if (!s->bundle) return;
	s->keeper->all->warm_bytes -= eio_bundle_size(s->bundle);
	eio_list_remove(&s->warm);
	eio_bundle_unref(s->bundle);
	s->bundle = NULL;
}

static void
free_state(struct retained *retained)
{
	struct feed_state *s = feed_state_of(retained);

	feed_state_cool(s);
	for (size_t i = 0; i < s->n_links; i++) eio_hash_remove(&s->keeper->all->rooms, &s->links[i].node);
	eio_hash_remove(&s->keeper->states, &s->node);
	retained_deinit(retained);
	audience_unref(s->audience);
	s->magic = 0;
	free(s);
}

int
feed_keeper_init(
	struct feed_keeper *k, struct feed_snapshots *all, const struct feed_spec *spec, struct metrics *metrics)
{
	struct retain_rules rules = spec->retain.rules;

	rules.state_bytes = all->answer_bytes;
	*k = (struct feed_keeper){ .spec = spec, .metrics = metrics };
	if (retain_init(&k->retain, &rules, all->hash_key, free_state) < 0) return -1;
	if (eio_hash_init(&k->states) < 0) {
		retain_deinit(&k->retain);
		return -1;
	}
	k->all = all;
	return 0;
}

void
feed_keeper_clear(struct feed_keeper *k)
{
	EIO_HASH_FOREACH_SAFE(n, next, &k->states)
	{
		free_state(&EIO_CONTAINER(n, struct feed_state, node)->retained);
	}
}

void
feed_keeper_deinit(struct feed_keeper *k)
{
	if (!k->all) return;
	feed_keeper_clear(k);
	eio_hash_deinit(&k->states);
	retain_deinit(&k->retain);
	eio_buf_deinit(&k->key);
	k->all = NULL;
}

void
feed_keeper_change(struct feed_keeper *k, const struct feed_spec *spec, struct metrics *metrics)
{
	if (!k->all) return;
	k->spec = spec;
	k->metrics = metrics;
	EIO_HASH_FOREACH(n, &k->states) feed_state_cool(EIO_CONTAINER(n, struct feed_state, node));
}

/* States */

static struct feed_state *
find_state(const struct feed_keeper *k, const struct feed_state_key *key)
{
	for (struct eio_hash_node *n = eio_hash_find(&k->states, key->hash); n; n = eio_hash_next(n)) {
		struct feed_state *s = EIO_CONTAINER(n, struct feed_state, node);

		if (eio_bytes_eq(s->event, key->event) && (s->audience != NULL) == key->wide &&
			sio_room_key_eq(s->target, key->target))
			return s;
	}
	return NULL;
}

static void
add_link(struct feed_state *s, struct sio_room_key key, bool except)
{
	struct feed_link *l = &s->links[s->n_links++];

	*l = (struct feed_link){ .state = s, .key = key, .except = except };
	eio_hash_add(&s->keeper->all->rooms, &l->node, feed_link_hash(s->keeper->all, key));
}

static void
add_links(struct feed_state *s)
{
	const struct audience *a = s->audience;

	if (!a) {
		add_link(s, s->target, false);
		return;
	}
	atomic_store_explicit(&s->keeper->all->wide, true, memory_order_release);
	for (size_t i = 0; i < audience_keys(a); i++) add_link(s, audience_key(a, i), false);
	for (size_t i = 0; i < a->n_except; i++) add_link(s, sio_room_named(a->nsp, a->except[i]), true);
}

/* NULL when out of memory. */
static struct feed_state *
new_state(struct feed_keeper *k, const struct feed_state_key *key)
{
	struct audience *a = key->audience;
	size_t links = a ? audience_keys(a) + a->n_except : 1;
	size_t names = key->event.n + sio_room_key_size(key->target);
	size_t size = sizeof(struct feed_state) + links * sizeof(struct feed_link) + names;
	struct feed_state *s = calloc(1, size);
	char *text;

	if (!s) return NULL;
	text = (char *)&s->links[links];
	if (key->event.n) memcpy(text, key->event.p, key->event.n);
	s->magic = FEED_STATE_MAGIC;
	s->keeper = k;
	s->event = eio_bytes(text, key->event.n);
	s->target = sio_room_key_copy(key->target, text + key->event.n);
	s->audience = a ? audience_ref(a) : NULL;
	s->born = k->all->born++;
	s->recovers = key->recovers;
	eio_list_init(&s->warm);
	eio_hash_add(&k->states, &s->node, key->hash);
	add_links(s);
	retained_init(&s->retained, &k->retain, size + links * LINK_COST + (a ? audience_size(a) : 0));
	return s;
}

struct feed_state *
feed_keeper_state(struct feed_keeper *k, const struct feed_state_key *key)
{
	struct feed_state *s = find_state(k, key);

	if (!s) s = new_state(k, key);
	if (s) s->retained.in_use = true;
	return s;
}

bool
feed_keeper_connect(struct feed_keeper *k, struct feed_stream *stream)
{
	const struct feed_state_key key = {
		.event = stream->event,
		.target = stream->target,
		.wide = stream->wide,
		.hash = stream->hash,
		.audience = stream->crowd ? stream->crowd->audience : NULL,
		.recovers = stream->recovers,
	};
	struct feed_state *s = feed_keeper_state(k, &key);

	if (!s) return false;
	stream->retained = &s->retained;
	return true;
}

void
feed_keeper_release(struct feed_keeper *k, struct feed_stream *stream)
{
	if (!stream->retained) return;
	retained_rest(stream->retained);
	stream->retained = NULL;
	feed_keeper_tidy(k, 0);
}

/* Messages */

/* Strings by what they mean, numbers as they are written; the first byte tells them apart. Others are no keys. */
static bool
take_key(struct eio_buf *out, struct eio_bytes value)
{
	switch (sio_json_kind(value)) {
	case SIO_JSON_STRING:
		eio_buf_addc(out, '"');
		sio_json_unescape(out, value);
		return true;
	case SIO_JSON_NUMBER:
	case SIO_JSON_TRUE:
	case SIO_JSON_FALSE: eio_buf_add(out, value); return true;
	case SIO_JSON_NULL:
	case SIO_JSON_ARRAY:
	case SIO_JSON_OBJECT: break;
	}
	return false;
}

bool
feed_keeper_note(struct feed_keeper *k, const struct message *m, struct retain_note *note)
{
	const struct feed_retain *r = &k->spec->retain;
	struct eio_bytes value;

	*note = (struct retain_note){ .what = RETAIN_KEEP };
	if (r->rules.kind != RETAIN_BY_KEY) return true;
	eio_buf_clear(&k->key);
	if (!sio_json_find(m->payload, eio_cstr(r->key), &value) || !take_key(&k->key, value)) {
		note->what = RETAIN_SKIP;
		metrics_inc(k->metrics, FEED_METRIC_RETAINED_NO_KEY);
		return true;
	}
	note->key = eio_buf_bytes(&k->key);
	if (r->remove.n && where_fulfilled(&r->remove, m->payload)) note->what = RETAIN_REMOVE;
	return !eio_buf_failed(&k->key);
}

/* Shows a number that goes up and down. */
static void
show(struct metrics *m, enum feed_metric which, size_t *shown, size_t now)
{
	metrics_add(m, which, (uint64_t)now - (uint64_t)*shown);
	*shown = now;
}

void
feed_keeper_tidy(struct feed_keeper *k, uint64_t now_ms)
{
	uint64_t dropped;

	retain_expire(&k->retain, now_ms);
	show(k->metrics, FEED_METRIC_RETAINED_BYTES, &k->shown_bytes, k->retain.bytes);
	show(k->metrics, FEED_METRIC_RETAINED_MESSAGES, &k->shown_n, k->retain.n);
	dropped = k->retain.dropped - k->shown_dropped;
	if (!dropped) return;
	k->shown_dropped = k->retain.dropped;
	metrics_add(k->metrics, FEED_METRIC_RETAINED_DROPPED, dropped);
	log_limited(LOG_LEVEL_WARN, &k->full, now_ms,
		"feed=%u event=retained-dropped messages=%" PRIu64
		" hint=\"the oldest are not retained any more: see max, retainBytes and limits.clientReplyBytes\"",
		k->spec->index, dropped);
}
