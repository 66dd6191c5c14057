/* SPDX-License-Identifier: MIT */
/* Which channels there are, and about which of them the server is to be told something. */
#include "src/redis/channels_int.h"

#include <stdlib.h>
#include <string.h>

struct redis_channel *
redis_channels__find(const struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name, uint64_t hash)
{
	for (struct eio_hash_node *n = eio_hash_find(&c->all, hash); n; n = eio_hash_next(n)) {
		struct redis_channel *one = EIO_CONTAINER(n, struct redis_channel, node);

		if (one->kind == kind && eio_bytes_eq(eio_bytes(one->name, one->n), name)) return one;
	}
	return NULL;
}

struct redis_channel *
redis_channels__add(struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name, uint64_t hash)
{
	struct redis_channel *one = calloc(1, sizeof *one + name.n);

	if (!one) return NULL;
	one->kind = kind;
	one->n = name.n;
	if (name.n) memcpy(one->name, name.p, name.n);
	eio_list_init(&one->changed);
	eio_hash_add(&c->all, &one->node, hash);
	return one;
}

static void
drop_channel(struct redis_channels *c, struct redis_channel *one)
{
	CHECK(!one->wants && !one->unanswered);
	c->refused -= one->refused;
	eio_list_remove(&one->changed);
	eio_hash_remove(&c->all, &one->node);
	free(one);
}

void
redis_channels__note_change(struct redis_channels *c, struct redis_channel *one)
{
	bool told = one->sent == (one->wants > 0);

	eio_list_remove(&one->changed);
	if (!told)
		eio_list_add_tail(&c->changed, &one->changed);
	else if (!one->wants && !one->unanswered)
		drop_channel(c, one);
}
