/* SPDX-License-Identifier: MIT */
/* Shard channels: where each of them is, and how many are where. */
#include "src/redis/shards_int.h"

#include <stdlib.h>

struct redis_shard *
redis_shards__find(const struct redis_shards *s, struct eio_bytes name, uint64_t hash)
{
	for (struct eio_hash_node *n = eio_hash_find(&s->shards, hash); n; n = eio_hash_next(n)) {
		struct redis_shard *one = EIO_CONTAINER(n, struct redis_shard, node);

		if (eio_bytes_eq(eio_bytes(one->name, one->n), name)) return one;
	}
	return NULL;
}

static void
set_shard_state(struct redis_shard *shard, struct redis_shards *s, enum redis_shard_state state)
{
	s->there -= shard->state == SHARD_THERE && shard->wants;
	shard->state = state;
	s->there += shard->state == SHARD_THERE && shard->wants;
}

void
redis_shards__loosen(struct redis_shard *shard, struct redis_shards *s, uint64_t since_ms)
{
	if (shard->state == SHARD_THERE && !shard->missing_ms) shard->missing_ms = since_ms;
	set_shard_state(shard, s, SHARD_LOOSE);
	shard->at = NULL;
	eio_list_remove(&shard->link);
	eio_list_add_tail(&s->loose, &shard->link);
}

void
redis_shards__attach(struct redis_shard *shard, struct redis_shard_node *n)
{
	set_shard_state(shard, n->all, SHARD_ASKED);
	shard->at = n;
	eio_list_remove(&shard->link);
	eio_list_add_tail(&n->shards, &shard->link);
}

void
redis_shards__arrive(struct redis_shard *shard, struct redis_shards *s)
{
	set_shard_state(shard, s, SHARD_THERE);
}

void
redis_shards__refuse(struct redis_shard *shard, struct redis_shards *s, bool refused)
{
	if (shard->refused == refused) return;
	shard->refused = refused;
	s->refused += refused;
	s->refused -= !refused;
	if (s->options.refused) s->options.refused(s->options.user, eio_bytes(shard->name, shard->n), refused);
}

void
redis_shards__drop(struct redis_shard *shard, struct redis_shards *s)
{
	CHECK(!shard->wants && !shard->unanswered && !shard->at);
	eio_list_remove(&shard->link);
	eio_hash_remove(&s->shards, &shard->node);
	free(shard);
}

void
redis_shards__tell_state(struct redis_shards *s)
{
	bool ready = !s->wanted || (s->there && s->there + s->refused == s->wanted);

	if (ready == s->ready) return;
	s->ready = ready;
	s->options.state(s->options.user, ready);
}

void
redis_shards__later(struct redis_shards *s, uint64_t ms)
{
	uint64_t left = uv_is_active((uv_handle_t *)&s->timer) ? uv_timer_get_due_in(&s->timer) : UINT64_MAX;

	if (ms < left) uv_timer_start(&s->timer, s->work, ms, 0);
}
