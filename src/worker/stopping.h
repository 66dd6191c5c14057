/* SPDX-License-Identifier: MIT */
/* Opens the port for the steps of stopping, which are told by workers_drain and workers_close (src/worker/worker.h). */
#ifndef SRC_WORKER_STOPPING_H
#define SRC_WORKER_STOPPING_H

#include "src/worker/worker_int.h"

void stopping_open(struct worker *w);

#endif
