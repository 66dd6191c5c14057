/* SPDX-License-Identifier: MIT */
/*
 * The registry of who listens where. An entry is in the table from the first
 * reference to the last. Its count falls to zero under the lock only, so a
 * look-up, which holds the lock, never meets an entry that is going away.
 */
#include "src/feed/interest.h"

#include "eio/check.h"

#include <stdlib.h>
#include <uv.h>

struct interest_table {
	uv_mutex_t lock;
	uint64_t hash_key[2];
	struct eio_hash entries; /* {lock} */
	void (*told)(void *user, struct interest *i); /* NULL: nobody watches */
	void *user;
};

struct interest_table *
interest_table_new(void)
{
	struct interest_table *t = malloc(sizeof *t);

	if (!t) return NULL;
	if (uv_random(NULL, NULL, t->hash_key, sizeof t->hash_key, 0, NULL)) goto fail_table;
	if (eio_hash_init(&t->entries) < 0) goto fail_table;
	t->told = NULL;
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
	CHECK(t->entries.count == 0);
	uv_mutex_destroy(&t->lock);
	eio_hash_deinit(&t->entries);
	free(t);
}

/* {lock} */
static struct interest *
find_interest(const struct interest_table *t, uint64_t hash, struct sio_room_key key)
{
	for (struct eio_hash_node *n = eio_hash_find(&t->entries, hash); n; n = eio_hash_next(n)) {
		struct interest *i = EIO_CONTAINER(n, struct interest, node);

		if (sio_room_key_eq(i->key, key)) return i;
	}
	return NULL;
}

/* {lock} A new entry with one reference. */
static struct interest *
add_interest(struct interest_table *t, uint64_t hash, struct sio_room_key key)
{
	struct interest *i = malloc(sizeof *i + sio_room_key_size(key));

	if (!i) return NULL;
	i->table = t;
	atomic_init(&i->refs, 1);
	atomic_init(&i->kept, 0);
	atomic_init(&i->workers, 0);
	i->past = (struct interest_past){ .forgotten = 0 };
	eio_list_init(&i->past.traces);
	eio_list_init(&i->past.notes);
	i->key = sio_room_key_copy(key, i->data);
	eio_hash_add(&t->entries, &i->node, hash);
	return i;
}

struct interest *
interest_get(struct interest_table *t, struct sio_room_key key)
{
	uint64_t hash = sio_room_key_hash(t->hash_key, key);
	struct interest *i;

	uv_mutex_lock(&t->lock);
	i = find_interest(t, hash, key);
	if (i)
		atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	else
		i = add_interest(t, hash, key);
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

static uint64_t
bit_of_worker(unsigned w)
{
	CHECK(w < 64);
	return UINT64_C(1) << w;
}

int
interest_set(struct interest_table *t, unsigned w, struct sio_room_key key)
{
	uint64_t bit = bit_of_worker(w);
	struct interest *i = interest_get(t, key);
	uint64_t before;

	if (!i) return -1;
	before = atomic_fetch_or_explicit(&i->workers, bit, memory_order_acq_rel);
	if (!before && t->told) t->told(t->user, i);
	/* The reference taken becomes the bit's, unless the bit had one already. */
	if (before & bit) interest_unref(i);
	return 0;
}

void
interest_clear(struct interest_table *t, unsigned w, struct sio_room_key key)
{
	uint64_t bit = bit_of_worker(w);
	uint64_t hash = sio_room_key_hash(t->hash_key, key);
	struct interest *i;
	uint64_t before;

	uv_mutex_lock(&t->lock);
	i = find_interest(t, hash, key);
	before = i ? atomic_fetch_and_explicit(&i->workers, ~bit, memory_order_acq_rel) : 0;
	uv_mutex_unlock(&t->lock);
	if (!(before & bit)) return;
	if (before == bit && t->told) t->told(t->user, i);
	/* The bit's own reference keeps the entry until here. */
	interest_unref(i);
}

uint64_t
interest_of(struct interest_table *t, struct sio_room_key key)
{
	uint64_t hash = sio_room_key_hash(t->hash_key, key);
	struct interest *i;
	uint64_t workers;

	uv_mutex_lock(&t->lock);
	i = find_interest(t, hash, key);
	workers = i ? interest_workers(i) : 0;
	uv_mutex_unlock(&t->lock);
	return workers;
}

struct interest *
interest_keep(struct interest_table *t, struct sio_room_key key)
{
	struct interest *i = interest_get(t, key);

	if (i) atomic_fetch_add_explicit(&i->kept, 1, memory_order_acq_rel);
	return i;
}

void
interest_let_go(struct interest *i)
{
	atomic_fetch_sub_explicit(&i->kept, 1, memory_order_acq_rel);
	interest_unref(i);
}

void
interest_watch(struct interest_table *t, void (*told)(void *user, struct interest *i), void *user)
{
	CHECK(!t->told);
	t->told = told;
	t->user = user;
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
