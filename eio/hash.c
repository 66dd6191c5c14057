/* SPDX-License-Identifier: MIT */
/* The embedded-node hash table and SipHash-1-3 (Aumasson and Bernstein, 2012). */
#include "eio/hash.h"

#include "eio/check.h"

#include <stdlib.h>

enum { HASH_FIRST = 16 };

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
	t->count = 0;
	return t->buckets ? 0 : -1;
}

void
eio_hash_deinit(struct eio_hash *t)
{
	free(t->buckets);
	*t = (struct eio_hash){ 0 };
}

static void
grow_table(struct eio_hash *t)
{
	size_t size = 2 * (t->mask + 1);
	struct eio_hash_node **b = calloc(size, sizeof(struct eio_hash_node *));

	if (!b) return;
	for (size_t i = 0; i <= t->mask; i++) {
		struct eio_hash_node *n = t->buckets[i], *next;

		for (; n; n = next) {
			struct eio_hash_node **at = &b[n->hash & (size - 1)];

			next = n->next;
			n->next = *at;
			*at = n;
		}
	}
	free(t->buckets);
	t->buckets = b;
	t->mask = size - 1;
}

void
eio_hash_add(struct eio_hash *t, struct eio_hash_node *n, uint64_t hash)
{
	struct eio_hash_node **at;

	if (t->count > t->mask) grow_table(t);
	at = &t->buckets[hash & t->mask];
	n->hash = hash;
	n->next = *at;
	*at = n;
	t->count++;
}

void
eio_hash_remove(struct eio_hash *t, struct eio_hash_node *n)
{
	struct eio_hash_node **at = &t->buckets[n->hash & t->mask];

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
	return match_hash(t->buckets[hash & t->mask], hash);
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
	for (size_t i = bucket; i <= t->mask && t->count; i++)
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
	return n->next ? n->next : first_from(t, (n->hash & t->mask) + 1);
}

bool
eio_hash_walk(const struct eio_hash *t, size_t *at, size_t n, void (*visit)(void *user, struct eio_hash_node *node),
	void *user)
{
	for (; n > 0 && *at <= t->mask; n--, ++*at)
		for (struct eio_hash_node *it = t->buckets[*at]; it; it = it->next) visit(user, it);
	return *at <= t->mask;
}
