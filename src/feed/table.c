/* SPDX-License-Identifier: MIT */
/* From the names in all specs to the feeds that want them. */
#include "src/feed/table.h"

#include "eio/list.h"

#include <stdlib.h>

static uint64_t
route_hash(const struct feed_table *t, enum message_kind kind, struct eio_bytes name)
{
	return eio_hash_bytes(t->hash_key, name) ^ (t->hash_key[0] * (uint64_t)kind);
}

struct feed_route *
feed_table_find(const struct feed_table *t, enum message_kind kind, struct eio_bytes name)
{
	uint64_t hash = route_hash(t, kind, name);

	for (struct eio_hash_node *n = eio_hash_find(&t->routes, hash); n; n = eio_hash_next(n)) {
		struct feed_route *route = EIO_CONTAINER(n, struct feed_route, node);

		if (feed_route_is(route, kind, name)) return route;
	}
	return NULL;
}

/* A route of its own for a name met first; also one more name to subscribe to. */
static struct feed_route *
add_route(struct feed_table *t, const struct feed_spec *f, const char *name)
{
	struct feed_route *route = calloc(1, sizeof *route);

	if (!route) return NULL;
	route->kind = feed_kind_of(f);
	route->name = eio_cstr(name);
	eio_hash_add(&t->routes, &route->node, route_hash(t, route->kind, route->name));
	if (f->is_stream)
		t->streams[t->n_streams++] = (struct redis_streamer_stream){
			.name = name, .from = f->from, .position = f->position
		};
	else if (f->is_shard)
		t->shards[t->n_shards++] = name;
	else if (f->is_pattern)
		t->patterns[t->n_patterns++] = name;
	else
		t->channels[t->n_channels++] = name;
	return route;
}

/* Leads one channel, pattern, shard channel or stream to a feed. */
static int
add_feed_route(struct feed_table *t, const struct feed_spec *f, const char *name)
{
	struct feed_route *route = feed_table_find(t, feed_kind_of(f), eio_cstr(name));
	unsigned *feeds;

	if (!route) route = add_route(t, f, name);
	if (!route) return -1;
	feeds = realloc(route->feeds, (route->n + 1) * sizeof *feeds);
	if (!feeds) return -1;
	feeds[route->n++] = f->index;
	route->feeds = feeds;
	return 0;
}

static int
add_routes(struct feed_table *t, const struct feed_specs *specs)
{
	for (size_t i = 0; i < specs->n; i++) {
		const struct feed_spec *f = &specs->v[i];

		t->n_demanded += f->subscribe == FEED_SUBSCRIBE_ON_DEMAND;
		if (f->subscribe == FEED_SUBSCRIBE_ON_DEMAND) continue;
		for (size_t k = 0; k < f->n_channels; k++)
			if (add_feed_route(t, f, f->channels[k]) < 0) return -1;
	}
	return 0;
}

int
feed_table_init(struct feed_table *t, const struct feed_specs *specs, const uint64_t hash_key[2])
{
	size_t names = 1;

	*t = (struct feed_table){ .hash_key = { hash_key[0], hash_key[1] } };
	if (eio_hash_init(&t->routes) < 0) return -1;
	for (size_t i = 0; i < specs->n; i++) names += specs->v[i].n_channels;
	t->channels = calloc(names, sizeof(char *));
	t->patterns = calloc(names, sizeof(char *));
	t->shards = calloc(names, sizeof(char *));
	t->streams = calloc(names, sizeof *t->streams);
	if (t->channels && t->patterns && t->shards && t->streams && add_routes(t, specs) == 0) return 0;
	feed_table_deinit(t);
	return -1;
}

void
feed_table_deinit(struct feed_table *t)
{
	if (!t->routes.buckets) return;
	EIO_HASH_FOREACH_SAFE(n, next, &t->routes)
	{
		struct feed_route *route = EIO_CONTAINER(n, struct feed_route, node);

		eio_hash_remove(&t->routes, n);
		free(route->feeds);
		free(route);
	}
	eio_hash_deinit(&t->routes);
	free(t->channels);
	free(t->patterns);
	free(t->shards);
	free(t->streams);
	*t = (struct feed_table){ .n_channels = 0 };
}
