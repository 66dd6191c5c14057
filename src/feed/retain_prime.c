/* SPDX-License-Identifier: MIT */
/* What was read against what is retained, by key and as a list; and what is dropped because it was not read. */
#include "src/feed/retain_int.h"

#include "eio/check.h"

/* Two lists are compared for so long, times the longer. */
enum { LOOKS = 64 };

static void
forget_heard(struct retain *t)
{
	t->bytes -= heard_size(&t->heard);
	heard_deinit(&t->heard);
	t->noted = 0;
}

void
retain_prime_renew(struct retain *t)
{
	t->since = ++t->round;
	t->before = t->n;
	t->sweep = NULL;
	forget_heard(t);
}

void
retain_prime_begin(struct retain *t)
{
	t->primings++;
	retain_prime_renew(t);
}

uint32_t
retain_prime_round(struct retain *t)
{
	return ++t->round;
}

/* Whether it is from before, and was neither heard of nor read. */
static bool
is_gone(const struct retain *t, const struct retain_entry *e)
{
	uint32_t portion;

	if (e->round >= t->since) return false;
	return !heard_find(&t->heard, retain_key_hash(e->state, eio_bytes(e->data, e->key_n)), &portion);
}

bool
retain_prime_sweep(struct retain *t, size_t n)
{
	if (!t->sweep) {
		t->sweep = t->entries.next;
		t->sweep_left = t->before; /* they lie in front of all that was settled since */
	}
	for (; n && t->sweep_left && t->sweep != &t->entries; n--, t->sweep_left--) {
		struct retain_entry *e = EIO_CONTAINER(t->sweep, struct retain_entry, in_all);

		t->sweep = t->sweep->next;
		if (is_gone(t, e)) retain_drop(e);
	}
	return t->sweep_left && t->sweep != &t->entries;
}

bool
retain_prime_forget(struct retain *t)
{
	size_t before = heard_size(&t->heard);
	bool more = t->primings == 1 && heard_forget_some(&t->heard);

	t->bytes -= before - heard_size(&t->heard);
	return more;
}

void
retain_prime_end(struct retain *t)
{
	CHECK(t->primings);
	t->sweep = NULL;
	if (--t->primings == 0) forget_heard(t);
}

/* Whether there is room for one more message without one of another key going; with what is noted, at least. */
static enum retain_primed
room_for(const struct retained *s, struct eio_bytes key, struct eio_bytes payload)
{
	const struct retain *t = s->all;
	size_t noted_n = s->notes.n / sizeof(struct retain_noted), more = payload.n + RETAIN_ROUND;
	bool fits = t->rules.kind != RETAIN_BY_KEY || s->n + noted_n < t->rules.max;

	fits = fits && s->payload_bytes + t->noted + noted_n * RETAIN_ROUND + more <= t->rules.state_bytes;
	fits = fits && t->bytes + t->noted + retain_cost(key.n, payload.n) <= t->rules.bytes;
	if (fits) return RETAIN_PRIMED_NEW;
	return t->noted ? RETAIN_PRIMED_UNSURE : RETAIN_PRIMED_FULL;
}

enum retain_primed
retained_primes(struct retained *s, const struct retain_note *note, struct eio_bytes payload)
{
	struct retain *t = s->all;
	bool by_key = t->rules.kind == RETAIN_BY_KEY;
	struct retain_entry *e;
	uint32_t portion;

	if (note->what == RETAIN_SKIP) return RETAIN_PRIMED_OLD;
	if (heard_find(&t->heard, retain_key_hash(s, note->key), &portion))
		return portion && portion == t->portion ? RETAIN_PRIMED_NEW : RETAIN_PRIMED_OLD;
	e = by_key ? retain_find(s, note->key)
	    : s->n ? EIO_CONTAINER(s->entries.prev, struct retain_entry, in_state)
		   : NULL;
	if (note->what == RETAIN_REMOVE) return e ? RETAIN_PRIMED_NEW : RETAIN_PRIMED_OLD;
	if (!e) return room_for(s, note->key, payload);
	if (!eio_bytes_eq(eio_bytes(e->data + e->key_n, e->n), payload)) return RETAIN_PRIMED_NEW;
	e->round = t->round;
	return RETAIN_PRIMED_OLD;
}

/* Lists */

static const struct retain_entry *
entry_in_state(const struct eio_list *in_state)
{
	return EIO_CONTAINER((struct eio_list *)in_state, struct retain_entry, in_state);
}

/* The last of n that is that entry, as 1 to n; 0: none is. */
static size_t
find_from_behind(const struct retain_entry *e, const struct eio_bytes *v, size_t n, size_t *budget)
{
	struct eio_bytes payload = eio_bytes(e->data + e->key_n, e->n);

	for (; n && *budget; n--, --*budget)
		if (eio_bytes_eq(payload, v[n - 1])) return n;
	return 0;
}

bool
retained_lacks(const struct retained *s, const struct eio_bytes *v, size_t n, uint32_t round, bool *lacks)
{
	bool cut = s->cut || s->n >= s->all->rules.max, heard = false, alike = false;
	size_t budget = n * LOOKS, found;

	for (size_t i = 0; i < n; i++) lacks[i] = true;
	for (const struct eio_list *at = s->entries.prev; at != &s->entries; at = at->prev) {
		const struct retain_entry *e = entry_in_state(at);

		if (e->round >= round) continue;
		heard |= e->round >= s->all->since;
		found = find_from_behind(e, v, n, &budget);
		if (!found) continue;
		alike = true;
		n = found - 1;
		lacks[n] = false;
	}
	/* All that is retained came later. */
	alike |= s->n == 0 || entry_in_state(s->entries.next)->round >= round;
	/* What is in front of it was retained, too, and is gone; or it takes too long to tell: nothing comes twice. */
	for (size_t i = 0; ((cut && alike) || !budget) && i < n; i++) lacks[i] = false;
	return heard;
}

/* Moves the first of a state behind its last. */
static void
move_back(struct retained *s, uint64_t now_ms)
{
	struct retain_entry *e = EIO_CONTAINER(s->entries.next, struct retain_entry, in_state);

	e->at_ms = now_ms;
	eio_list_remove(&e->in_state);
	eio_list_add_tail(&s->entries, &e->in_state);
	retain_leave_all(e);
	eio_list_add_tail(&s->all->entries, &e->in_all);
}

void
retained_replace(struct retained *s, const struct eio_bytes *v, size_t n, uint32_t round, uint64_t now_ms)
{
	size_t later = 0;

	CHECK(s->in_use && s->all->rules.kind == RETAIN_NEWEST);
	while (!eio_list_empty(&s->entries) && entry_in_state(s->entries.next)->round < round)
		retain_drop_first(&s->entries);
	s->cut = false;
	later = s->n;
	for (size_t i = 0; i < n; i++) retain_put(s, NULL, EIO_LIT(""), v[i], now_ms);
	while (later--) move_back(s, now_ms);
	retain_bound(s);
}
