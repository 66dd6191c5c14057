/* SPDX-License-Identifier: MIT */
/*
 * Of which keys something was heard, while what is retained is read from Redis: see primed.h. A set of hashes by a
 * secret key, each with a number; two keys that share 64 bits are taken for one, of which the state may lack one value
 * then until the next message: one in 30 million for a million keys. It is many small tables, of which one grows at a
 * time, so that nothing waits while a large one is copied.
 *
 * Threads: one at a time.
 */
#ifndef SRC_FEED_HEARD_H
#define SRC_FEED_HEARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heard_part;

/* All zero: of none. */
struct heard {
	struct heard_part *parts; /* owned, or NULL */
	size_t bytes;
	size_t forgotten; /* so many of its tables, from the first on, while it is forgotten bit by bit */
	bool all; /* memory ran out: of every key, as nobody knows which */
};

/* Forgets all. */
void heard_deinit(struct heard *h);

/* Forgets some, so much that it takes no long; whether there is more. For what comes last, when nobody asks any more:
 * what is noted meanwhile is forgotten, too. */
bool heard_forget_some(struct heard *h);

/* Something of a key was heard, whose number is that from now on. */
void heard_note(struct heard *h, uint64_t hash, uint32_t number);

/* Whether something was; and its number. */
bool heard_find(const struct heard *h, uint64_t hash, uint32_t *number);

/* Bytes of memory. */
size_t heard_size(const struct heard *h);

#endif
