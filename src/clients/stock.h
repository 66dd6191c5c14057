/* SPDX-License-Identifier: MIT */
/*
 * The messages of one stream that are the newest of their keys, in their order. Those of a small batch are copied. A
 * large one is held as it came, and its messages are places in it, for as long as half of its bytes are still
 * somebody's newest; what is left of it then is copied, and it goes.
 *
 *     hold    ▓▓▓▓▓▓▓░░░░▓▓▓▓▓▓    ▓ the newest of a key    ░ replaced: less than half of it
 *             ▲          ▲
 *             message    message
 *
 * So a batch that replaces most keys costs no copying, and what is held is never more than twice what it is worth.
 *
 * Threads: the worker's only.
 */
#ifndef SRC_CLIENTS_STOCK_H
#define SRC_CLIENTS_STOCK_H

#include "eio/bundle.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "src/feed/keys.h"

#include <stdbool.h>
#include <stdint.h>

enum { STOCK_HOLD_BYTES = 4096 }; /* a batch with fewer is copied: a hold would cost about as much */

struct stock_hold;

/* A message that is the newest of its key. */
struct stock_message {
	struct eio_hash_node node; /* by key, unless it has none */
	struct eio_list link; /* in stock->order */
	struct eio_list held; /* in hold->messages */
	struct stock_hold *hold; /* where its bytes are; NULL: they are its own */
	uint64_t number;
	bool keyed;
	unsigned char extra; /* as in struct eio_message, where it is a whole one */
	struct eio_bytes bytes;
	size_t cap; /* of its own */
	char own[];
};

struct stock {
	struct eio_hash keys; /* of struct stock_message */
	struct eio_list order; /* of them too, and of those without a key, by their numbers */
	struct eio_list thin; /* holds of which less than half is left */
	size_t count, bytes; /* of messages; what all of it takes */
	bool failed; /* out of memory: it is not known any more what is the newest */
};

/* 0, or -1 when out of memory. */
int stock_init(struct stock *s);
void stock_deinit(struct stock *s);

/* The messages of a batch become the newest of their keys. They are numbered one by one up to `last`. Returns how many
 * that are the newest of their key had to go, because there are more than keys->max. */
size_t stock_add(struct stock *s, struct eio_bundle *bundle, struct feed_keys *keys, uint64_t last);

/* The oldest goes, of one or more. */
void stock_give_up(struct stock *s);

#endif
