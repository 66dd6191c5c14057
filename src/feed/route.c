/* SPDX-License-Identifier: MIT */
/* The way of one message: which feeds want it, does it pass their filter, which event and room does it go to. */
#include "src/feed/feed_int.h"

#include "eio/list.h"
#include "eio/utf8.h"
#include "sio/json.h"
#include "sio/packet.h"

#include <stdlib.h>
#include <sys/random.h>

/* What one channel or pattern leads to. */
struct feed_route {
	struct eio_hash_node node;
	bool is_pattern;
	struct eio_bytes name; /* borrowed from the configuration */
	size_t n;
	unsigned *feeds; /* owned: indexes */
};

/* A message on its way through its feeds. What was found out about it is kept for the next feed. */
struct passage {
	const struct redis_message *m;
	uint64_t now_ms;
	enum { JSON_UNKNOWN, JSON_GOOD, JSON_BAD } json;
};

static uint64_t
route_hash(const struct feed_router *r, bool is_pattern, struct eio_bytes name)
{
	return eio_hash_bytes(r->key, name) ^ (is_pattern ? r->key[0] : 0);
}

static inline bool
is_route(const struct feed_route *route, bool is_pattern, struct eio_bytes name)
{
	return route->is_pattern == is_pattern && eio_bytes_eq(route->name, name);
}

static struct feed_route *
find_route(const struct feed_router *r, bool is_pattern, struct eio_bytes name)
{
	uint64_t hash = route_hash(r, is_pattern, name);

	for (struct eio_hash_node *n = eio_hash_find(&r->routes, hash); n; n = eio_hash_next(n)) {
		struct feed_route *route = EIO_CONTAINER(n, struct feed_route, node);

		if (is_route(route, is_pattern, name)) return route;
	}
	return NULL;
}

/* Messages of one channel or pattern come in runs: the last route is tried before a name is hashed. */
static struct feed_route *
route_of(struct feed_router *r, const struct redis_message *m)
{
	if (!r->latest || !is_route(r->latest, m->is_pattern, m->name))
		r->latest = find_route(r, m->is_pattern, m->name);
	return r->latest;
}

/* A route of its own for a name met first; also one more name to subscribe to. */
static struct feed_route *
add_route(struct feed_router *r, const struct feed_spec *f)
{
	struct feed_route *route = calloc(1, sizeof *route);

	if (!route) return NULL;
	route->is_pattern = f->is_pattern;
	route->name = eio_cstr(f->channel);
	eio_hash_add(&r->routes, &route->node, route_hash(r, f->is_pattern, route->name));
	if (f->is_pattern)
		r->patterns[r->n_patterns++] = f->channel;
	else
		r->channels[r->n_channels++] = f->channel;
	return route;
}

/* Batches: what they call back */

static void
on_flush(void *user, struct batch *b, struct eio_bytes content, unsigned count, bool whole)
{
	struct feed_stream_set *f = user;

	(void)whole; /* the encoding is the same: only the content differs */
	feed_out_add(f->router->out, f->config, b, content, count);
}

static void
on_release(void *user, struct batch *b)
{
	struct feed_stream_set *f = user;

	interest_unref(b->user);
	metrics_sub(f->router->options->metrics, METRIC_FEED_STREAMS, 1);
}

/* Setting up */

static int
add_feed(struct feed_router *r, size_t i)
{
	const struct feed_spec *c = &r->options->specs->v[i];
	struct feed_stream_set *f = &r->feeds[i];
	struct feed_route *route = find_route(r, c->is_pattern, eio_cstr(c->channel));
	unsigned *feeds;

	if (!route) route = add_route(r, c);
	if (!route) return -1;
	feeds = realloc(route->feeds, (route->n + 1) * sizeof *feeds);
	if (!feeds) return -1;
	feeds[route->n++] = (unsigned)i;
	route->feeds = feeds;
	f->one_stream = !c->is_pattern && !template_uses_message(c->event) &&
			!(c->room && template_uses_message(c->room));
	f->needs_json = c->n_where > 0 || template_uses_message(c->event) ||
			(c->room && template_uses_message(c->room));
	if (batch_set_init(&f->batches, c, r->key, on_flush, on_release, f) < 0) return -1;
	f->config = c;
	f->router = r;
	return 0;
}

int
feed_router_init(struct feed_router *r, const struct feed_options *options, struct feed_out *out)
{
	size_t n = options->specs->n;

	*r = (struct feed_router){ .options = options, .out = out, .deadline_ms = UINT64_MAX };
	if (eio_hash_init(&r->routes) < 0) return -1;
	r->feeds = calloc(n + 1, sizeof *r->feeds);
	r->channels = calloc(n + 1, sizeof(char *));
	r->patterns = calloc(n + 1, sizeof(char *));
	if (!r->feeds || !r->channels || !r->patterns) goto fail;
	if (getrandom(r->key, sizeof r->key, 0) != (ssize_t)sizeof r->key) goto fail;
	for (size_t i = 0; i < n; i++)
		if (add_feed(r, i) < 0) goto fail;
	return 0;
fail:
	feed_router_deinit(r);
	return -1;
}

void
feed_router_deinit(struct feed_router *r)
{
	struct eio_hash_node *n;

	for (size_t i = 0; r->feeds && i < r->options->specs->n; i++)
		if (r->feeds[i].config) batch_set_deinit(&r->feeds[i].batches);
	while ((n = eio_hash_any(&r->routes))) {
		struct feed_route *route = EIO_CONTAINER(n, struct feed_route, node);

		eio_hash_remove(&r->routes, n);
		free(route->feeds);
		free(route);
	}
	eio_hash_deinit(&r->routes);
	free(r->feeds);
	free(r->channels);
	free(r->patterns);
	eio_buf_deinit(&r->scratch);
}

/* A message is refused by one feed. */
static void
refuse(struct feed_router *r, const struct feed_spec *f, const struct passage *p, enum batch_result why)
{
	static const enum metric metrics[BATCH_RESULT_COUNT] = {
#define X(name, metric, text) [BATCH_##name] = METRIC_FEED_DROPPED_##name,
		BATCH_REASONS(X)
#undef X
	};
	uint64_t suppressed;

	metrics_inc(r->options->metrics, metrics[why]);
	if (log_limit_pass(&r->limit, p->now_ms, &suppressed))
		log_warn("feed=%u channel=\"%s\" event=message-dropped reason=\"%s\" message=\"%s\" suppressed=%llu",
			f->index, LOG_ESCAPE(p->m->channel), batch_reason_text(why), LOG_ESCAPE(p->m->payload),
			(unsigned long long)suppressed);
}

static bool
is_json(struct passage *p)
{
	if (p->json == JSON_UNKNOWN) p->json = sio_json_check(p->m->payload) == 0 ? JSON_GOOD : JSON_BAD;
	return p->json == JSON_GOOD;
}

/* Renders event and room into the scratch buffer. *room is NULL-able through has_room. */
static enum batch_result
render(struct feed_router *r, const struct feed_spec *f, const struct passage *p, struct eio_bytes *event,
	struct eio_bytes *room)
{
	struct template_captures captures;
	struct template_input in = { .channel = p->m->channel, .message = p->m->payload };
	size_t event_n;

	if (f->is_pattern) {
		in.captures = &captures;
		if (!template_match(p->m->name, p->m->channel, &captures)) return BATCH_ROUTE;
	}
	eio_buf_clear(&r->scratch);
	if (template_render(f->event, &in, &r->scratch) < 0) return BATCH_ROUTE;
	event_n = r->scratch.n;
	if (f->room && template_render(f->room, &in, &r->scratch) < 0) return BATCH_ROUTE;
	if (eio_buf_failed(&r->scratch)) return BATCH_MEMORY;
	*event = eio_bytes(r->scratch.p, event_n);
	*room = eio_bytes(r->scratch.p + event_n, r->scratch.n - event_n);
	return BATCH_OK;
}

/* Connects a new stream with who listens to it. */
static enum batch_result
attach(struct feed_router *r, const struct feed_spec *f, struct batch *b)
{
	if (sio_packet_event_reserved(b->event)) return BATCH_ROUTE;
	b->user = interest_get(r->options->interest, eio_cstr(f->nsp), b->everyone ? NULL : &b->room);
	return b->user ? BATCH_OK : BATCH_MEMORY;
}

/* The stream a message goes to. */
static enum batch_result
find_stream(struct feed_router *r, struct feed_stream_set *s, const struct passage *p, struct batch **b)
{
	const struct feed_spec *f = s->config;
	struct eio_bytes event, room;
	enum batch_result result = render(r, f, p, &event, &room);
	bool made;

	if (result != BATCH_OK) return result;
	*b = batch_set_get(&s->batches, event, f->room ? &room : NULL, p->now_ms, &made);
	if (!*b) return BATCH_MEMORY;
	if (made) metrics_inc(r->options->metrics, METRIC_FEED_STREAMS);
	return BATCH_OK;
}

static enum batch_result
take(struct feed_router *r, struct feed_stream_set *s, struct passage *p)
{
	const struct feed_spec *f = s->config;
	struct batch *b = s->one_stream ? s->batches.latest : NULL;
	enum batch_result result = BATCH_OK;

	if (s->needs_json && !is_json(p)) return eio_utf8_valid(p->m->payload) ? BATCH_JSON : BATCH_UTF8;
	if (f->n_where && !feed_where_matches(f, p->m->payload)) {
		metrics_inc(r->options->metrics, METRIC_FEED_FILTERED);
		return BATCH_OK;
	}
	if (!b) result = find_stream(r, s, p, &b);
	if (result != BATCH_OK) return result;
	if (!b->user) result = attach(r, f, b);
	if (result == BATCH_OK && interest_workers(b->user))
		return batch_set_append(&s->batches, b, p->m->payload, p->json == JSON_GOOD, p->now_ms);
	if (result == BATCH_OK) metrics_inc(r->options->metrics, METRIC_FEED_UNHEARD);
	batch_set_touch(&s->batches, b, p->now_ms);
	return result;
}

void
feed_router_message(struct feed_router *r, const struct redis_message *m, uint64_t now_ms)
{
	struct feed_route *route = route_of(r, m);
	struct passage p = { .m = m, .now_ms = now_ms };

	metrics_inc(r->options->metrics, METRIC_FEED_MESSAGES);
	metrics_add(r->options->metrics, METRIC_FEED_BYTES, m->payload.n);
	for (size_t i = 0; route && i < route->n; i++) {
		struct feed_stream_set *s = &r->feeds[route->feeds[i]];
		enum batch_result result = take(r, s, &p);
		uint64_t deadline = batch_set_deadline(&s->batches);

		if (result != BATCH_OK) refuse(r, s->config, &p, result);
		if (deadline < r->deadline_ms) r->deadline_ms = deadline;
	}
}

void
feed_router_tick(struct feed_router *r, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < r->options->specs->n; i++) {
		struct batch_set *s = &r->feeds[i].batches;
		uint64_t deadline = batch_set_deadline(s);

		if (deadline <= now_ms) {
			batch_set_tick(s, now_ms);
			deadline = batch_set_deadline(s);
		}
		if (deadline < next) next = deadline;
	}
	r->deadline_ms = next;
}
