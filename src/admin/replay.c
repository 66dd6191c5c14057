/* SPDX-License-Identifier: MIT */
/* A hash table of keys, and a list of them by age. */
#include "src/admin/replay.h"

#include "eio/hash.h"
#include "eio/list.h"

#include <stdlib.h>
#include <string.h>

struct replay_entry {
	struct eio_hash_node node; /* by its key */
	struct eio_list link; /* by age, the oldest first */
	uint64_t expires_ms;
	uint64_t body[2]; /* two hashes of the body: nobody finds another one that has both */
	size_t count;
	size_t n;
	char key[];
};

struct admin_replay {
	uint64_t window_ms;
	uint64_t hash_key[2], other_key[2];
	struct eio_hash entries;
	struct eio_list by_age;
};

struct admin_replay *
admin_replay_new(uint64_t window_ms, const uint64_t hash_key[2])
{
	struct admin_replay *r = calloc(1, sizeof *r);

	if (!r) return NULL;
	r->window_ms = window_ms;
	memcpy(r->hash_key, hash_key, sizeof r->hash_key);
	r->other_key[0] = ~hash_key[1];
	r->other_key[1] = ~hash_key[0];
	eio_list_init(&r->by_age);
	if (eio_hash_init(&r->entries) == 0) return r;
	free(r);
	return NULL;
}

static void
forget_replay(struct admin_replay *r, struct replay_entry *e)
{
	eio_hash_remove(&r->entries, &e->node);
	eio_list_remove(&e->link);
	free(e);
}

static struct replay_entry *
oldest_replay(struct admin_replay *r)
{
	return eio_list_empty(&r->by_age) ? NULL : EIO_CONTAINER(r->by_age.next, struct replay_entry, link);
}

void
admin_replay_free(struct admin_replay *r)
{
	if (!r) return;
	while (oldest_replay(r)) forget_replay(r, oldest_replay(r));
	eio_hash_deinit(&r->entries);
	free(r);
}

enum admin_replay_result
admin_replay_find(struct admin_replay *r, struct eio_bytes key, struct eio_bytes body, uint64_t now_ms, size_t *count)
{
	struct eio_hash_node *n;
	struct replay_entry *e;

	while ((e = oldest_replay(r)) && e->expires_ms <= now_ms) forget_replay(r, e);
	for (n = eio_hash_find(&r->entries, eio_hash_bytes(r->hash_key, key)); n; n = eio_hash_next(n)) {
		e = EIO_CONTAINER(n, struct replay_entry, node);
		if (!eio_bytes_eq((struct eio_bytes){ e->key, e->n }, key)) continue;
		*count = e->count;
		return e->body[0] == eio_hash_bytes(r->hash_key, body) &&
				       e->body[1] == eio_hash_bytes(r->other_key, body)
			       ? ADMIN_REPLAY_AGAIN
			       : ADMIN_REPLAY_OTHER;
	}
	return ADMIN_REPLAY_NEW;
}

int
admin_replay_add(struct admin_replay *r, struct eio_bytes key, struct eio_bytes body, uint64_t now_ms, size_t count)
{
	struct replay_entry *e = malloc(sizeof *e + key.n);

	if (!e) return -1;
	if (r->entries.count >= ADMIN_REPLAY_KEYS) forget_replay(r, oldest_replay(r));
	e->expires_ms = now_ms + r->window_ms;
	e->body[0] = eio_hash_bytes(r->hash_key, body);
	e->body[1] = eio_hash_bytes(r->other_key, body);
	e->count = count;
	e->n = key.n;
	if (key.n) memcpy(e->key, key.p, key.n);
	eio_hash_add(&r->entries, &e->node, eio_hash_bytes(r->hash_key, key));
	eio_list_add_tail(&r->by_age, &e->link);
	return 0;
}
