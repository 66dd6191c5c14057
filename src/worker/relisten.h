/* SPDX-License-Identifier: MIT */
/* A worker goes over to other listeners, see workers_open_listeners() (src/worker/worker.h). */
#ifndef SRC_WORKER_RELISTEN_H
#define SRC_WORKER_RELISTEN_H

#include "src/worker/worker_int.h"

/* Opens the port by which it is told. */
void relisten_open(struct worker *w);

#endif
