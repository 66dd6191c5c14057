/* SPDX-License-Identifier: MIT */
/*
 * A hash table of nodes embedded in the things it holds. The hash is keyed
 * (SipHash-1-3), because clients choose room names and could otherwise aim for
 * one bucket. It grows by some buckets with each node that is added, so none of them takes long. Not thread-safe.
 *
 *     for (n = eio_hash_find(&t, h); n; n = eio_hash_next(n))
 *             if (eio_bytes_eq(EIO_CONTAINER(n, struct room, node)->name, name)) …
 */
#ifndef EIO_HASH_H
#define EIO_HASH_H

#include "eio/bytes.h"

#include <stdint.h>

struct eio_hash_node {
	struct eio_hash_node *next;
	uint64_t hash;
};

struct eio_hash {
	struct eio_hash_node **buckets; /* owned: mask + 1, and as many as were split while it grows */
	size_t mask, split, count;
};

/* The keyed hash of some bytes. key: 16 random bytes chosen at start. */
uint64_t eio_hash_bytes(const uint64_t key[2], struct eio_bytes s);

/* 0, or -1 when out of memory. */
int eio_hash_init(struct eio_hash *t);

/* Frees the table, not the nodes. */
void eio_hash_deinit(struct eio_hash *t);

/* Adds a node; n->hash is set. Always succeeds: when the table cannot grow it
 * only gets slower. Does not look for an equal key. */
void eio_hash_add(struct eio_hash *t, struct eio_hash_node *n, uint64_t hash);

/* Removes a node that is in the table. */
void eio_hash_remove(struct eio_hash *t, struct eio_hash_node *n);

/* The first node with this hash, or NULL; and the next one with the same hash. */
struct eio_hash_node *eio_hash_find(const struct eio_hash *t, uint64_t hash);
struct eio_hash_node *eio_hash_next(const struct eio_hash_node *n);

/* Any node, or NULL when empty: to empty a table one by one. */
struct eio_hash_node *eio_hash_any(const struct eio_hash *t);

/* The node behind n, in no order that means anything, or NULL when n is the last one. */
struct eio_hash_node *eio_hash_after(const struct eio_hash *t, const struct eio_hash_node *n);

/* Visits what is in up to n buckets, from number *at on, which begins with 0 and moves on; returns whether there is
 * more. The visitor neither adds nor removes any; between two calls others may: what is there all the time is visited,
 * twice perhaps when the table has grown. For walks in pieces. */
bool eio_hash_walk(const struct eio_hash *t, size_t *at, size_t n,
	void (*visit)(void *user, struct eio_hash_node *node), void *user);

/* Walks all nodes with `it`, which it declares. The body neither adds nor removes any. */
#define EIO_HASH_FOREACH(it, t) for (struct eio_hash_node *it = eio_hash_any(t); it; it = eio_hash_after(t, it))

/* The same where the node at hand may be removed, and nothing is added. To empty a table by asking for any node again
 * and again would look through all empty buckets each time. */
#define EIO_HASH_FOREACH_SAFE(it, next, t) \
	for (struct eio_hash_node *it = eio_hash_any(t), *next; it && (next = eio_hash_after(t, it), true); it = next)

#endif
