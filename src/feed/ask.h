/* SPDX-License-Identifier: MIT */
/*
 * A question of a worker to the feed, about one socket, whose answer comes in the order of deliveries: what the feed
 * sent before it found the answer reaches the worker before it, and what it sends later comes behind. So an answer says
 * exactly what the socket has had to do without, and from where on it gets everything.
 *
 *     worker ── feed_ask() ──▶ feed's thread: finds, hands over what is pending, then the answer
 *        ▲                                                   │
 *        └── told() ◀── clients_deliver ◀── delivery_item.ask ┘
 *
 * The memory for the way back is there before the question leaves, so an answer always comes, as long as the feed is
 * not stopped. Nothing waits for it: who asked may be gone by then, which its own part of the question says.
 *
 * Threads: filled by the worker; the feed's from feed_ask() to the delivery, then the worker's again. Two references:
 * that of whoever asks, and that of the way.
 */
#ifndef SRC_FEED_ASK_H
#define SRC_FEED_ASK_H

#include "eio/bundle.h"
#include "eio/bytes.h"
#include "src/base/mailbox.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delivery;

#define FEED_ASK_MAGIC 0xfeed0004

/* Embedded in what the asker keeps; all zero at first. */
struct feed_ask {
	unsigned magic;
	struct mail mail; /* on its way to the feed */
	atomic_uint refs;
	unsigned worker; /* who asks */
	struct delivery *way; /* owned: the delivery that carries the answer; NULL once it does */
	/* The worker's thread: the answer is there. It may ask anew, but must not join or leave rooms. */
	void (*told)(struct feed_ask *a);
	void (*free)(struct feed_ask *a); /* the last reference is gone; any thread */

	/* The question: what is retained for rooms that a socket has joined. All bytes are the asker's. */
	struct eio_bytes nsp;
	bool everyone; /* the namespace itself is among them, the first */
	const struct eio_bytes *rooms;
	size_t n_rooms;
	/* The rooms it was in before, and its id: what goes there it has, or is excepted from. */
	const struct eio_bytes *has;
	size_t n_has;
	struct eio_bytes id;

	/* The answer. */
	bool failed; /* there was no memory for it */
	size_t done; /* it is about so many of them, the first: the others would be too much for one answer */
	struct eio_bundle **bundles; /* owned, with references: in this order */
	size_t n;
	uint64_t serial; /* what it holds was sent up to this number, where clients can be recovered */
};

/* Makes one ready to be asked, with a reference for the caller. 0, or -1 when out of memory. */
int feed_ask_init(
	struct feed_ask *a, unsigned worker, void (*told)(struct feed_ask *a), void (*free)(struct feed_ask *a));

struct feed_ask *feed_ask_ref(struct feed_ask *a);

/* Whether anybody beside the caller has a reference: if not, nobody waits for the answer any more. */
bool feed_ask_is_shared(const struct feed_ask *a);

void feed_ask_unref(struct feed_ask *a); /* NULL is fine */

#endif
