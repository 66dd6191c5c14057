/* SPDX-License-Identifier: MIT */
/*
 * How often clients are written to that want few writes, as phones do: by the rooms that they are in, and by their own
 * choice. What waits for its time, and how, is eio/session.h.
 *
 *     "rooms": { "rate": { "slow.*": { "perSecond": 2 } } }
 *
 * Threads: paces of rooms are immutable once filled.
 */
#ifndef SRC_CLIENTS_PACE_H
#define SRC_CLIENTS_PACE_H

#include "eio/bytes.h"
#include "src/clients/client.h"

struct room_paces;

/* Adds rooms: a Redis glob pattern, and from 1 to HANDLERS_PACE_MAX. *p: NULL at first. 0, or -1 when out of memory:
 * what there was stays. */
int room_paces_add(struct room_paces **p, const char *pattern, unsigned per_second);
void room_paces_free(struct room_paces *p); /* NULL is fine */

/* How long what goes to a room may wait, in milliseconds: the first pattern that fits it counts. 0: not at all. */
unsigned room_paces_find(const struct room_paces *p, struct eio_bytes room);

/* The client's own choice; 0: none. */
void pace_choose(struct client *c, unsigned per_second);

#endif
