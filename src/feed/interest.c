/* SPDX-License-Identifier: MIT */
/*
 * The registry of who listens where. An entry is in the table from the first
 * reference to the last. Its count falls to zero under the lock only, so a
 * look-up, which holds the lock, never meets an entry that is going away.
 */
#include "src/feed/interest.h"

#include "eio/list.h"

#include <stdlib.h>
#include <sys/random.h>
#include <uv.h>

struct interest_table {
	uv_mutex_t lock;
	uint64_t key[2];
	struct eio_hash entries; /* {lock} */
};

struct interest_table *
interest_table_new(void)
{
	struct interest_table *t = malloc(sizeof *t);

	if (!t) return NULL;
	if (getrandom(t->key, sizeof t->key, 0) != (ssize_t)sizeof t->key) goto fail_table;
	if (eio_hash_init(&t->entries) < 0) goto fail_table;
	if (uv_mutex_init(&t->lock)) goto fail_hash;
	return t;
fail_hash:
	eio_hash_deinit(&t->entries);
fail_table:
	free(t);
	return NULL;
}

void
interest_table_free(struct interest_table *t)
{
	if (!t) return;
	uv_mutex_destroy(&t->lock);
	eio_hash_deinit(&t->entries);
	free(t);
}

static uint64_t
pair_hash(const struct interest_table *t, struct eio_bytes nsp, const struct eio_bytes *room)
{
	uint64_t key[2] = { eio_hash_bytes(t->key, nsp), t->key[1] };

	/* The second hash is keyed by the first, so the border between the two names counts. */
	return room ? eio_hash_bytes(key, *room) : key[0] ^ t->key[0];
}

static bool
is_pair(const struct interest *i, struct eio_bytes nsp, const struct eio_bytes *room)
{
	if (i->everyone != (room == NULL) || !eio_bytes_eq(i->nsp, nsp)) return false;
	return !room || eio_bytes_eq(i->room, *room);
}

/* {lock} */
static struct interest *
find(const struct interest_table *t, uint64_t hash, struct eio_bytes nsp, const struct eio_bytes *room)
{
	for (struct eio_hash_node *n = eio_hash_find(&t->entries, hash); n; n = eio_hash_next(n)) {
		struct interest *i = EIO_CONTAINER(n, struct interest, node);

		if (is_pair(i, nsp, room)) return i;
	}
	return NULL;
}

/* {lock} A new entry with one reference. */
static struct interest *
add(struct interest_table *t, uint64_t hash, struct eio_bytes nsp, const struct eio_bytes *room)
{
	size_t room_n = room ? room->n : 0;
	struct interest *i = malloc(sizeof *i + nsp.n + room_n);

	if (!i) return NULL;
	i->table = t;
	atomic_init(&i->refs, 1);
	atomic_init(&i->workers, 0);
	i->everyone = room == NULL;
	if (nsp.n) memcpy(i->data, nsp.p, nsp.n);
	if (room_n) memcpy(i->data + nsp.n, room->p, room_n);
	i->nsp = eio_bytes(i->data, nsp.n);
	i->room = eio_bytes(i->data + nsp.n, room_n);
	eio_hash_add(&t->entries, &i->node, hash);
	return i;
}

struct interest *
interest_get(struct interest_table *t, struct eio_bytes nsp, const struct eio_bytes *room)
{
	uint64_t hash = pair_hash(t, nsp, room);
	struct interest *i;

	uv_mutex_lock(&t->lock);
	i = find(t, hash, nsp, room);
	if (i)
		atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	else
		i = add(t, hash, nsp, room);
	uv_mutex_unlock(&t->lock);
	return i;
}

struct interest *
interest_ref(struct interest *i)
{
	atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	return i;
}

void
interest_unref(struct interest *i)
{
	struct interest_table *t;
	unsigned refs;
	bool last;

	if (!i) return;
	refs = atomic_load_explicit(&i->refs, memory_order_relaxed);
	while (refs > 1)
		if (atomic_compare_exchange_weak_explicit(
			    &i->refs, &refs, refs - 1, memory_order_release, memory_order_relaxed))
			return;
	t = i->table;
	uv_mutex_lock(&t->lock);
	last = atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) == 1;
	if (last) eio_hash_remove(&t->entries, &i->node);
	uv_mutex_unlock(&t->lock);
	if (last) free(i);
}

int
interest_set(struct interest_table *t, unsigned w, struct eio_bytes nsp, const struct eio_bytes *room)
{
	uint64_t bit = UINT64_C(1) << w;
	struct interest *i = interest_get(t, nsp, room);

	if (!i) return -1;
	/* The reference taken becomes the bit's, unless the bit had one already. */
	if (atomic_fetch_or_explicit(&i->workers, bit, memory_order_acq_rel) & bit) interest_unref(i);
	return 0;
}

void
interest_clear(struct interest_table *t, unsigned w, struct eio_bytes nsp, const struct eio_bytes *room)
{
	uint64_t bit = UINT64_C(1) << w;
	uint64_t hash = pair_hash(t, nsp, room);
	struct interest *i;
	bool was_set;

	uv_mutex_lock(&t->lock);
	i = find(t, hash, nsp, room);
	was_set = i && (atomic_fetch_and_explicit(&i->workers, ~bit, memory_order_acq_rel) & bit);
	uv_mutex_unlock(&t->lock);
	/* The bit's own reference keeps the entry until here. */
	if (was_set) interest_unref(i);
}

size_t
interest_count(struct interest_table *t)
{
	size_t n;

	uv_mutex_lock(&t->lock);
	n = t->entries.count;
	uv_mutex_unlock(&t->lock);
	return n;
}
