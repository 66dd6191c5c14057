/* SPDX-License-Identifier: MIT */
/* How many clients are in rooms, on all workers together: each is asked by mail and counts on its own thread. */
#ifndef SRC_WORKER_CENSUS_H
#define SRC_WORKER_CENSUS_H

#include "src/worker/worker.h"

/* The sum for each of the rooms that were asked for, in their order; valid during the call. */
typedef void (*census_fn)(void *user, const size_t *clients, size_t n);

/* Asks all workers of a struct workers, which run and do not stop before it is done. done is called once, later, on
 * their `loop`, whose thread calls this and which does not end before that. keys are copied. 0, or -1 when out of
 * memory. */
int census_take(void *workers, const struct sio_room_key *keys, size_t n, census_fn done, void *user);

#endif
