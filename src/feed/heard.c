/* SPDX-License-Identifier: MIT */
/* Tables with open addressing. */
#include "src/feed/heard.h"

#include <stdlib.h>

enum {
	PARTS_LOG = 8,
	PARTS = 1 << PARTS_LOG,
	FIRST_CAP = 4,
	FORGET = 4, /* tables at once: of ten million keys 4 MB, which the kernel takes back in some 100 µs */
};

struct heard_key {
	uint64_t hash;
	uint32_t number;
	bool used;
};

struct heard_part {
	struct heard_key *v; /* owned: cap, a power of two, or NULL */
	uint32_t n, cap;
};

void
heard_deinit(struct heard *h)
{
	for (size_t i = 0; h->parts && i < PARTS; i++) free(h->parts[i].v);
	free(h->parts);
	*h = (struct heard){ 0 };
}

bool
heard_forget_some(struct heard *h)
{
	for (size_t i = 0; i < FORGET && h->parts && h->forgotten < PARTS; i++, h->forgotten++) {
		struct heard_part *p = &h->parts[h->forgotten];

		h->bytes -= p->cap * sizeof(struct heard_key);
		free(p->v);
		*p = (struct heard_part){ .v = NULL };
	}
	if (h->parts && h->forgotten < PARTS) return true;
	heard_deinit(h);
	return false;
}

/* By bits that do not say where in it the key is. */
static struct heard_part *
part_of_key(const struct heard *h, uint64_t hash)
{
	return &h->parts[hash >> (64 - PARTS_LOG)];
}

/* The key's place, or the free one where it would be. There is one. */
static struct heard_key *
place_of_key(const struct heard_part *p, uint64_t hash)
{
	size_t i = (size_t)hash & (p->cap - 1);

	while (p->v[i].used && p->v[i].hash != hash) i = (i + 1) & (p->cap - 1);
	return &p->v[i];
}

/* Keeps a third of it free. */
static bool
grow_part(struct heard *h, struct heard_part *p)
{
	struct heard_part bigger = { .n = p->n, .cap = p->cap ? p->cap * 2 : FIRST_CAP };

	if (p->n + 1 <= p->cap / 3 * 2) return true;
	bigger.v = calloc(bigger.cap, sizeof(struct heard_key));
	if (!bigger.v) return false;
	for (size_t i = 0; i < p->cap; i++)
		if (p->v[i].used) *place_of_key(&bigger, p->v[i].hash) = p->v[i];
	h->bytes += (bigger.cap - p->cap) * sizeof(struct heard_key);
	free(p->v);
	*p = bigger;
	return true;
}

static bool
begin_parts(struct heard *h)
{
	if (h->parts) return true;
	h->parts = calloc(PARTS, sizeof *h->parts);
	if (h->parts) h->bytes = PARTS * sizeof *h->parts;
	return h->parts;
}

void
heard_note(struct heard *h, uint64_t hash, uint32_t number)
{
	struct heard_key *k;

	if (h->all) return;
	if (!begin_parts(h) || !grow_part(h, part_of_key(h, hash))) {
		heard_deinit(h);
		h->all = true;
		return;
	}
	k = place_of_key(part_of_key(h, hash), hash);
	if (!k->used) part_of_key(h, hash)->n++;
	*k = (struct heard_key){ .hash = hash, .number = number, .used = true };
}

bool
heard_find(const struct heard *h, uint64_t hash, uint32_t *number)
{
	const struct heard_part *p = h->parts ? part_of_key(h, hash) : NULL;
	const struct heard_key *k = p && p->cap ? place_of_key(p, hash) : NULL;

	*number = k && k->used ? k->number : 0;
	return h->all || (k && k->used);
}

size_t
heard_size(const struct heard *h)
{
	return h->bytes;
}
