/* SPDX-License-Identifier: MIT */
/*
 * Who a broadcast is for, where that is more than the members of one room: those of several, each of them once, or
 * all of a namespace, without some. As `socket.to(a).to(b).except(c)` in Node.
 *
 * Threads: immutable, and shared by counting references.
 */
#ifndef SRC_FEED_AUDIENCE_H
#define SRC_FEED_AUDIENCE_H

#include "eio/bytes.h"
#include "sio/room.h"

#include <stdatomic.h>
#include <stddef.h>

struct audience {
	atomic_uint refs;
	struct eio_bytes nsp;
	const struct eio_bytes *rooms; /* none: everyone in the namespace */
	size_t n_rooms;
	const struct eio_bytes *except; /* names of rooms, and ids of sockets */
	size_t n_except;
};

/* Copies all that *a points to, its refs do not matter: so it may lie on a stack. One reference is the caller's. NULL
 * when out of memory. */
struct audience *audience_new(const struct audience *a);

/* Any thread. */
struct audience *audience_ref(struct audience *a);
void audience_unref(struct audience *a); /* NULL is fine */

/* How many bytes it takes. */
size_t audience_size(const struct audience *a);

/* How many keys lead to it, at least one; and each of them. */
static inline size_t
audience_keys(const struct audience *a)
{
	return a->n_rooms ? a->n_rooms : 1;
}

static inline struct sio_room_key
audience_key(const struct audience *a, size_t i)
{
	return a->n_rooms ? sio_room_named(a->nsp, a->rooms[i]) : sio_room_everyone(a->nsp);
}

#endif
