/* SPDX-License-Identifier: MIT */
/* An entry for each client that has something to read. Those that have read it go when others come: with each entry
 * that is made some are looked at. */
#include "src/peers/unread.h"

#include "eio/list.h"

#include <stdlib.h>
#include <string.h>

enum { SWEPT_BUCKETS = 16 };

struct unread_client {
	struct eio_hash_node node;
	struct eio_list link; /* while it is swept */
	struct eio_unsent *unsent;
	size_t n;
	char sid[];
};

int
peers_unread_init(struct peers_unread *u, const uint64_t key[2])
{
	*u = (struct peers_unread){ .key = { key[0], key[1] } };
	return eio_hash_init(&u->clients);
}

static void
forget_client(struct peers_unread *u, struct unread_client *c)
{
	eio_hash_remove(&u->clients, &c->node);
	eio_unsent_unref(c->unsent);
	free(c);
}

void
peers_unread_deinit(struct peers_unread *u)
{
	if (!u->clients.buckets) return;
	EIO_HASH_FOREACH_SAFE(n, next, &u->clients)
	{
		forget_client(u, EIO_CONTAINER(n, struct unread_client, node));
	}
	eio_hash_deinit(&u->clients);
}

static struct unread_client *
unread_client_of(const struct peers_unread *u, struct eio_bytes sid, uint64_t hash)
{
	for (struct eio_hash_node *n = eio_hash_find(&u->clients, hash); n; n = eio_hash_next(n)) {
		struct unread_client *c = EIO_CONTAINER(n, struct unread_client, node);

		if (eio_bytes_eq(eio_bytes(c->sid, c->n), sid)) return c;
	}
	return NULL;
}

size_t
peers_unread_bytes(const struct peers_unread *u, struct eio_bytes sid)
{
	const struct unread_client *c = u->clients.count ? unread_client_of(u, sid, eio_hash_bytes(u->key, sid)) : NULL;

	return c ? eio_unsent_bytes(c->unsent) : 0;
}

static void
note_read(void *user, struct eio_hash_node *n)
{
	struct unread_client *c = EIO_CONTAINER(n, struct unread_client, node);

	if (eio_unsent_bytes(c->unsent) == 0) eio_list_add_tail(user, &c->link);
}

static void
sweep(struct peers_unread *u)
{
	struct eio_list read;

	eio_list_init(&read);
	if (!eio_hash_walk(&u->clients, &u->at, SWEPT_BUCKETS, note_read, &read)) u->at = 0;
	while (!eio_list_empty(&read)) {
		struct unread_client *c = EIO_CONTAINER(read.next, struct unread_client, link);

		eio_list_remove(&c->link);
		forget_client(u, c);
	}
}

struct eio_unsent *
peers_unread_add(struct peers_unread *u, struct eio_bytes sid, size_t n)
{
	uint64_t hash = eio_hash_bytes(u->key, sid);
	struct unread_client *c;
	struct eio_unsent *unsent;

	if (n < EIO_UNSENT_LEAST) return NULL;
	c = unread_client_of(u, sid, hash);
	if (c) return eio_unsent_add(&c->unsent, n);
	sweep(u);
	c = malloc(sizeof *c + sid.n);
	if (!c) return NULL;
	c->unsent = NULL;
	c->n = sid.n;
	if (sid.n) memcpy(c->sid, sid.p, sid.n);
	eio_list_init(&c->link);
	unsent = eio_unsent_add(&c->unsent, n);
	if (unsent)
		eio_hash_add(&u->clients, &c->node, hash);
	else
		free(c);
	return unsent;
}
