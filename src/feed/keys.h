/* SPDX-License-Identifier: MIT */
/*
 * What the messages of a broadcast are about, and where each of them lies in it: for feeds with `"slow":
 * {"latestPer": …}`. So a worker can tell for a client that is behind which of them are still the newest of their key,
 * and put those together, without knowing anything of the feed.
 *
 *     [ {"s":"A",…} , {"s":"B",…} ]        the payload, wherever it lies in the packet
 *       │             │            └ end
 *       at, key of A  at, key of B
 *
 * Keys are compared by a hash of 64 bits under a random key: among a million keys two are taken for one with a
 * probability of 1 to 37 million, and nobody can aim at it.
 *
 * Threads: made by the feed's; immutable then, with an atomic reference count.
 */
#ifndef SRC_FEED_KEYS_H
#define SRC_FEED_KEYS_H

#include "eio/buf.h"
#include "eio/bundle.h"
#include "src/feed/spec.h"

#include <stdatomic.h>
#include <stdint.h>

/* A message: where it begins, and the hash of its key, or FEED_KEY_NONE for one that has none and replaces nothing. */
struct feed_mark {
	size_t at;
	uint64_t key;
};

#define FEED_KEY_NONE 0

struct feed_keys {
	atomic_uint refs;
	size_t max; /* keys that are kept for one stream */
	bool whole; /* there is one message, and the packets are it: nothing can be put beside it */
	bool list; /* messages have a comma between them and brackets around them */
	bool columns; /* that list is what is encoded, brackets and all */
	size_t packet; /* of the bundle: the one with the payload */
	size_t begin, end; /* of the messages in its data; with columns: of the list */
	size_t last; /* where the last message ends, counted as `at` */
	char *array; /* owned: the messages of columns that were encoded; else NULL */
	size_t array_n;
	size_t n;
	struct feed_mark v[]; /* `at` counts from the beginning of its data, or of the array */
};

/* The hash of a message's key: of the value at the feed's pointer in JSON that was checked. Strings are the same when
 * they mean the same characters, all else when it is written in the same way. False when out of memory. */
bool feed_key_of(const uint64_t hash_key[2], const struct feed_spec *f, struct eio_bytes message, uint64_t *key);

/* Notes a message that will begin there in the content of a batch. False when out of memory. */
bool feed_marks_add(struct eio_buf *marks, size_t at, uint64_t key);

struct feed_content;

/* The keys of a bundle that sio_broadcast_bundle() made of a content with marks, with one reference. offset: the size
 * of the offset behind the payload, 0 without one. NULL when out of memory. */
struct feed_keys *feed_keys_new(
	const struct feed_spec *f, const struct feed_content *content, const struct eio_bundle *bundle, size_t offset);

/* What they take, in bytes; NULL takes nothing. */
static inline size_t
feed_keys_size(const struct feed_keys *k)
{
	return k ? sizeof *k + k->n * sizeof k->v[0] + k->array_n : 0;
}

/* Any thread; NULL is fine. */
struct feed_keys *feed_keys_ref(struct feed_keys *k);
void feed_keys_unref(struct feed_keys *k);

#endif
