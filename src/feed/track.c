/* SPDX-License-Identifier: MIT */
/* Places, and fingerprints that go on from message to message. */
#include "src/feed/track.h"

#include "eio/check.h"
#include "eio/hash.h"

#include <stdlib.h>

/* Fingerprints are numbers below a prime: sums of hashes, times powers of a base. So the one of the next message is
 * made of the one before in constant time; and modulo a prime there are no sequences for which that is always the same,
 * as there are modulo 2^64. */
#define PRIME ((UINT64_C(1) << 61) - 1)
#define BASE UINT64_C(0x1b873593a4093823)

enum { FIRST_SLOTS = 64 };

/* Every siocast has the same: it is no secret, and what it is for is no defence. */
static const uint64_t hash_key[2] = { UINT64_C(0x73696f6361737430), UINT64_C(0x747261636b303031) };

static uint64_t
multiply(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;
	uint64_t sum = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);

	return sum >= PRIME ? sum - PRIME : sum;
}

void
track_init(struct track *t, bool hashed, uint64_t now_s)
{
	*t = (struct track){ .hashed = hashed, .whole_s = now_s, .power = 1 };
	for (int i = 0; i < TRACK_WINDOW; i++) t->power = multiply(t->power, BASE % PRIME);
}

void
track_deinit(struct track *t)
{
	free(t->v);
	free(t->newest);
	*t = (struct track){ 0 };
}

/* Takes one hash into the fingerprint, and the one out that was the window's length before. */
static void
roll(struct track *t, uint64_t hash)
{
	uint64_t *slot = &t->window[t->whole % TRACK_WINDOW];
	uint64_t in = hash % PRIME, out = t->whole >= TRACK_WINDOW ? multiply(*slot, t->power) : 0;

	*slot = in;
	t->fingerprint = (multiply(t->fingerprint, BASE % PRIME) + in + PRIME - out) % PRIME;
}

void
track_break(struct track *t, uint64_t now_s)
{
	t->begin = t->end;
	t->base.has_place = false;
	t->whole = 0;
	t->whole_s = now_s;
	t->fingerprint = 0;
}

static size_t
bucket_of(const struct track *t, struct track_place place)
{
	uint64_t h = (place.a ^ (t->hashed ? 0 : place.b << 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return h >> 32 & (t->cap - 1);
}

static void
link_slot(struct track *t, uint64_t n)
{
	struct track_slot *slot = track_slot(t, n);
	uint64_t *newest = &t->newest[bucket_of(t, slot->place)];

	slot->older = *newest;
	*newest = n + 1;
}

/* Room for one more; false when out of memory. */
static bool
reserve_slot(struct track *t)
{
	size_t cap = t->cap ? 2 * t->cap : FIRST_SLOTS;
	struct track_slot *v;
	uint64_t *newest;

	if (t->end - t->begin < t->cap) return true;
	v = malloc(cap * sizeof *v);
	newest = calloc(cap, sizeof *newest);
	if (!v || !newest) {
		free(v);
		free(newest);
		return false;
	}
	for (uint64_t n = t->begin; n < t->end; n++) v[n & (cap - 1)] = *track_slot(t, n);
	free(t->v);
	free(t->newest);
	t->v = v;
	t->newest = newest;
	t->cap = cap;
	for (uint64_t n = t->begin; n < t->end; n++)
		if (track_slot(t, n)->has_place) link_slot(t, n);
	return true;
}

static bool
add_slot(struct track *t, struct track_slot slot)
{
	if (!reserve_slot(t)) return false;
	*track_slot(t, t->end) = slot;
	if (slot.has_place) link_slot(t, t->end);
	t->end++;
	t->whole++;
	return true;
}

bool
track_add(struct track *t, struct track_place place)
{
	return add_slot(t, (struct track_slot){ .place = place, .has_place = true });
}

void
track_begin_at(struct track *t, struct track_place place)
{
	CHECK(!t->hashed && t->begin == t->end);
	t->base = (struct track_slot){ .place = place, .has_place = true };
}

/* The number of the newest one at a place, and 1, before the one of number `below` and 1; 0: there is none. Chains end
 * where they lead to what is forgotten, whose slot may be another's by now. */
static uint64_t
next_at(const struct track *t, struct track_place place, uint64_t below)
{
	uint64_t at = below ? track_slot(t, below - 1)->older : t->cap ? t->newest[bucket_of(t, place)] : 0;

	while (at > t->begin) {
		const struct track_slot *slot = track_slot(t, at - 1);

		if (slot->place.a == place.a && (t->hashed || slot->place.b == place.b)) return at;
		at = slot->older;
	}
	return 0;
}

/* Whether all of two tolerances before is known, and the fingerprint did not come in that. */
static bool
is_clear(const struct track *t, struct track_place place)
{
	uint64_t before;

	if (place.b < t->whole_s + 2 * TRACK_TOLERANCE_S) return false;
	before = next_at(t, place, 0);
	return !before || track_slot(t, before - 1)->place.b + 2 * TRACK_TOLERANCE_S < place.b;
}

bool
track_add_hashed(struct track *t, uint64_t hash, uint64_t now_s)
{
	struct track_slot slot = { .has_place = t->whole + 1 >= TRACK_WINDOW };

	if (!slot.has_place) t->whole_s = now_s;
	roll(t, hash);
	slot.place.a = t->fingerprint & ((UINT64_C(1) << TRACK_FINGERPRINT_BITS) - 1);
	slot.place.b = now_s;
	slot.clear = slot.has_place && is_clear(t, slot.place);
	return add_slot(t, slot);
}

void
track_forget(struct track *t)
{
	CHECK(t->begin < t->end);
	t->base = *track_slot(t, t->begin);
	if (t->hashed) t->whole_s = t->base.place.b;
	t->begin++;
}

bool
track_last(const struct track *t, struct track_place *out)
{
	const struct track_slot *slot = t->begin < t->end ? track_slot(t, t->end - 1) : &t->base;

	if (!slot->has_place || (t->hashed && !slot->clear)) return false;
	*out = slot->place;
	return true;
}

/* How many seconds behind another time one is, both of which are cut off. */
static int64_t
seconds_behind(uint64_t a, uint64_t b)
{
	const int64_t range = INT64_C(1) << TRACK_TIME_BITS;
	int64_t d = (int64_t)((a - b) & (uint64_t)(range - 1));

	return d >= range / 2 ? d - range : d;
}

/* Whether a slot is at a place, as far as times tell: -1 when it is older than that may be, 1 when it is newer. */
static int
compare_times(const struct track *t, const struct track_slot *slot, struct track_place place)
{
	int64_t later = t->hashed ? seconds_behind(slot->place.b, place.b) : 0;

	return later < -TRACK_TOLERANCE_S ? -1 : later > TRACK_TOLERANCE_S;
}

static bool
base_is_at(const struct track *t, struct track_place place)
{
	return t->base.has_place && t->base.place.a == place.a && (t->hashed || t->base.place.b == place.b) &&
	       compare_times(t, &t->base, place) == 0;
}

bool
track_find(const struct track *t, struct track_place place, uint64_t *n)
{
	uint64_t found = 0;

	for (uint64_t at = next_at(t, place, 0); at; at = next_at(t, place, at)) {
		int order = compare_times(t, track_slot(t, at - 1), place);

		if (order < 0) break;
		if (order > 0) continue;
		if (found) return false;
		found = at;
	}
	if (base_is_at(t, place)) {
		if (found) return false;
		*n = t->begin - 1;
		return !t->hashed || t->base.clear;
	}
	if (!found) return false;
	*n = found - 1;
	return !t->hashed || track_slot(t, *n)->clear;
}

bool
track_may_come(const struct track *t, struct track_place place)
{
	const struct track_slot *last = t->begin < t->end ? track_slot(t, t->end - 1) : NULL;

	if (!last) last = t->base.has_place ? &t->base : NULL;
	if (!last) return !t->hashed;
	if (t->hashed) return seconds_behind(place.b, last->place.b) >= -TRACK_TOLERANCE_S;
	return place.a > last->place.a || (place.a == last->place.a && place.b > last->place.b);
}

uint64_t
track_hash(unsigned kind, struct eio_bytes name, struct eio_bytes channel, struct eio_bytes payload)
{
	/* One inside the other, so that no two of different lengths run into each other. */
	uint64_t key[2] = { hash_key[0] ^ kind, hash_key[1] };

	key[0] = eio_hash_bytes(key, name);
	key[1] = eio_hash_bytes(key, channel);
	return eio_hash_bytes(key, payload);
}
