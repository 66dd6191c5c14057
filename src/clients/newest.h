/* SPDX-License-Identifier: MIT */
/*
 * The newest message of each key of one stream, for all clients of a worker that are behind in it together: kept once,
 * from when the first of them fell behind until none is any more. A client is nothing but a place in it:
 *
 *     messages   1  2  3  4  5  6  7  8 …         numbered since the first client fell behind
 *     keys          C        A     B  A           kept are 2, 7 and 8, in this order
 *                        ▲
 *                        a client that has 4 gets 7 and 8
 *
 * So a client that is behind costs nothing while it is, however many there are of them and whatever they missed; and a
 * client that missed one batch only gets that batch itself, the bytes that all others got. Batches are looked
 * into when somebody missed several of them, or when so many have come that keeping them would cost more.
 *
 * What is put together for one is kept until the next batch, for all that have the same place: those with one pace do.
 *
 * What is put together is a broadcast as the last one was, with other messages. No I/O and no clock.
 *
 * Threads: the worker's only.
 */
#ifndef SRC_CLIENTS_NEWEST_H
#define SRC_CLIENTS_NEWEST_H

#include "eio/bundle.h"
#include "src/clients/stock.h"
#include "src/feed/keys.h"

#include <stdbool.h>
#include <stdint.h>

enum { NEWEST_RECENT = 16 }; /* batches that are kept as they came */

struct newest_batch {
	struct eio_bundle *bundle; /* a reference, as the next */
	struct feed_keys *keys;
	uint64_t last; /* the number of its last message */
};

struct newest {
	uint64_t head; /* how many messages there were */
	struct newest_batch recent[NEWEST_RECENT]; /* the oldest first */
	unsigned n_recent;
	struct newest_batch like; /* behind those that were taken apart: the last of them, without its messages */
	struct stock stock; /* of those that were taken apart */
	uint64_t given_up; /* messages that had to go though they were the newest of their key, since somebody asked */
	struct eio_bundle *taken; /* a reference: what was put together last, since the last batch; or NULL */
	uint64_t taken_from, taken_to, taken_messages;
};

/* 0, or -1 when out of memory. */
int newest_init(struct newest *n);
void newest_deinit(struct newest *n);

/* The next batch. */
void newest_add(struct newest *n, struct eio_bundle *bundle, struct feed_keys *keys);

/* What a client is sent. */
struct newest_news {
	struct eio_bundle *bundle; /* a reference; NULL when there is nothing left */
	uint64_t messages; /* in it */
};

/* The newest messages of the keys that were in those with numbers above from, up to `to`. 0, or -1 when out of
 * memory. */
int newest_take(struct newest *n, uint64_t from, uint64_t to, struct newest_news *news);

/* What it takes, in bytes. That of batches that are kept others may hold as well. */
size_t newest_cost(const struct newest *n);

/* Takes all batches apart. */
void newest_settle(struct newest *n);

/* Gives up the oldest messages until it takes no more than that. last_stays: the last batch stays as it is, whatever
 * its size. */
void newest_trim(struct newest *n, size_t bytes, bool last_stays);

#endif
