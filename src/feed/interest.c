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
	struct interest_watcher {
		bool kept;
		void (*told)(void *user, struct interest *i);
		void *user;
	} watchers[INTEREST_WATCHERS];
	size_t n_watchers;
};

struct interest_table *
interest_table_new(void)
{
	struct interest_table *t = malloc(sizeof *t);

	if (!t) return NULL;
	if (uv_random(NULL, NULL, t->hash_key, sizeof t->hash_key, 0, NULL)) goto fail_table;
	if (eio_hash_init(&t->entries) < 0) goto fail_table;
	t->n_watchers = 0;
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

/* kept: that somebody may come back. */
static void
tell_watchers(const struct interest_table *t, struct interest *i, bool kept)
{
	for (size_t k = 0; k < t->n_watchers; k++)
		if (!kept || t->watchers[k].kept) t->watchers[k].told(t->watchers[k].user, i);
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
	if (!before) tell_watchers(t, i, false);
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
	if (before == bit) tell_watchers(t, i, false);
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

	if (i && atomic_fetch_add_explicit(&i->kept, 1, memory_order_acq_rel) == 0) tell_watchers(t, i, true);
	return i;
}

void
interest_let_go(struct interest *i)
{
	atomic_fetch_sub_explicit(&i->kept, 1, memory_order_acq_rel);
	interest_unref(i);
}

void
interest_watch(struct interest_table *t, bool kept, void (*told)(void *user, struct interest *i), void *user)
{
	CHECK(t->n_watchers < INTEREST_WATCHERS);
	t->watchers[t->n_watchers++] = (struct interest_watcher){ kept, told, user };
}

void
interest_unwatch(struct interest_table *t, const void *user)
{
	size_t n = 0;

	for (size_t k = 0; k < t->n_watchers; k++)
		if (t->watchers[k].user != user) t->watchers[n++] = t->watchers[k];
	t->n_watchers = n;
}

/* {lock} */
static ssize_t
collect_entries(struct interest_table *t, bool (*wanted)(const void *ctx, struct sio_room_key key), const void *ctx,
	struct interest **out)
{
	ssize_t n = 0;

	EIO_HASH_FOREACH(node, &t->entries) {
		struct interest *i = EIO_CONTAINER(node, struct interest, node);

		if (!wanted(ctx, i->key)) continue;
		if (out) out[n] = interest_ref(i);
		n++;
	}
	return n;
}

ssize_t
interest_collect(struct interest_table *t, bool (*wanted)(const void *ctx, struct sio_room_key key), const void *ctx,
	struct interest ***out)
{
	ssize_t n;

	uv_mutex_lock(&t->lock);
	n = collect_entries(t, wanted, ctx, NULL);
	*out = calloc((size_t)n + 1, sizeof(struct interest *));
	n = *out ? collect_entries(t, wanted, ctx, *out) : -1;
	uv_mutex_unlock(&t->lock);
	return n;
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
