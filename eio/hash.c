/* SPDX-License-Identifier: MIT */
/* The embedded-node hash table and SipHash-1-3 (Aumasson and Bernstein, 2012). */
#include "eio/hash.h"

#include "eio/check.h"

#include <stdlib.h>

enum {
	HASH_FIRST = 16,
	SPLITS = 2, /* buckets that are split with each that is added while the table grows */
};

static inline uint64_t
rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

uint64_t
eio_hash_bytes(const uint64_t key[2], struct eio_bytes s)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u,
		key[1] ^ 0x7465646279746573u };
	size_t i, left = s.n & 7;
	uint64_t m;

	for (i = 0; i + 8 <= s.n; i += 8) {
		memcpy(&m, s.p + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)s.n << 56;
	for (size_t k = 0; k < left; k++) m |= (uint64_t)(unsigned char)s.p[i + k] << (8 * k);
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (int k = 0; k < 3; k++) sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int
eio_hash_init(struct eio_hash *t)
{
	t->buckets = calloc(HASH_FIRST, sizeof(struct eio_hash_node *));
	t->mask = HASH_FIRST - 1;
	t->split = 0;
	t->count = 0;
	return t->buckets ? 0 : -1;
}

void
eio_hash_deinit(struct eio_hash *t)
{
	free(t->buckets);
	*t = (struct eio_hash){ 0 };
}

/* While it grows, those before `split` have been divided in two, and what was in each lies in it and in the one
 * mask + 1 behind it. */
static size_t
home_bucket(const struct eio_hash *t, uint64_t hash)
{
	size_t i = hash & t->mask;

	return i < t->split ? hash & (2 * t->mask + 1) : i;
}

static size_t
last_bucket(const struct eio_hash *t)
{
	return t->mask + t->split;
}

static void
split_bucket(struct eio_hash *t)
{
	size_t half = t->mask + 1;
	struct eio_hash_node **low = &t->buckets[t->split], **high = &t->buckets[t->split + half];
	struct eio_hash_node *n = *low, *next;

	*low = *high = NULL;
	for (; n; n = next) {
		struct eio_hash_node **at = n->hash & half ? high : low;

		next = n->next;
		n->next = *at;
		*at = n;
	}
	if (++t->split < half) return;
	t->mask = 2 * half - 1;
	t->split = 0;
}

/* Begins to double it. Nothing is moved yet: a million at once would hold up all else for a tenth of a second. */
static void
begin_growing(struct eio_hash *t)
{
	struct eio_hash_node **b = realloc(t->buckets, 2 * (t->mask + 1) * sizeof(struct eio_hash_node *));

	if (!b) return;
	t->buckets = b;
	split_bucket(t);
}

void
eio_hash_add(struct eio_hash *t, struct eio_hash_node *n, uint64_t hash)
{
	struct eio_hash_node **at;

	if (t->split)
		for (int i = 0; i < SPLITS && t->split; i++) split_bucket(t);
	else if (t->count > t->mask)
		begin_growing(t);
	at = &t->buckets[home_bucket(t, hash)];
	n->hash = hash;
	n->next = *at;
	*at = n;
	t->count++;
}

void
eio_hash_remove(struct eio_hash *t, struct eio_hash_node *n)
{
	struct eio_hash_node **at = &t->buckets[home_bucket(t, n->hash)];

	while (*at != n) {
		CHECK(*at != NULL);
		at = &(*at)->next;
	}
	*at = n->next;
	n->next = NULL;
	CHECK(t->count > 0);
	t->count--;
}

static struct eio_hash_node *
match_hash(struct eio_hash_node *n, uint64_t hash)
{
	while (n && n->hash != hash) n = n->next;
	return n;
}

struct eio_hash_node *
eio_hash_find(const struct eio_hash *t, uint64_t hash)
{
	return match_hash(t->buckets[home_bucket(t, hash)], hash);
}

struct eio_hash_node *
eio_hash_next(const struct eio_hash_node *n)
{
	return match_hash(n->next, n->hash);
}

/* The first node in this bucket or one behind it. */
static struct eio_hash_node *
first_from(const struct eio_hash *t, size_t bucket)
{
	for (size_t i = bucket; i <= last_bucket(t) && t->count; i++)
		if (t->buckets[i]) return t->buckets[i];
	return NULL;
}

struct eio_hash_node *
eio_hash_any(const struct eio_hash *t)
{
	return first_from(t, 0);
}

struct eio_hash_node *
eio_hash_after(const struct eio_hash *t, const struct eio_hash_node *n)
{
	return n->next ? n->next : first_from(t, home_bucket(t, n->hash) + 1);
}

bool
eio_hash_walk(const struct eio_hash *t, size_t *at, size_t n, void (*visit)(void *user, struct eio_hash_node *node),
	void *user)
{
	/* Buckets move what they have to some behind them only, so nothing is passed over. */
	for (; n > 0 && *at <= last_bucket(t); n--, ++*at)
		for (struct eio_hash_node *it = t->buckets[*at]; it; it = it->next) visit(user, it);
	return *at <= last_bucket(t);
}
