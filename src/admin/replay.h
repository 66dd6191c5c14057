/* SPDX-License-Identifier: MIT */
/*
 * What was answered to requests with an Idempotency-Key: who did not hear the answer asks again with the same key, and
 * gets it, but nothing is published twice. Bounded: the oldest key is forgotten for a new one.
 *
 * Threads: its owner's.
 */
#ifndef SRC_ADMIN_REPLAY_H
#define SRC_ADMIN_REPLAY_H

#include "eio/bytes.h"

#include <stdint.h>

enum {
	ADMIN_REPLAY_KEYS = 4096, /* remembered at once */
	ADMIN_REPLAY_KEY_BYTES = 255, /* of one key */
};

enum admin_replay_result {
	ADMIN_REPLAY_NEW, /* such a key was not seen in the window */
	ADMIN_REPLAY_AGAIN, /* it was, with the same body */
	ADMIN_REPLAY_OTHER /* it was, with another body */
};

struct admin_replay;

/* Remembers keys for window_ms. hash_key: 16 random bytes. NULL when out of memory. */
struct admin_replay *admin_replay_new(uint64_t window_ms, const uint64_t hash_key[2]);
void admin_replay_free(struct admin_replay *r); /* NULL is fine */

/* Looks for a key of up to ADMIN_REPLAY_KEY_BYTES; with AGAIN *count is what it was remembered with. */
enum admin_replay_result admin_replay_find(
	struct admin_replay *r, struct eio_bytes key, struct eio_bytes body, uint64_t now_ms, size_t *count);

/* Remembers a new key, and how many things its request published. 0, or -1 when out of memory. */
int admin_replay_add(
	struct admin_replay *r, struct eio_bytes key, struct eio_bytes body, uint64_t now_ms, size_t count);

#endif
