/* SPDX-License-Identifier: MIT */
/* Which channel is to be where. All that is written is written from the timer: nothing else is being told then. */
#include "src/redis/shards.h"

#include "src/base/clock.h"
#include "src/redis/shards_int.h"

#include <stdlib.h>
#include <string.h>

static struct redis_shards *
shards_of(void *user)
{
	struct redis_shards *s = user;

	CHECK_MAGIC(s, REDIS_SHARDS_MAGIC);
	return s;
}

/* Nodes */

static bool
is_node_at(const struct redis_shard_node *n, const struct redis_node *where)
{
	return n->url.port == where->port && strcmp(n->url.host, where->host) == 0;
}

/* Who has a slot; where it is opened when `open`. NULL: nobody who is known. */
static struct redis_shard_node *
node_of_slot(struct redis_shards *s, unsigned slot, bool open)
{
	const struct redis_node *where = s->map ? redis_map_owner(s->map, slot) : NULL;
	struct eio_list *l, *next;

	if (s->map && !where) return NULL;
	EIO_LIST_FOREACH_SAFE(l, next, &s->nodes)
	{
		struct redis_shard_node *n = EIO_CONTAINER(l, struct redis_shard_node, nodes);

		if (!where || is_node_at(n, where)) return n;
	}
	return open ? redis_shards__node_open(s, where) : NULL;
}

/* What is said of a node changes, users and passwords among it: one that is not reached is dialled anew with that. */
static void
close_unneeded(struct redis_shards *s)
{
	uint64_t now = uv_now(s->timer.loop);
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &s->nodes)
	{
		struct redis_shard_node *n = EIO_CONTAINER(l, struct redis_shard_node, nodes);
		bool stale = s->map && !redis_link_is_ready(n->link) && now - n->opened_ms >= REDIS_SHARD_NODE_MS;

		if (redis_shards__node_is_idle(n) && (!n->needed || stale)) redis_shards__node_close(n);
	}
}

/* Going where it belongs */

/* Asks for one that is at no node. Whether it has to be looked after again. */
static void
place_shard(struct redis_shards *s, struct redis_shard *shard)
{
	bool due = shard->again_ms <= uv_now(s->timer.loop);
	struct redis_shard_node *n = node_of_slot(s, shard->slot, due);

	if (n) n->needed = true;
	if (s->map && shard->state != SHARD_REFUSED) redis_map_doubt(s->map);
	if (due && n && redis_link_is_ready(n->link) && redis_shards__say(n, shard, false))
		redis_shards__attach(shard, n);
}

static void
write_nodes(struct redis_shards *s)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &s->nodes)
	redis_shards__node_write(EIO_CONTAINER(l, struct redis_shard_node, nodes));
}

static void
need_no_node(struct redis_shards *s)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &s->nodes)
	EIO_CONTAINER(l, struct redis_shard_node, nodes)->needed = false;
}

static void
on_shards_timer(uv_timer_t *t)
{
	struct redis_shards *s = shards_of(t->data);
	struct eio_list *l, *next;

	need_no_node(s);
	EIO_LIST_FOREACH_SAFE(l, next, &s->loose)
	{
		struct redis_shard *shard = EIO_CONTAINER(l, struct redis_shard, link);

		if (shard->wants)
			place_shard(s, shard);
		else if (!shard->unanswered)
			redis_shards__drop(shard, s);
	}
	close_unneeded(s);
	write_nodes(s);
	if (!eio_list_empty(&s->loose)) redis_shards__later(s, REDIS_SHARD_RETRY_MS);
	redis_shards__tell_state(s);
}

/* It is said to be elsewhere. What its node tells from now on may be told there, too. */
static void
move_shard(struct redis_shards *s, struct redis_shard *shard, struct redis_shard_node *from)
{
	if (redis_link_is_ready(from->link)) redis_shards__say(from, shard, true);
	redis_shards__loosen(shard, s, redis_map_seen_before_ms(s->map));
	shard->again_ms = 0;
}

static void
check_places_at(struct redis_shards *s, struct redis_shard_node *n)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &n->shards)
	{
		struct redis_shard *shard = EIO_CONTAINER(l, struct redis_shard, link);
		const struct redis_node *where = redis_map_owner(s->map, shard->slot);

		if (where && !is_node_at(n, where)) move_shard(s, shard, n);
	}
}

static void
on_shards_mapped(void *user)
{
	struct redis_shards *s = shards_of(user);
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &s->nodes)
	check_places_at(s, EIO_CONTAINER(l, struct redis_shard_node, nodes));
	redis_shards__later(s, 0);
	redis_shards__tell_state(s);
}

/* Wanting */

static struct redis_shard *
add_shard(struct redis_shards *s, struct eio_bytes name, uint64_t hash)
{
	struct redis_shard *shard = calloc(1, sizeof *shard + name.n);

	if (!shard) return NULL;
	shard->slot = redis_slot(name);
	shard->n = name.n;
	memcpy(shard->name, name.p, name.n);
	eio_list_init(&shard->link);
	eio_list_add_tail(&s->loose, &shard->link);
	eio_hash_add(&s->shards, &shard->node, hash);
	return shard;
}

int
redis_shards_want(struct redis_shards *s, struct eio_bytes name)
{
	uint64_t hash = eio_hash_bytes(s->hash_key, name);
	struct redis_shard *shard = redis_shards__find(s, name, hash);

	if (!shard) shard = add_shard(s, name, hash);
	if (!shard) return -1;
	if (shard->wants++) return 0;
	s->wanted++;
	redis_shards__later(s, 0);
	return 0;
}

void
redis_shards_leave(struct redis_shards *s, struct eio_bytes name)
{
	struct redis_shard *shard = redis_shards__find(s, name, eio_hash_bytes(s->hash_key, name));

	CHECK(shard && shard->wants > 0);
	if (shard->wants > 1) {
		shard->wants--;
		return;
	}
	if (shard->at && redis_link_is_ready(shard->at->link)) redis_shards__say(shard->at, shard, true);
	redis_shards__loosen(shard, s, 0);
	s->refused -= shard->refused;
	shard->refused = shard->told = false;
	shard->missing_ms = shard->again_ms = 0;
	shard->wants = 0;
	s->wanted--;
	redis_shards__later(s, 0);
}

size_t
redis_shards_refused(const struct redis_shards *s)
{
	return s->refused;
}

void
redis_shards_tell_refused(const struct redis_shards *s, bool refused)
{
	EIO_HASH_FOREACH(n, &s->shards) {
		const struct redis_shard *shard = EIO_CONTAINER(n, struct redis_shard, node);

		if (shard->refused) s->options.refused(s->options.user, eio_bytes(shard->name, shard->n), refused);
	}
}

/* From the beginning to the end */

static bool
begin_shards(struct redis_shards *s, uv_loop_t *loop)
{
	const struct redis_map_options map = {
		.url = s->options.url,
		.metrics = s->options.metrics,
		.changed = on_shards_mapped,
		.user = s,
	};

	if (uv_random(NULL, NULL, s->hash_key, sizeof s->hash_key, 0, NULL) || eio_hash_init(&s->shards)) return false;
	if (s->options.url->is_cluster && !(s->map = redis_map_open(loop, &map))) {
		eio_hash_deinit(&s->shards);
		return false;
	}
	uv_timer_init(loop, &s->timer); /* cannot fail */
	s->timer.data = s;
	s->work = on_shards_timer;
	return true;
}

struct redis_shards *
redis_shards_open(uv_loop_t *loop, const struct redis_shards_options *options)
{
	struct redis_shards *s = calloc(1, sizeof *s);

	if (!s) return NULL;
	s->magic = REDIS_SHARDS_MAGIC;
	s->options = *options;
	s->ready = true; /* nothing is wanted */
	eio_list_init(&s->loose);
	eio_list_init(&s->nodes);
	if (begin_shards(s, loop)) return s;
	free(s);
	return NULL;
}

static void
on_shards_closed(uv_handle_t *h)
{
	struct redis_shards *s = shards_of(h->data);

	s->magic = 0;
	free(s);
}

void
redis_shards_close(struct redis_shards *s)
{
	struct eio_list *l, *next;
	EIO_LIST_FOREACH_SAFE(l, next, &s->nodes)
	redis_shards__node_close(EIO_CONTAINER(l, struct redis_shard_node, nodes));
	EIO_HASH_FOREACH_SAFE(n, after, &s->shards)
	{
		eio_hash_remove(&s->shards, n);
		free(EIO_CONTAINER(n, struct redis_shard, node));
	}
	eio_hash_deinit(&s->shards);
	if (s->map) redis_map_close(s->map);
	uv_close((uv_handle_t *)&s->timer, on_shards_closed);
}
