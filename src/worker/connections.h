/* SPDX-License-Identifier: MIT */
/*
 * limits.maxConnections: one number for all workers, because the kernel does not give
 * each of them the same share. Each worker tells what it has opened and closed at the end
 * of a turn of its loop, and before it takes one more: an atomic addition in a turn in
 * which its number has changed.
 */
#ifndef SRC_WORKER_CONNECTIONS_H
#define SRC_WORKER_CONNECTIONS_H

#include <stdbool.h>

struct worker;

/* Whether one more is within the limit; then it counts. The worker's thread. */
bool connections_admit(struct worker *w);

/* Tells how many there are now. The worker's thread. */
void connections_tell(struct worker *w);

#endif
