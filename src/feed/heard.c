/* SPDX-License-Identifier: MIT */
/* A table with open addressing. */
#include "src/feed/heard.h"

#include <stdlib.h>

enum { FIRST_CAP = 64 };

struct heard_key {
	uint64_t hash;
	uint32_t number;
	bool used;
};

void
heard_deinit(struct heard *h)
{
	free(h->v);
	*h = (struct heard){ 0 };
}

/* The key's place, or the free one where it would be. There is one. */
static struct heard_key *
place_of_key(const struct heard *h, uint64_t hash)
{
	size_t i = (size_t)hash & (h->cap - 1);

	while (h->v[i].used && h->v[i].hash != hash) i = (i + 1) & (h->cap - 1);
	return &h->v[i];
}

/* Keeps a third of it free. */
static bool
grow_heard(struct heard *h)
{
	struct heard bigger = { .n = h->n, .cap = h->cap ? h->cap * 2 : FIRST_CAP };

	if (h->n + 1 <= h->cap / 3 * 2) return true;
	bigger.v = calloc(bigger.cap, sizeof(struct heard_key));
	if (!bigger.v) return false;
	for (size_t i = 0; i < h->cap; i++)
		if (h->v[i].used) *place_of_key(&bigger, h->v[i].hash) = h->v[i];
	free(h->v);
	*h = bigger;
	return true;
}

void
heard_note(struct heard *h, uint64_t hash, uint32_t number)
{
	struct heard_key *k;

	if (h->all) return;
	if (!grow_heard(h)) {
		heard_deinit(h);
		h->all = true;
		return;
	}
	k = place_of_key(h, hash);
	if (!k->used) h->n++;
	*k = (struct heard_key){ .hash = hash, .number = number, .used = true };
}

bool
heard_find(const struct heard *h, uint64_t hash, uint32_t *number)
{
	const struct heard_key *k = h->cap ? place_of_key(h, hash) : NULL;

	*number = k && k->used ? k->number : 0;
	return h->all || (k && k->used);
}

size_t
heard_size(const struct heard *h)
{
	return h->cap * sizeof(struct heard_key);
}
