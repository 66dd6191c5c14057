/* SPDX-License-Identifier: MIT */
/*
 * Who listens where: for each (namespace, room) pair, and for everyone of a
 * namespace, the set of workers that have members. Workers say when the first
 * member comes and the last one goes; the feed thread asks before it encodes
 * anything, so that rooms nobody listens to cost nothing.
 *
 * Threads: one registry for all. A mutex guards looking up by name; the set of
 * workers in an entry is one atomic word, so whoever holds a reference reads it
 * without a lock. A broadcast that races with a join may or may not reach that
 * member, as with any join; one that starts after interest_set returned does.
 */
#ifndef SRC_FEED_INTEREST_H
#define SRC_FEED_INTEREST_H

#include "eio/bytes.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "sio/room.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct interest_table;

/* What the feed remembers of a pair where clients can be recovered. The feed's thread only. */
struct interest_past {
	struct eio_list traces; /* of struct history_trace: what went there, the oldest first; each has a reference */
	uint64_t forgotten; /* the serial number of the last one that is not there any more; 0: all are */
	uint64_t held; /* bit w: worker w is about to have members */
	uint64_t number; /* counted from 1, while it is written down; else 0 */
	struct eio_list notes; /* of struct journal_trace: messages for it, the oldest first; each has a reference */
};

/* One pair. Everything but refs, workers, kept and past is immutable. */
struct interest {
	struct eio_hash_node node; /* {table.lock} */
	struct interest_table *table;
	atomic_uint refs;
	atomic_uint kept; /* sessions of clients that were members and may come back */
	_Atomic uint64_t workers; /* bit w: worker w has members */
	struct interest_past past;
	struct sio_room_key key; /* the bytes lie in data */
	char data[];
};

/* NULL when out of memory. */
struct interest_table *interest_table_new(void);

/* Frees the table; every reference must have been given back. */
void interest_table_free(struct interest_table *t);

/* The entry of a pair, made when it is new, with a reference for the caller. NULL when out of memory. Takes the lock:
 * keep the reference where this happens often. */
struct interest *interest_get(struct interest_table *t, struct sio_room_key key);
struct interest *interest_ref(struct interest *i);
void interest_unref(struct interest *i); /* NULL is fine */

/* The workers that have members of a pair now, one bit each. Takes the lock, and makes no entry. */
uint64_t interest_of(struct interest_table *t, struct sio_room_key key);

/* Worker w got its first member of the pair, or lost its last. Only worker w calls them for w; setting twice
 * or clearing what is not set does nothing. The bit itself holds a reference, so the caller keeps none.
 * 0, or -1 when out of memory. */
int interest_set(struct interest_table *t, unsigned w, struct sio_room_key key);
void interest_clear(struct interest_table *t, unsigned w, struct sio_room_key key);

/* The workers that have members now, one bit each. No lock. */
static inline uint64_t
interest_workers(const struct interest *i)
{
	return atomic_load_explicit(&i->workers, memory_order_acquire);
}

/* The entry of a pair for a session that is kept, which holds the reference; and the end of that. Any thread. NULL when
 * out of memory. */
struct interest *interest_keep(struct interest_table *t, struct sio_room_key key);
void interest_let_go(struct interest *i);

/* Whether somebody may come back to it. No lock. */
static inline bool
interest_is_kept(const struct interest *i)
{
	return atomic_load_explicit(&i->kept, memory_order_acquire) > 0;
}

/* Tells somebody of each pair that gets its first member here, or has lost its last; kept: also of one that somebody
 * may come back to from now on. On the thread that does that, so what is so later may be so already. Before there are
 * threads; by at most INTEREST_WATCHERS. `told` may take references. The second ends that, behind all threads. */
enum { INTEREST_WATCHERS = 3 };
void interest_watch(struct interest_table *t, bool kept, void (*told)(void *user, struct interest *i), void *user);
void interest_unwatch(struct interest_table *t, const void *user);

/* All pairs whose key is wanted, each with a reference, as *out, which is from malloc. `wanted` always says the same of
 * a key; the lock is held meanwhile, so it may call nothing of this. Returns how many, or -1 when out of memory, and
 * *out is NULL then. */
ssize_t interest_collect(struct interest_table *t, bool (*wanted)(const void *ctx, struct sio_room_key key),
	const void *ctx, struct interest ***out);

/* How many pairs are known. */
size_t interest_count(struct interest_table *t);

#endif
