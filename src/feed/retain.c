/* SPDX-License-Identifier: MIT */
/* Retained messages: see the header for the picture. */
#include "src/feed/retain_int.h"

#include "eio/check.h"

#include <stdlib.h>

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

size_t
retain_cost(size_t key_n, size_t payload_n)
{
	return sizeof(struct retain_entry) + key_n + payload_n;
}

uint64_t
retain_key_hash(const struct retained *s, struct eio_bytes key)
{
	/* Keys of one state differ by their bytes; those of others by the number. */
	uint64_t k[2] = { s->all->hash_key[0] ^ s->number, s->all->hash_key[1] };

	return eio_hash_bytes(k, key);
}

struct retain_entry *
retain_find(const struct retained *s, struct eio_bytes key)
{
	for (struct eio_hash_node *n = eio_hash_find(&s->all->keys, retain_key_hash(s, key)); n; n = eio_hash_next(n)) {
		struct retain_entry *e = EIO_CONTAINER(n, struct retain_entry, node);

		if (e->state == s && eio_bytes_eq(eio_bytes(e->data, e->key_n), key)) return e;
	}
	return NULL;
}

void
retain_leave_all(struct retain_entry *e)
{
	struct retain *t = e->state->all;

	if (t->sweep == &e->in_all) t->sweep = e->in_all.next;
	eio_list_remove(&e->in_all);
}

void
retain_drop(struct retain_entry *e)
{
	struct retained *s = e->state;
	struct retain *t = s->all;

	if (t->rules.kind == RETAIN_BY_KEY) eio_hash_remove(&t->keys, &e->node);
	eio_list_remove(&e->in_state);
	retain_leave_all(e);
	s->cut = true;
	s->n--;
	s->payload_bytes -= e->n + RETAIN_ROUND;
	s->version++;
	t->n--;
	t->bytes -= cost_of(e);
	free(e);
	if (s->n == 0 && !s->in_use) t->unused(s);
}

void
retain_drop_first(struct eio_list *of_state)
{
	retain_drop(EIO_CONTAINER(of_state->next, struct retain_entry, in_state));
}

void
retained_deinit(struct retained *s)
{
	s->in_use = true;
	while (!eio_list_empty(&s->entries)) retain_drop_first(&s->entries);
	s->all->bytes -= s->own_bytes;
	eio_buf_deinit(&s->notes);
}

void
retained_rest(struct retained *s)
{
	s->in_use = false;
	if (s->n == 0) s->all->unused(s);
}

void
retain_bound(struct retained *s)
{
	struct retain *t = s->all;
	bool by_key = t->rules.kind == RETAIN_BY_KEY;

	for (; s->n > t->rules.max; t->dropped += by_key) retain_drop_first(&s->entries);
	for (; s->payload_bytes > t->rules.state_bytes && s->n; t->dropped++) retain_drop_first(&s->entries);
	for (; t->bytes > t->rules.bytes && t->n; t->dropped++)
		retain_drop(EIO_CONTAINER(t->entries.next, struct retain_entry, in_all));
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
	if (t->rules.kind == RETAIN_BY_KEY) eio_hash_add(&t->keys, &e->node, retain_key_hash(s, key));
	s->n++;
	s->payload_bytes += RETAIN_ROUND;
	t->n++;
	t->bytes += cost_of(e);
	return e;
}

/* The message whose place a new one takes, or NULL. */
static struct retain_entry *
old_message(const struct retained *s, struct eio_bytes key)
{
	if (s->all->rules.kind == RETAIN_BY_KEY) return retain_find(s, key);
	if (s->n < s->all->rules.max) return NULL;
	return EIO_CONTAINER(s->entries.next, struct retain_entry, in_state);
}

void
retain_put(struct retained *s, struct retain_entry *old, struct eio_bytes key, struct eio_bytes payload, uint64_t now)
{
	struct retain_entry *e = old;

	/* Prices are as long as the one before, mostly. */
	if (old && (payload.n > old->cap || payload.n < old->cap / 2)) {
		retain_drop(old);
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
	retain_leave_all(e);
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
	heard_note(&t->heard, retain_key_hash(s, note->key), t->portion);
	t->bytes += heard_size(&t->heard) - before;
	t->noted += retain_cost(note->key.n, payload_n);
}

bool
retained_note(struct retained *s, const struct retain_note *note, size_t payload_n)
{
	struct retain_noted noted = { .payload_n = payload_n, .key_n = (uint32_t)note->key.n, .what = note->what };

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
settle_message(struct retained *s, const struct retain_noted *noted, struct eio_bytes key, struct eio_bytes payload,
	uint64_t now_ms)
{
	struct retain_entry *old;

	if (noted->what == RETAIN_SKIP) return;
	old = old_message(s, key);
	if (noted->what == RETAIN_KEEP)
		retain_put(s, old, key, payload, now_ms);
	else if (old)
		retain_drop(old);
	retain_bound(s);
}

/* A message that was noted is settled. It may be from before the priming, and not counted. */
static void
forget_noted(struct retain *t, const struct retain_noted *noted)
{
	size_t n = retain_cost(noted->key_n, noted->payload_n);

	if (noted->what != RETAIN_SKIP) t->noted -= n < t->noted ? n : t->noted;
}

void
retained_settle(struct retained *s, struct eio_bytes batch, size_t before, size_t after, uint64_t now_ms)
{
	const char *p = s->notes.p, *end = p ? p + s->notes.n : p;
	struct retain_noted noted;
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
	retain_put(s, old_message(s, key), key, payload, at_ms);
	if (s->n) EIO_CONTAINER(s->entries.prev, struct retain_entry, in_state)->round = 0; /* older than any priming */
	if (s->all->primings) s->all->before++;
	retain_bound(s);
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
	while (retain_deadline(t) <= now_ms) retain_drop(EIO_CONTAINER(t->entries.next, struct retain_entry, in_all));
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
