/* SPDX-License-Identifier: MIT */
/* Crowds: made, found and given back. */
#include "src/feed/crowd.h"

#include "eio/check.h"
#include "eio/list.h"

#include <stdlib.h>
#include <string.h>

int
feed_crowds_init(struct eio_hash *crowds)
{
	return eio_hash_init(crowds);
}

void
feed_crowds_deinit(struct eio_hash *crowds)
{
	CHECK(crowds->count == 0);
	eio_hash_deinit(crowds);
}

static void
free_crowd(struct feed_crowd *c)
{
	for (size_t i = 0; i < c->n; i++) interest_unref(c->interests[i]);
	audience_unref(c->audience);
	free(c);
}

/* Of one stream, not in the table yet. */
static struct feed_crowd *
new_crowd(struct interest_table *interest, struct eio_bytes name, const struct audience *a)
{
	size_t n = audience_keys(a);
	struct feed_crowd *c = calloc(1, sizeof *c + n * sizeof c->interests[0] + name.n);
	char *text;

	if (!c) return NULL;
	text = (char *)&c->interests[n];
	if (name.n) memcpy(text, name.p, name.n);
	c->name = eio_bytes(text, name.n);
	c->streams = 1;
	c->audience = audience_new(a);
	for (; c->audience && c->n < n; c->n++)
		if (!(c->interests[c->n] = interest_get(interest, audience_key(a, c->n)))) break;
	if (c->audience && c->n == n) return c;
	free_crowd(c);
	return NULL;
}

struct feed_crowd *
feed_crowd_get(struct eio_hash *crowds, struct interest_table *interest, uint64_t hash, struct eio_bytes name,
	const struct audience *audience)
{
	struct feed_crowd *c;

	for (struct eio_hash_node *n = eio_hash_find(crowds, hash); n; n = eio_hash_next(n)) {
		c = EIO_CONTAINER(n, struct feed_crowd, node);
		if (!eio_bytes_eq(c->name, name) || !eio_bytes_eq(c->audience->nsp, audience->nsp)) continue;
		c->streams++;
		return c;
	}
	c = new_crowd(interest, name, audience);
	if (c) eio_hash_add(crowds, &c->node, hash);
	return c;
}

void
feed_crowd_put(struct eio_hash *crowds, struct feed_crowd *c)
{
	if (!c) return;
	CHECK(c->streams > 0);
	if (--c->streams > 0) return;
	eio_hash_remove(crowds, &c->node);
	free_crowd(c);
}

uint64_t
feed_crowd_workers(const struct feed_crowd *c)
{
	uint64_t workers = 0;

	for (size_t i = 0; i < c->n; i++) workers |= interest_workers(c->interests[i]);
	return workers;
}
