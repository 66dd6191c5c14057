/* SPDX-License-Identifier: MIT */
/* Retained messages: see the header for the picture. */
#include "src/feed/retain.h"

#include "eio/check.h"

#include <stdlib.h>

enum { ROUND_MESSAGE = 8 }; /* what a client gets around each message, at most */

/* Two lists are compared for so long, times the longer. */
enum { LOOKS = 64 };

/* One message. */
struct retain_entry {
	struct eio_hash_node node; /* in retain->keys, of RETAIN_BY_KEY only */
	struct eio_list in_state, in_all;
	struct retained *state;
	uint64_t at_ms; /* when it was settled */
	uint32_t key_n;
	uint32_t round; /* in which it was settled, or found to be what was read */
	size_t n, cap; /* of the payload */
	char data[]; /* the key, and behind it the payload */
};

/* How a note lies in the buffer; behind it the key. */
struct noted {
	size_t payload_n;
	uint32_t key_n;
	int what;
};

int
retain_init(struct retain *t, const struct retain_rules *rules, const uint64_t hash_key[2],
	void (*unused)(struct retained *s))
{
	*t = (struct retain){ .rules = *rules, .hash_key = { hash_key[0], hash_key[1] }, .unused = unused };
	eio_list_init(&t->entries);
	return eio_hash_init(&t->keys);
}

void
retain_deinit(struct retain *t)
{
	t->bytes -= heard_size(&t->heard);
	heard_deinit(&t->heard);
	CHECK(t->n == 0 && t->bytes == 0);
	eio_hash_deinit(&t->keys);
}

void
retained_init(struct retained *s, struct retain *t, size_t own_bytes)
{
	*s = (struct retained){ .all = t, .own_bytes = own_bytes, .number = t->states++, .in_use = true };
	eio_list_init(&s->entries);
	t->bytes += own_bytes;
}

/* Entries */

static size_t
cost_of(const struct retain_entry *e)
{
	return sizeof *e + e->key_n + e->cap;
}

static size_t
cost_of_new(size_t key_n, size_t payload_n)
{
	return sizeof(struct retain_entry) + key_n + payload_n;
}

static uint64_t
key_hash(const struct retained *s, struct eio_bytes key)
{
	/* Keys of one state differ by their bytes; those of others by the number. */
	uint64_t k[2] = { s->all->hash_key[0] ^ s->number, s->all->hash_key[1] };

	return eio_hash_bytes(k, key);
}

static struct retain_entry *
find_entry(const struct retained *s, struct eio_bytes key)
{
	for (struct eio_hash_node *n = eio_hash_find(&s->all->keys, key_hash(s, key)); n; n = eio_hash_next(n)) {
		struct retain_entry *e = EIO_CONTAINER(n, struct retain_entry, node);

		if (e->state == s && eio_bytes_eq(eio_bytes(e->data, e->key_n), key)) return e;
	}
	return NULL;
}

static void
drop_entry(struct retain_entry *e)
{
	struct retained *s = e->state;
	struct retain *t = s->all;

	if (t->rules.kind == RETAIN_BY_KEY) eio_hash_remove(&t->keys, &e->node);
	eio_list_remove(&e->in_state);
	eio_list_remove(&e->in_all);
	s->cut = true;
	s->n--;
	s->payload_bytes -= e->n + ROUND_MESSAGE;
	s->version++;
	t->n--;
	t->bytes -= cost_of(e);
	free(e);
	if (s->n == 0 && !s->in_use) t->unused(s);
}

static void
drop_first(struct eio_list *of_state)
{
	drop_entry(EIO_CONTAINER(of_state->next, struct retain_entry, in_state));
}

void
retained_deinit(struct retained *s)
{
	s->in_use = true;
	while (!eio_list_empty(&s->entries)) drop_first(&s->entries);
	s->all->bytes -= s->own_bytes;
	eio_buf_deinit(&s->notes);
}

void
retained_rest(struct retained *s)
{
	s->in_use = false;
	if (s->n == 0) s->all->unused(s);
}

/* Makes what was taken fit: first within its state, then within all. */
static void
bound_state(struct retained *s)
{
	struct retain *t = s->all;
	bool by_key = t->rules.kind == RETAIN_BY_KEY;

	for (; s->n > t->rules.max; t->dropped += by_key) drop_first(&s->entries);
	for (; s->payload_bytes > t->rules.state_bytes && s->n; t->dropped++) drop_first(&s->entries);
	for (; t->bytes > t->rules.bytes && t->n; t->dropped++)
		drop_entry(EIO_CONTAINER(t->entries.next, struct retain_entry, in_all));
}

static struct retain_entry *
new_entry(struct retained *s, struct eio_bytes key, size_t payload_n)
{
	struct retain *t = s->all;
	struct retain_entry *e = malloc(sizeof *e + key.n + payload_n);

	if (!e) return NULL;
	*e = (struct retain_entry){ .state = s, .key_n = (uint32_t)key.n, .cap = payload_n };
	eio_list_init(&e->in_state);
	eio_list_init(&e->in_all);
	if (key.n) memcpy(e->data, key.p, key.n);
	if (t->rules.kind == RETAIN_BY_KEY) eio_hash_add(&t->keys, &e->node, key_hash(s, key));
	s->n++;
	s->payload_bytes += ROUND_MESSAGE;
	t->n++;
	t->bytes += cost_of(e);
	return e;
}

/* The message whose place a new one takes, or NULL. */
static struct retain_entry *
old_message(const struct retained *s, struct eio_bytes key)
{
	if (s->all->rules.kind == RETAIN_BY_KEY) return find_entry(s, key);
	if (s->n < s->all->rules.max) return NULL;
	return EIO_CONTAINER(s->entries.next, struct retain_entry, in_state);
}

/* Puts a message in place of an old one, if there is one, and behind all of its state. */
static void
put_entry(struct retained *s, struct retain_entry *old, struct eio_bytes key, struct eio_bytes payload, uint64_t now)
{
	struct retain_entry *e = old;

	/* Prices are as long as the one before, mostly. */
	if (old && (payload.n > old->cap || payload.n < old->cap / 2)) {
		drop_entry(old);
		e = NULL;
	}
	if (!e) e = new_entry(s, key, payload.n);
	s->version++;
	if (!e) {
		s->all->dropped++;
		return;
	}
	s->payload_bytes += payload.n - e->n;
	e->n = payload.n;
	e->at_ms = now;
	e->round = s->all->round;
	if (payload.n) memcpy(e->data + e->key_n, payload.p, payload.n);
	eio_list_remove(&e->in_state);
	eio_list_add_tail(&s->entries, &e->in_state);
	eio_list_remove(&e->in_all);
	eio_list_add_tail(&s->all->entries, &e->in_all);
}

/* Batches */

/* Something of a key is on its way into the state. */
static void
note_heard(struct retained *s, const struct retain_note *note, size_t payload_n)
{
	struct retain *t = s->all;
	size_t before = heard_size(&t->heard);

	if (note->what == RETAIN_SKIP) return;
	heard_note(&t->heard, key_hash(s, note->key), t->portion);
	t->bytes += heard_size(&t->heard) - before;
	t->noted += cost_of_new(note->key.n, payload_n);
}

bool
retained_note(struct retained *s, const struct retain_note *note, size_t payload_n)
{
	struct noted noted = { .payload_n = payload_n, .key_n = (uint32_t)note->key.n, .what = note->what };

	if (!eio_buf_reserve(&s->notes, sizeof noted + note->key.n)) {
		s->notes.failed = false;
		return false;
	}
	eio_buf_append(&s->notes, &noted, sizeof noted);
	eio_buf_add(&s->notes, note->key);
	if (s->all->primings) note_heard(s, note, payload_n);
	return true;
}

static void
settle_message(
	struct retained *s, const struct noted *noted, struct eio_bytes key, struct eio_bytes payload, uint64_t now_ms)
{
	struct retain_entry *old;

	if (noted->what == RETAIN_SKIP) return;
	old = old_message(s, key);
	if (noted->what == RETAIN_KEEP)
		put_entry(s, old, key, payload, now_ms);
	else if (old)
		drop_entry(old);
	bound_state(s);
}

/* A message that was noted is settled. It may be from before the priming, and not counted. */
static void
forget_noted(struct retain *t, const struct noted *noted)
{
	size_t n = cost_of_new(noted->key_n, noted->payload_n);

	if (noted->what != RETAIN_SKIP) t->noted -= n < t->noted ? n : t->noted;
}

void
retained_settle(struct retained *s, struct eio_bytes batch, size_t before, size_t after, uint64_t now_ms)
{
	const char *p = s->notes.p, *end = p ? p + s->notes.n : p;
	struct noted noted;
	size_t at = 0;

	while (p < end) {
		memcpy(&noted, p, sizeof noted);
		p += sizeof noted;
		at += before;
		CHECK(at + noted.payload_n + after <= batch.n);
		settle_message(s, &noted, eio_bytes(p, noted.key_n), eio_bytes(batch.p + at, noted.payload_n), now_ms);
		if (s->all->noted) forget_noted(s->all, &noted);
		at += noted.payload_n + after;
		p += noted.key_n;
	}
	eio_buf_clear(&s->notes);
}

void
retained_put(struct retained *s, struct eio_bytes key, struct eio_bytes payload, uint64_t at_ms)
{
	put_entry(s, old_message(s, key), key, payload, at_ms);
	if (s->n) EIO_CONTAINER(s->entries.prev, struct retain_entry, in_state)->round = 0; /* older than any priming */
	if (s->all->primings) s->all->before++;
	bound_state(s);
}

/* Priming */

void
retain_prime_begin(struct retain *t)
{
	if (t->primings++ > 0) return;
	t->since = ++t->round;
	t->before = t->n;
}

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
	forget_heard(t);
}

uint32_t
retain_prime_round(struct retain *t)
{
	return ++t->round;
}

/* Drops what is from before and was neither heard of nor read. It lies in front of all that was settled since. */
static void
sweep_old(struct retain *t)
{
	size_t left = t->before;
	struct eio_list *next;
	uint32_t portion;

	for (struct eio_list *l = t->entries.next; left && l != &t->entries; l = next, left--) {
		struct retain_entry *e = EIO_CONTAINER(l, struct retain_entry, in_all);

		next = l->next;
		if (e->round >= t->since) continue;
		if (!heard_find(&t->heard, key_hash(e->state, eio_bytes(e->data, e->key_n)), &portion)) drop_entry(e);
	}
}

void
retain_prime_end(struct retain *t, bool sweep)
{
	CHECK(t->primings);
	if (sweep) sweep_old(t);
	if (--t->primings == 0) forget_heard(t);
}

/* Whether there is room for one more message without one of another key going; with what is noted, at least. */
static enum retain_primed
room_for(const struct retained *s, struct eio_bytes key, struct eio_bytes payload)
{
	const struct retain *t = s->all;
	size_t noted_n = s->notes.n / sizeof(struct noted), more = payload.n + ROUND_MESSAGE;
	bool fits = t->rules.kind != RETAIN_BY_KEY || s->n + noted_n < t->rules.max;

	fits = fits && s->payload_bytes + t->noted + noted_n * ROUND_MESSAGE + more <= t->rules.state_bytes;
	fits = fits && t->bytes + t->noted + cost_of_new(key.n, payload.n) <= t->rules.bytes;
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
	if (heard_find(&t->heard, key_hash(s, note->key), &portion))
		return portion && portion == t->portion ? RETAIN_PRIMED_NEW : RETAIN_PRIMED_OLD;
	e = by_key ? find_entry(s, note->key)
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
	eio_list_remove(&e->in_all);
	eio_list_add_tail(&s->all->entries, &e->in_all);
}

void
retained_replace(struct retained *s, const struct eio_bytes *v, size_t n, uint32_t round, uint64_t now_ms)
{
	size_t later = 0;

	CHECK(s->in_use && s->all->rules.kind == RETAIN_NEWEST);
	while (!eio_list_empty(&s->entries) && entry_in_state(s->entries.next)->round < round) drop_first(&s->entries);
	s->cut = false;
	later = s->n;
	for (size_t i = 0; i < n; i++) put_entry(s, NULL, EIO_LIT(""), v[i], now_ms);
	while (later--) move_back(s, now_ms);
	bound_state(s);
}

/* Time, and what there is */

static const struct retain_entry *
oldest(const struct retain *t)
{
	return eio_list_empty(&t->entries) ? NULL : EIO_CONTAINER(t->entries.next, struct retain_entry, in_all);
}

uint64_t
retain_deadline(const struct retain *t)
{
	const struct retain_entry *e = t->rules.ttl_ms ? oldest(t) : NULL;

	return e ? e->at_ms + t->rules.ttl_ms : UINT64_MAX;
}

void
retain_expire(struct retain *t, uint64_t now_ms)
{
	while (retain_deadline(t) <= now_ms) drop_entry(EIO_CONTAINER(t->entries.next, struct retain_entry, in_all));
}

bool
retained_next(const struct retained *s, const struct eio_list **at, struct eio_bytes *payload)
{
	const struct eio_list *next = *at ? (*at)->next : s->entries.next;
	struct retain_entry *e;

	*at = next;
	if (next == &s->entries) return false;
	e = EIO_CONTAINER((struct eio_list *)next, struct retain_entry, in_state);
	*payload = eio_bytes(e->data + e->key_n, e->n);
	return true;
}

bool
retain_next(const struct retain *t, const struct eio_list **at, struct retain_item *out)
{
	const struct eio_list *next = *at ? (*at)->next : t->entries.next;
	struct retain_entry *e;

	*at = next;
	if (next == &t->entries) return false;
	e = EIO_CONTAINER((struct eio_list *)(uintptr_t)next, struct retain_entry, in_all);
	*out = (struct retain_item){ .state = e->state,
		.key = eio_bytes(e->data, e->key_n),
		.payload = eio_bytes(e->data + e->key_n, e->n),
		.at_ms = e->at_ms };
	return true;
}
