/* SPDX-License-Identifier: MIT */
/*
 * What is told to clients of one worker. In the order in which it is posted: the list to a newcomer, then every change
 * of it.
 *
 * Threads: made by the thread of presence, then owned by the worker it was posted to.
 */
#ifndef SRC_PRESENCE_DELIVERY_H
#define SRC_PRESENCE_DELIVERY_H

#include "eio/bundle.h"
#include "sio/room.h"
#include "src/base/mailbox.h"

#include <stdatomic.h>
#include <stdint.h>

enum presence_delivery_kind {
	PRESENCE_TO_SEATED, /* to those of the room who have the list */
	PRESENCE_TO_SEATS, /* the list, or NULL, to the seats in ids, who have it from then on */
	PRESENCE_TO_NEWCOMERS, /* a number, to the seats in ids */
	PRESENCE_TO_ALL, /* a number, to everybody in the room or namespace but those in ids; only the latest matters */
};

struct presence_delivery {
	struct mail mail;
	enum presence_delivery_kind kind;
	struct eio_bundle *bundle; /* a reference */
	struct sio_room_key key; /* the bytes lie in data; not of TO_SEATS and TO_NEWCOMERS */
	uint64_t stream; /* of TO_ALL: the same for the same room */
	_Atomic size_t *outstanding; /* what the worker has been given and has not finished */
	size_t bytes; /* what it counts in that */
	size_t n; /* of ids */
	uint64_t ids[]; /* and data behind them */
};

struct presence_delivery_parts {
	enum presence_delivery_kind kind;
	struct eio_bundle *bundle; /* stays the caller's */
	struct sio_room_key key;
	uint64_t stream;
	_Atomic size_t *outstanding;
	size_t n; /* room for so many ids, which the caller fills in; n counts them */
};

/* NULL when out of memory. */
struct presence_delivery *presence_delivery_new(const struct presence_delivery_parts *parts);

/* Gives back what it counts, and frees it. Any thread. */
void presence_delivery_free(struct presence_delivery *d);

#endif
