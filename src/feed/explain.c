/* SPDX-License-Identifier: MIT */
/* A router with one worker that listens to whatever a message is for. */
#include "src/feed/explain.h"

#include "sio/json.h"
#include "src/feed/feed_int.h"
#include "src/redis/entries.h"
#include "src/template/pattern.h"

/* A time and an id that a message may have: any will do. */
#define EXPLAIN_NOW_MS 1000
#define EXPLAIN_ID "0-1"

struct explainer {
	struct feed_options options;
	struct feed_out out;
	struct feed_router router;
	struct interest_table *interest;
	struct eio_bytes channel, payload; /* payload.p is NULL: unknown */
	struct eio_buf words;
	feed_explain_fn tell;
	void *user;
	int told;
	bool starved;
};

/* The fields of an entry. FEED_FATE_JSON: the message is not all fields of one. */
static enum feed_fate
explain_words(struct explainer *x, const struct feed_spec *f)
{
	struct sio_json_iter it = sio_json_iter(x->payload);
	struct eio_buf name = { 0 }, text = { 0 };
	struct eio_bytes key, value;

	eio_buf_clear(&x->words);
	if (f->field) {
		redis_entry_add(&x->words, eio_cstr(f->field));
		redis_entry_add(&x->words, x->payload);
		return eio_buf_failed(&x->words) ? FEED_FATE_MEMORY : FEED_FATE_TAKEN;
	}
	if (sio_json_check(x->payload) || sio_json_kind(x->payload) != SIO_JSON_OBJECT) return FEED_FATE_JSON;
	while (sio_json_next(&it, &key, &value)) {
		eio_buf_clear(&name);
		eio_buf_clear(&text);
		sio_json_unescape(&name, key);
		if (sio_json_kind(value) == SIO_JSON_STRING)
			sio_json_unescape(&text, value);
		else
			eio_buf_add(&text, value);
		redis_entry_add(&x->words, eio_buf_bytes(&name));
		redis_entry_add(&x->words, eio_buf_bytes(&text));
		x->starved |= eio_buf_failed(&name) || eio_buf_failed(&text);
	}
	eio_buf_deinit(&name);
	eio_buf_deinit(&text);
	return x->starved || eio_buf_failed(&x->words) ? FEED_FATE_MEMORY : FEED_FATE_TAKEN;
}

/* Makes of an entry the message that a feed sees. */
static enum feed_fate
explain_entry(struct explainer *x, const struct feed_spec *f, struct message *m)
{
	enum feed_fate fate = explain_words(x, f);

	m->id = EIO_LIT(EXPLAIN_ID);
	if (fate != FEED_FATE_TAKEN) return fate;
	m->words = eio_buf_bytes(&x->words);
	feed_entry_begin(&x->router.entry);
	return feed_entry_fill(&x->router.entry, f->field, m);
}

/* Has the worker listen where a stream goes. */
static void
explain_listen(struct explainer *x, const struct feed_stream *stream)
{
	struct interest *const *rooms;
	size_t n = feed_stream_rooms(stream, &rooms);

	for (size_t i = 0; i < n; i++) x->starved |= interest_set(x->interest, 0, rooms[i]->key) < 0;
}

static void
explain_leave(struct explainer *x, const struct feed_stream *stream)
{
	struct interest *const *rooms;
	size_t n = feed_stream_rooms(stream, &rooms);

	for (size_t i = 0; i < n; i++) interest_clear(x->interest, 0, rooms[i]->key);
}

/* What of `where` does not hold. */
static size_t
explain_where(const struct where *w, struct eio_bytes message)
{
	size_t i = 0;

	while (i < w->n && where_fulfilled(&(struct where){ &w->v[i], 1 }, message)) i++;
	return i;
}

/* The same of what is told. */
static void
explain_filtered(const struct where *w, struct eio_bytes message, struct feed_explained *e)
{
	e->unfulfilled = explain_where(w, message);
	if (e->unfulfilled < w->n) sio_json_find(message, eio_cstr(w->v[e->unfulfilled].pointer), &e->found);
}

/* The audience of a stream, without references. room: memory for the name of one. */
static void
explain_audience(const struct feed_stream *stream, struct eio_bytes *room, struct audience *out)
{
	if (stream->crowd) {
		out->nsp = stream->crowd->audience->nsp;
		out->rooms = stream->crowd->audience->rooms;
		out->n_rooms = stream->crowd->audience->n_rooms;
		out->except = stream->crowd->audience->except;
		out->n_except = stream->crowd->audience->n_except;
		return;
	}
	*room = stream->target.name;
	out->nsp = stream->target.nsp;
	out->rooms = room;
	out->n_rooms = stream->target.everyone ? 0 : 1;
}

/* What the worker has been given, to be freed; NULL: nothing. */
static struct delivery *
explain_delivery(struct explainer *x, struct feed_at_work *s)
{
	struct delivery *d;

	feed_streams_flush(&s->streams, EXPLAIN_NOW_MS);
	d = x->out.pending[0];
	x->out.pending[0] = NULL;
	x->out.waiting = 0;
	return d;
}

static void
explain_told(struct explainer *x, const struct feed_explained *e)
{
	x->told++;
	x->starved |= e->fate == FEED_FATE_MEMORY;
	x->tell(x->user, e);
}

/* Tells of a message whose stream is known. */
static void
explain_stream(struct explainer *x, struct feed_at_work *s, struct message *m, struct feed_stream *stream,
	struct feed_explained *e)
{
	struct feed_stream *again; /* the same, but NULL without memory */
	struct delivery *d = NULL;
	struct eio_bytes room;

	x->starved |= e->fate == FEED_FATE_MEMORY;
	/* A feed that retains has taken it although nobody listened. */
	feed_streams_flush(&s->streams, EXPLAIN_NOW_MS);
	explain_listen(x, stream);
	e->fate = feed_router_take(&x->router, s, m, &again);
	if (e->fate == FEED_FATE_TAKEN) d = explain_delivery(x, s);
	x->starved |= e->fate == FEED_FATE_TAKEN && !d;
	e->event = stream->event;
	explain_audience(stream, &room, &e->audience);
	if (d && x->payload.p) e->bundle = d->items[0].bundle;
	explain_told(x, e);
	explain_leave(x, stream);
	if (d) delivery_free(d);
	atomic_store(&x->out.budgets[0].outstanding, 0);
}

static void
explain_feed(struct explainer *x, enum message_kind kind, const char *name, size_t index)
{
	struct feed_at_work *s = x->router.feeds[index];
	struct message m = { .kind = kind, .name = eio_cstr(name), .channel = x->channel, .now_ms = EXPLAIN_NOW_MS };
	struct feed_explained e = { .feed = s->spec, .kind = kind, .name = m.name, .retained = s->notes };
	struct feed_stream *stream = NULL;

	e.depends = !x->payload.p && (s->needs_json || s->needs_utf8 || kind == MESSAGE_OF_STREAM);
	if (!e.depends) {
		m.payload = x->payload.p ? x->payload : EIO_LIT("null");
		if (kind == MESSAGE_OF_STREAM) e.fate = explain_entry(x, s->spec, &m);
		if (e.fate == FEED_FATE_TAKEN) e.fate = feed_router_take(&x->router, s, &m, &stream);
		if (e.fate == FEED_FATE_FILTERED) explain_filtered(&s->spec->where, m.payload, &e);
	}
	if (stream && (stream->interest || stream->crowd))
		explain_stream(x, s, &m, stream, &e);
	else
		explain_told(x, &e);
}

static void
explain_name(struct explainer *x, enum message_kind kind, const char *name)
{
	const unsigned *feeds;
	size_t n = feed_router_feeds(&x->router, kind, eio_cstr(name), &feeds);

	for (size_t i = 0; i < n; i++) explain_feed(x, kind, name, feeds[i]);
}

static void
explain_all(struct explainer *x)
{
	const struct feed_router *r = &x->router;
	struct template_captures captures;

	for (size_t i = 0; i < r->table.n_channels; i++)
		if (eio_bytes_eq(eio_cstr(r->table.channels[i]), x->channel))
			explain_name(x, MESSAGE_OF_CHANNEL, r->table.channels[i]);
	for (size_t i = 0; i < r->table.n_patterns; i++)
		if (template_match(eio_cstr(r->table.patterns[i]), x->channel, &captures))
			explain_name(x, MESSAGE_OF_PATTERN, r->table.patterns[i]);
	for (size_t i = 0; i < r->table.n_shards; i++)
		if (eio_bytes_eq(eio_cstr(r->table.shards[i]), x->channel))
			explain_name(x, MESSAGE_OF_SHARD, r->table.shards[i]);
	for (size_t i = 0; i < r->table.n_streams; i++)
		if (eio_bytes_eq(eio_cstr(r->table.streams[i].name), x->channel))
			explain_name(x, MESSAGE_OF_STREAM, r->table.streams[i].name);
	for (size_t i = 0; r->table.n_demanded && i < r->options->specs->n; i++) {
		const struct feed_spec *f = &r->options->specs->v[i];

		for (size_t k = 0; demand_goes_to(f, x->channel, &k); k++)
			explain_feed(x, feed_kind_of(f), f->channels[k], i);
	}
}

int
feed_explain(const struct feed_options *options, struct eio_bytes channel, struct eio_bytes payload,
	feed_explain_fn tell, void *user)
{
	struct explainer x = {
		.options = *options,
		.interest = interest_table_new(),
		.channel = channel,
		.payload = payload,
		.tell = tell,
		.user = user,
	};
	int told = -1;

	x.options.workers = 1;
	x.options.worker_queue_bytes = SIZE_MAX;
	x.options.interest = x.interest;
	if (!x.interest) return -1;
	if (feed_out_init(&x.out, &x.options) == 0) {
		if (feed_router_init(&x.router, &x.options, &x.out) == 0) {
			explain_all(&x);
			told = x.starved ? -1 : x.told;
			feed_router_deinit(&x.router);
		}
		feed_out_deinit(&x.out);
	}
	eio_buf_deinit(&x.words);
	interest_table_free(x.interest);
	return told;
}
