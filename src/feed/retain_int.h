/* SPDX-License-Identifier: MIT */
/*
 * Entries of what is retained, for the files that put them there: retain.c what is flushed, retain_prime.c what was
 * read.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_RETAIN_INT_H
#define SRC_FEED_RETAIN_INT_H

#include "src/feed/retain.h"

enum { RETAIN_ROUND = 8 }; /* what a client gets around each message, at most */

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
struct retain_noted {
	size_t payload_n;
	uint32_t key_n;
	int what;
};

/* What an entry of such a key and payload takes. */
size_t retain_cost(size_t key_n, size_t payload_n);

/* By which the key of a state is found, among those of all states. */
uint64_t retain_key_hash(const struct retained *s, struct eio_bytes key);
struct retain_entry *retain_find(const struct retained *s, struct eio_bytes key);

/* Puts a message in place of an old one, if there is one, and behind all of its state. Out of memory: it is dropped. */
void retain_put(
	struct retained *s, struct retain_entry *old, struct eio_bytes key, struct eio_bytes payload, uint64_t now_ms);

/* Makes what was put fit: first within its state, then within all. */
void retain_bound(struct retained *s);

/* Drops one; or the first of a state. The state may be gone then, if it is not in use. */
void retain_drop(struct retain_entry *e);
void retain_drop_first(struct eio_list *of_state);

/* Takes one out of the list of all, past whose places a sweep may be on its way. */
void retain_leave_all(struct retain_entry *e);

#endif
