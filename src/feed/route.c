/* SPDX-License-Identifier: MIT */
/* The way of one message: which feeds want it, does it pass their filter, which event and room does it go to. */
#include "src/feed/elsewhere.h"
#include "src/feed/feed_int.h"
#include "src/feed/primed.h"
#include "src/redis/marker.h"

#include <stdlib.h>

size_t
feed_router_feeds(const struct feed_router *r, enum message_kind kind, struct eio_bytes name, const unsigned **feeds)
{
	struct feed_route *route = feed_table_find(&r->table, kind, name);

	*feeds = route ? route->feeds : NULL;
	return route ? route->n : 0;
}

/* Messages of one channel or pattern come in runs: the last route is tried before a name is hashed. */
static struct feed_route *
route_of(struct feed_router *r, const struct message *m)
{
	if (!r->latest || !feed_route_is(r->latest, m->kind, m->name))
		r->latest = feed_table_find(&r->table, m->kind, m->name);
	return r->latest;
}

/* Setting up */

int
feed_router_init(struct feed_router *r, const struct feed_options *options, struct feed_out *out)
{
	size_t n = options->specs->n;

	*r = (struct feed_router){ .options = options, .out = out, .deadline_ms = UINT64_MAX };
	if (uv_random(NULL, NULL, r->hash_key, sizeof r->hash_key, 0, NULL)) return -1;
	if (feed_table_init(&r->table, options->specs, r->hash_key) < 0) return -1;
	if (feed_crowds_init(&r->crowds) < 0) goto fail;
	r->feeds = calloc(n + 1, sizeof(struct feed_at_work *));
	if (!r->feeds) goto fail;
	r->metrics = metrics_new(options->metrics, &feed_router_metrics, NULL);
	if (!r->metrics || metrics_set_show(options->metrics, &feed_metrics) < 0) goto fail;
	if (feed_snapshots_init(&r->snapshots, r->hash_key, options->snapshot_bytes) < 0) goto fail;
	for (size_t i = 0; i < n; i++)
		if (!(r->feeds[i] = feed_at_work_new(r, &options->specs->v[i]))) goto fail;
	feed_router_share_ticks(r);
	return 0;
fail:
	feed_router_deinit(r);
	return -1;
}

void
feed_router_deinit(struct feed_router *r)
{
	for (size_t i = 0; r->feeds && i < r->options->specs->n; i++) feed_at_work_free(r->feeds[i]);
	feed_table_deinit(&r->table);
	feed_crowds_deinit(&r->crowds);
	feed_snapshots_deinit(&r->snapshots);
	feed_targets_free(r->targets);
	free(r->due);
	free(r->feeds);
	feed_entry_deinit(&r->entry);
	metrics_free(r->metrics);
	eio_buf_deinit(&r->scratch);
	feed_shaper_deinit(&r->shaper);
}

void
feed_router_note_fate(struct feed_router *r, struct feed_at_work *s, const struct message *m,
	const struct feed_stream *stream, enum feed_fate fate)
{
	const struct feed_fate_text *t = &feed_fate_texts[fate];

	metrics_inc(s->metrics, t->metric);
	if (t->mistake || log_enabled(LOG_LEVEL_DEBUG)) feed_router_tell_fate(r, s->spec, m, stream, fate);
}

/* Where a message goes. */
struct feed_way {
	struct eio_bytes event;
	struct sio_room_key target; /* its name is the crowd's when there is an audience */
	struct audience audience;
	bool wide;
};

/* To one room, or everyone. A list in the message is no room: FEED_FATE_ROOM. */
static enum feed_fate
find_one_room(struct feed_router *r, const struct feed_spec *f, const struct template_input *in, struct feed_way *way)
{
	struct eio_bytes nsp = eio_cstr(f->nsp);
	size_t event_n;

	eio_buf_clear(&r->scratch);
	if (template_render(f->event, in, &r->scratch) != TEMPLATE_OK) return FEED_FATE_EVENT;
	event_n = r->scratch.n;
	if (f->n_rooms && template_render(f->rooms[0], in, &r->scratch) != TEMPLATE_OK) return FEED_FATE_ROOM;
	if (eio_buf_failed(&r->scratch)) return FEED_FATE_MEMORY;
	way->event = eio_bytes(r->scratch.p, event_n);
	way->target = sio_room_everyone(nsp);
	if (f->n_rooms) way->target = sio_room_named(nsp, eio_bytes(r->scratch.p + event_n, r->scratch.n - event_n));
	return FEED_FATE_TAKEN;
}

/* To whichever rooms there are. */
static enum feed_fate
find_all_rooms(struct feed_router *r, const struct feed_spec *f, const struct template_input *in, struct feed_way *way)
{
	enum feed_fate fate;

	if (!feed_targets_make(&r->targets)) return FEED_FATE_MEMORY;
	eio_buf_clear(&r->scratch);
	if (template_render(f->event, in, &r->scratch) != TEMPLATE_OK) return FEED_FATE_EVENT;
	if (eio_buf_failed(&r->scratch)) return FEED_FATE_MEMORY;
	way->event = eio_buf_bytes(&r->scratch);
	fate = feed_targets_find(r->targets, f, in, &way->audience);
	if (fate != FEED_FATE_TAKEN || feed_targets_single(&way->audience, &way->target)) return fate;
	way->wide = true;
	way->target = sio_room_named(way->audience.nsp, feed_targets_name(r->targets, &way->audience));
	return way->target.name.p ? FEED_FATE_TAKEN : FEED_FATE_MEMORY;
}

/* The stream a message goes to, connected. *stream is set as soon as it is known. */
static enum feed_fate
find_stream(struct feed_router *r, struct feed_at_work *s, const struct template_input *in, uint64_t now_ms,
	struct feed_stream **stream)
{
	struct feed_way way = { .wide = false };
	enum feed_fate fate = s->one_room ? find_one_room(r, s->spec, in, &way) : FEED_FATE_ROOM;
	bool made;

	if (fate == FEED_FATE_ROOM) fate = find_all_rooms(r, s->spec, in, &way);
	if (fate != FEED_FATE_TAKEN) return fate;
	if (way.wide)
		*stream = feed_streams_get_wide(
			&s->streams, way.event, way.target, audience_keys(&way.audience), now_ms, &made);
	else
		*stream = feed_streams_get(&s->streams, way.event, way.target, now_ms, &made);
	if (!*stream) return FEED_FATE_MEMORY;
	if (made) metrics_inc(s->metrics, FEED_METRIC_STREAMS);
	return feed_stream_is_connected(*stream) ? FEED_FATE_TAKEN : feed_at_work_connect(s, *stream, &way.audience);
}

/* Whether the message is what the feed's templates and its filter can look at. */
static enum feed_fate
check_needs(const struct feed_at_work *s, struct message *m)
{
	if (s->needs_json && !message_is_json(m)) return message_is_utf8(m) ? FEED_FATE_JSON : FEED_FATE_UTF8;
	return s->needs_utf8 && !message_is_utf8(m) ? FEED_FATE_UTF8 : FEED_FATE_TAKEN;
}

/* Adds what leaves of a message to its stream. */
static enum feed_fate
append_message(struct feed_router *r, struct feed_at_work *s, const struct template_input *in, struct message *m,
	struct feed_stream *stream)
{
	struct message shaped;
	struct retain_note note;
	enum feed_fate fate = FEED_FATE_TAKEN;

	if (s->spec->latest_per && !feed_key_of(r->hash_key, s->spec, m->payload, &m->key)) return FEED_FATE_MEMORY;
	if (!s->shapes && !s->notes) return feed_streams_append(&s->streams, stream, m);
	shaped = *m;
	if (s->notes && !feed_keeper_note(&s->keeper, m, &note)) fate = FEED_FATE_MEMORY;
	shaped.note = &note;
	if (s->shapes && fate == FEED_FATE_TAKEN) fate = feed_shape(&r->shaper, s->spec, in, &shaped);
	if (fate == FEED_FATE_TAKEN && (!s->primed || feed_primed_wants(s, stream, &shaped)))
		return feed_streams_append(&s->streams, stream, &shaped);
	feed_streams_touch(&s->streams, stream, m->now_ms);
	return fate;
}

/* What comes behind the filter. Never inlined: most messages of a busy feed go straight on, and shall not pay for what
 * it keeps on the stack. */
__attribute__((noinline)) static enum feed_fate
find_and_append(struct feed_router *r, struct feed_at_work *s, struct message *m, struct feed_stream **stream)
{
	struct template_input in = { .channel = m->channel, .id = m->id, .message = m->payload };
	enum feed_fate fate = FEED_FATE_TAKEN;
	struct template_captures captures;

	if (s->spec->is_pattern) {
		in.captures = &captures;
		if (!template_match(m->name, m->channel, &captures)) return FEED_FATE_PATTERN;
	}
	*stream = s->one_stream ? s->streams.latest : NULL;
	if (!*stream || !feed_stream_is_connected(*stream)) fate = find_stream(r, s, &in, m->now_ms, stream);
	if (fate == FEED_FATE_TAKEN && r->out->journal && (*stream)->recovers)
		feed_router_note(r, m, *stream, s->spec->index);
	if (fate == FEED_FATE_TAKEN && (s->notes || feed_stream_is_heard(*stream)))
		return append_message(r, s, &in, m, *stream);
	if (*stream) feed_streams_touch(&s->streams, *stream, m->now_ms);
	return fate == FEED_FATE_TAKEN ? FEED_FATE_UNHEARD : fate;
}

enum feed_fate
feed_router_repeat(struct feed_router *r, struct feed_at_work *s, struct message *m)
{
	struct template_input in = { .channel = m->channel, .id = m->id, .message = m->payload };
	struct feed_stream *stream = NULL;
	struct template_captures captures;
	enum feed_fate fate;

	if (s->spec->is_pattern) {
		in.captures = &captures;
		if (!template_match(m->name, m->channel, &captures)) return FEED_FATE_PATTERN;
	}
	fate = find_stream(r, s, &in, m->now_ms, &stream);
	return fate == FEED_FATE_TAKEN ? append_message(r, s, &in, m, stream) : fate;
}

/* *stream is set as soon as it is known. */
static inline enum feed_fate
take_message(struct feed_router *r, struct feed_at_work *s, struct message *m, struct feed_stream **stream)
{
	struct feed_stream *latest = s->streams.latest;
	enum feed_fate fate = check_needs(s, m);

	if (fate != FEED_FATE_TAKEN) return fate;
	if (s->spec->where.n && !where_fulfilled(&s->spec->where, m->payload)) return FEED_FATE_FILTERED;
	if (!s->plain || !latest || !latest->interest || !interest_workers(latest->interest))
		return find_and_append(r, s, m, stream);
	*stream = latest;
	return feed_streams_append(&s->streams, latest, m);
}

enum feed_fate
feed_router_take(struct feed_router *r, struct feed_at_work *s, struct message *m, struct feed_stream **stream)
{
	*stream = NULL;
	return take_message(r, s, m, stream);
}

/* Through one feed. */
static inline enum feed_fate
route_message(struct feed_router *r, struct feed_at_work *s, struct message *m)
{
	struct feed_stream *stream = NULL;
	enum feed_fate fate = take_message(r, s, m, &stream);
	uint64_t deadline = feed_at_work_deadline(s);

	if (fate != FEED_FATE_TAKEN) feed_router_note_fate(r, s, m, stream, fate);
	if (deadline < r->deadline_ms) r->deadline_ms = deadline;
	return fate;
}

/* The same through all feeds of a route, where there is a journal. */
static void
route_with_journal(struct feed_router *r, const struct feed_route *route, struct message *m)
{
	feed_router_begin(r, m, route ? route->feeds : NULL, route ? route->n : 0);
	for (size_t i = 0; route && i < route->n; i++) {
		struct feed_at_work *s = r->feeds[route->feeds[i]];

		feed_router_taken(r, s, route_message(r, s, m));
	}
	feed_router_end(r, m->now_ms);
}

void
feed_router_through(struct feed_router *r, struct feed_at_work *s, struct message *m)
{
	enum feed_fate fate = route_message(r, s, m);

	if (!r->out->journal) return;
	feed_router_taken(r, s, fate);
	feed_router_end(r, m->now_ms);
}

void
feed_router_message(struct feed_router *r, struct message *m)
{
	struct feed_route *route = route_of(r, m);

	metrics_inc(r->metrics, FEED_ROUTER_METRIC_MESSAGES);
	metrics_add(r->metrics, FEED_ROUTER_METRIC_BYTES, m->payload.n);
	/* Another siocast's, or our own: "*" matches it, and nobody means it. */
	if (m->kind == MESSAGE_OF_PATTERN && redis_is_marker(m->channel)) return;
	if (r->out->journal) {
		route_with_journal(r, route, m);
		return;
	}
	for (size_t i = 0; route && i < route->n; i++) route_message(r, r->feeds[route->feeds[i]], m);
}

void
feed_router_demanded(struct feed_router *r, struct message *m, const struct demand_channel *c)
{
	metrics_inc(r->metrics, FEED_ROUTER_METRIC_MESSAGES);
	metrics_add(r->metrics, FEED_ROUTER_METRIC_BYTES, m->payload.n);
	for (size_t i = 0; i < c->n_uses; i++) {
		m->name = eio_cstr(c->uses[i].name);
		route_message(r, r->feeds[c->uses[i].feed], m);
	}
}

/* What feeds on demand have of a message that was published without Redis, whoever is there. */
static size_t
deliver_on_demand(struct feed_router *r, struct message *m)
{
	size_t feeds = 0;

	for (size_t i = 0; r->table.n_demanded && i < r->options->specs->n; i++) {
		const struct feed_spec *f = &r->options->specs->v[i];

		for (size_t k = 0; demand_goes_to(f, m->channel, &k); k++, feeds++) {
			m->name = eio_cstr(f->channels[k]);
			route_message(r, r->feeds[i], m);
		}
	}
	return feeds;
}

size_t
feed_router_deliver(struct feed_router *r, struct eio_bytes channel, struct eio_bytes payload, uint64_t now_ms)
{
	struct message m = { .kind = MESSAGE_OF_CHANNEL, .name = channel, .channel = channel, .payload = payload };
	struct template_captures unused;
	struct feed_route *route = route_of(r, &m);
	size_t feeds = route ? route->n : 0;

	m.now_ms = now_ms;
	if (route) feed_router_message(r, &m);
	m.kind = MESSAGE_OF_SHARD;
	route = r->table.n_shards ? route_of(r, &m) : NULL;
	feeds += route ? route->n : 0;
	if (route) feed_router_message(r, &m);
	m.kind = MESSAGE_OF_PATTERN;
	for (size_t i = 0; i < r->table.n_patterns; i++) {
		m.name = eio_cstr(r->table.patterns[i]);
		if (!template_match(m.name, m.channel, &unused)) continue;
		feeds += route_of(r, &m)->n;
		feed_router_message(r, &m);
	}
	return feeds + deliver_on_demand(r, &m);
}

void
feed_router_entry(struct feed_router *r, struct message *m)
{
	struct feed_route *route = route_of(r, m);

	metrics_inc(r->metrics, FEED_ROUTER_METRIC_MESSAGES);
	metrics_add(r->metrics, FEED_ROUTER_METRIC_BYTES, m->words.n);
	feed_entry_begin(&r->entry);
	if (r->out->journal) feed_router_begin(r, m, route ? route->feeds : NULL, route ? route->n : 0);
	for (size_t i = 0; route && i < route->n; i++) {
		struct feed_at_work *s = r->feeds[route->feeds[i]];
		struct message own = *m;
		enum feed_fate fate = feed_entry_fill(&r->entry, s->spec->field, &own);

		if (fate == FEED_FATE_TAKEN)
			fate = route_message(r, s, &own);
		else
			feed_router_note_fate(r, s, &own, NULL, fate);
		if (r->out->journal) feed_router_taken(r, s, fate);
	}
	if (r->out->journal) feed_router_end(r, m->now_ms);
}

/* Where one would have gone is noted, and nothing of it leaves. */
static enum feed_fate
note_past_message(struct feed_router *r, struct feed_at_work *s, struct message *m)
{
	const struct template_input in = { .channel = m->channel, .id = m->id, .message = m->payload };
	struct feed_stream *stream = NULL;
	enum feed_fate fate = check_needs(s, m);

	if (fate == FEED_FATE_TAKEN && s->spec->where.n && !where_fulfilled(&s->spec->where, m->payload))
		fate = FEED_FATE_FILTERED;
	if (fate == FEED_FATE_TAKEN) fate = find_stream(r, s, &in, m->now_ms, &stream);
	if (fate == FEED_FATE_TAKEN && stream->recovers) feed_router_note(r, m, stream, s->spec->index);
	if (stream) feed_streams_touch(&s->streams, stream, m->now_ms);
	if (feed_at_work_deadline(s) < r->deadline_ms) r->deadline_ms = feed_at_work_deadline(s);
	return fate;
}

void
feed_router_past(struct feed_router *r, struct message *m)
{
	struct feed_route *route = route_of(r, m);

	feed_entry_begin(&r->entry);
	journal_begin_past(r->out->journal, m);
	for (size_t i = 0; route && i < route->n; i++) {
		struct feed_at_work *s = r->feeds[route->feeds[i]];
		struct message own = *m;
		enum feed_fate fate = feed_entry_fill(&r->entry, s->spec->field, &own);

		if (fate == FEED_FATE_TAKEN) fate = note_past_message(r, s, &own);
		if (fate == FEED_FATE_MEMORY) journal_lose(r->out->journal);
	}
	journal_end(r->out->journal);
}
