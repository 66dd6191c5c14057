/* SPDX-License-Identifier: MIT */
/* The largest rooms and the slowest clients: each worker walks over its own, a piece in each turn of its loop. */
#ifndef SRC_WORKER_SURVEY_H
#define SRC_WORKER_SURVEY_H

#include "src/clients/top.h"
#include "src/worker/worker.h"

/* What each worker has found, by its number; valid during the call. */
typedef void (*survey_fn)(void *user, const struct clients_top *all, unsigned n);

/* Has all workers of a struct workers walk, which run and do not stop before it is done. done is called once, later, on
 * their `loop`, whose thread calls this and which does not end before that. max: of each kind, and worker. 0, or -1
 * when out of memory. */
int survey_take(void *workers, unsigned max, survey_fn done, void *user);

#endif
