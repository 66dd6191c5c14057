/* SPDX-License-Identifier: MIT */
/* What the servers of a worker counted, shown in its row. */
#ifndef SRC_WORKER_COUNTERS_H
#define SRC_WORKER_COUNTERS_H

#include "src/worker/worker_int.h"

/* Shows all of it as it is now; the HTTP server must be open. On the worker's thread. */
void counters_show(const struct worker *w);

#endif
