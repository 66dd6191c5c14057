/* SPDX-License-Identifier: MIT */
/* Sessions of other nodes, where a worker knows any (src/peers/peers.h): its servers ask here. user is the struct
 * worker. */
#ifndef SRC_WORKER_ELSEWHERE_H
#define SRC_WORKER_ELSEWHERE_H

#include "src/worker/worker_int.h"

/* Makes w->peers, or leaves NULL where the configuration names no others. 0, or -1 when out of memory. */
int elsewhere_open(struct worker *w);

/* Callbacks of the Engine.IO server. */
void elsewhere_exchange(void *user, struct eio_bytes node, struct eio_exchange *ex, enum eio_stage stage);
void elsewhere_upgrade(void *user, struct eio_bytes node, struct eio_upgrade *up);

/* Callbacks of the HTTP server: what comes may be another node's. */
void elsewhere_arrived(void *user, struct eio_exchange *ex, enum eio_stage stage);
void elsewhere_upgrade_arrived(void *user, struct eio_upgrade *up);

#endif
