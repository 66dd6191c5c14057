/* SPDX-License-Identifier: MIT */
/*
 * Which channels there are to be. A namespace has one while it is one of those of which we are a server, or has clients
 * here; in the dialect of sharded Pub/Sub, which has no patterns, each room with clients here has one, too.
 */
#include "src/adapter/adapter_int.h"

#include <stdlib.h>
#include <string.h>

/* A pair that has clients here, and a channel therefore. */
struct adapter_heard {
	struct eio_hash_node node; /* in adapter->heard, by its address */
	struct interest *pair; /* a reference */
};

/* On its way from a worker: something is different with a pair. */
struct adapter_note {
	struct mail mail;
	struct interest *pair; /* a reference */
};

/* Channels */

static bool
hears_rooms(const struct adapter *a)
{
	return a->options.spec->dialects.heard[ADAPTER_SHARDED] && a->options.spec->rooms_mode != ADAPTER_ROOMS_STATIC;
}

/* "K<middle>N#", and with a room "R#". */
static struct eio_bytes
channel_name(struct adapter *a, const char *middle, struct eio_bytes nsp, const struct eio_bytes *room)
{
	struct eio_buf *b = &a->scratch;

	eio_buf_clear(b);
	eio_buf_add(b, eio_cstr(a->options.spec->key));
	eio_buf_add(b, eio_cstr(middle));
	eio_buf_add(b, nsp);
	eio_buf_addc(b, '#');
	if (room) eio_buf_add(b, *room);
	if (room) eio_buf_addc(b, '#');
	return eio_buf_failed(b) ? (struct eio_bytes){ 0 } : eio_buf_bytes(b);
}

/* Wants a channel, or does not any more. False when out of memory. */
static bool
change_channel(struct adapter *a, bool on, enum redis_channel_kind kind, struct eio_bytes name)
{
	if (!name.p) return false;
	if (on) return movable_want(a->channels, kind, name) == 0;
	movable_leave(a->channels, kind, name);
	return true;
}

/* The same with the channels of a namespace. named: it is one of those of the configuration. */
static bool
change_namespace(struct adapter *a, bool on, struct eio_bytes nsp, bool named)
{
	bool member = a->options.spec->mode == ADAPTER_MEMBER;
	bool sharded = a->options.spec->dialects.heard[ADAPTER_SHARDED], ok = true;

	/* Whoever hears sharded Pub/Sub is counted, and only a member is where there is nobody. */
	if (sharded && (!named || adapter__is_member(a, ADAPTER_SHARDED)))
		ok &= change_channel(a, on, REDIS_CHANNEL_SHARD, channel_name(a, "#", nsp, NULL));
	if (member && a->options.spec->dialects.first == ADAPTER_CLASSIC)
		ok &= change_channel(a, on, REDIS_CHANNEL, channel_name(a, "-request#", nsp, NULL));
	if (member && a->options.spec->dialects.first == ADAPTER_STREAMS)
		ok &= change_channel(a, on, REDIS_CHANNEL, channel_name(a, "#", nsp, NULL));
	return ok;
}

static bool
change_pair(struct adapter *a, bool on, const struct interest *i)
{
	if (i->key.everyone) return change_namespace(a, on, i->key.nsp, false);
	return change_channel(a, on, REDIS_CHANNEL_SHARD, channel_name(a, "#", i->key.nsp, &i->key.name));
}

static void
log_no_memory(struct adapter *a)
{
	log_limited(LOG_LEVEL_ERROR, &a->limit, uv_now(&a->options.thread->loop),
		"redis=%s event=not-subscribed error=\"out of memory\"", a->options.redis->name);
}

/* Pairs with clients */

static void
on_pair_changed(void *user, struct interest *i)
{
	struct adapter *a = adapter__of(user);
	struct adapter_note *note;

	if (i->key.aside) return;
	if (!i->key.everyone && !(hears_rooms(a) && adapter_room_is_apart(a->options.spec->rooms_mode, i->key.name)))
		return;
	note = malloc(sizeof *note);
	if (!note) {
		atomic_fetch_add_explicit(&a->unnoted, 1, memory_order_relaxed);
		return;
	}
	note->pair = interest_ref(i);
	mail_post(&a->watched, &note->mail);
}

static uint64_t
hash_of_pair(const struct interest *i)
{
	return (uint64_t)(uintptr_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 16;
}

static struct adapter_heard *
find_heard(const struct adapter *a, const struct interest *i)
{
	for (struct eio_hash_node *n = eio_hash_find(&a->heard, hash_of_pair(i)); n; n = eio_hash_next(n)) {
		struct adapter_heard *h = EIO_CONTAINER(n, struct adapter_heard, node);

		if (h->pair == i) return h;
	}
	return NULL;
}

static void
begin_hearing(struct adapter *a, struct interest *i)
{
	struct adapter_heard *h = malloc(sizeof *h);

	if (!h || !change_pair(a, true, i)) {
		free(h);
		log_no_memory(a);
		return;
	}
	h->pair = interest_ref(i);
	eio_hash_add(&a->heard, &h->node, hash_of_pair(i));
}

static void
end_hearing(struct adapter *a, struct adapter_heard *h)
{
	if (!change_pair(a, false, h->pair)) log_no_memory(a);
	eio_hash_remove(&a->heard, &h->node);
	interest_unref(h->pair);
	free(h);
}

/* What is so now counts: the last note about a pair comes behind its last change. */
static void
take_note(struct adapter *a, struct interest *i)
{
	struct adapter_heard *h = find_heard(a, i);
	bool has = interest_workers(i) != 0;

	if (has && !h) begin_hearing(a, i);
	if (!has && h) end_hearing(a, h);
}

void
adapter__take_watched(void *user, struct mail *run)
{
	struct adapter *a = adapter__of(user);
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct adapter_note *note = EIO_CONTAINER(m, struct adapter_note, mail);

		next = m->next;
		if (a->channels) take_note(a, note->pair);
		interest_unref(note->pair);
		free(note);
	}
	if (atomic_exchange_explicit(&a->unnoted, 0, memory_order_relaxed)) log_no_memory(a);
	if (a->channels) movable_flush(a->channels);
}

void
adapter__watch(struct adapter *a)
{
	if (a->options.spec->mode != ADAPTER_MEMBER && !a->options.spec->dialects.heard[ADAPTER_SHARDED]) return;
	interest_watch(a->options.interest, false, on_pair_changed, a);
}

void
adapter__forget_heard(struct adapter *a)
{
	EIO_HASH_FOREACH_SAFE(n, next, &a->heard)
	{
		struct adapter_heard *h = EIO_CONTAINER(n, struct adapter_heard, node);

		eio_hash_remove(&a->heard, n);
		interest_unref(h->pair);
		free(h);
	}
}

/* Names of the configuration */

void
adapter__names_free(struct adapter_names *names)
{
	if (!names) return;
	for (size_t i = 0; i < names->n; i++) free(names->v[i]);
	free(names->v);
	free(names);
}

struct adapter_names *
adapter__names_new(const char *const *names, size_t n)
{
	struct adapter_names *copy = calloc(1, sizeof *copy);

	if (!copy) return NULL;
	copy->v = calloc(n + 1, sizeof *copy->v);
	for (; copy->v && copy->n < n; copy->n++)
		if (!(copy->v[copy->n] = strdup(names[copy->n]))) break;
	if (copy->v && copy->n == n) return copy;
	adapter__names_free(copy);
	return NULL;
}

static bool
change_names(struct adapter *a, bool on, const struct adapter_names *names)
{
	bool ok = true;

	for (size_t i = 0; i < names->n; i++) ok &= change_namespace(a, on, eio_cstr(names->v[i]), true);
	return ok;
}

bool
adapter__want_names(struct adapter *a)
{
	return !a->names || change_names(a, true, a->names);
}

/* Those that are wanted before and after are not left. */
void
adapter__take_named(void *user, struct mail *run)
{
	struct adapter *a = adapter__of(user);
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct adapter_names *names = EIO_CONTAINER(m, struct adapter_names, mail), *before = a->names;

		next = m->next;
		a->names = names;
		if (a->channels && !adapter__want_names(a)) log_no_memory(a);
		if (a->channels && before) change_names(a, false, before);
		adapter__names_free(before);
	}
	if (a->channels) movable_flush(a->channels);
}
