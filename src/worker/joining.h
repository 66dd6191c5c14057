/* SPDX-License-Identifier: MIT */
/* Connections that come from another process, and those that go to one. */
#ifndef SRC_WORKER_JOINING_H
#define SRC_WORKER_JOINING_H

#include "src/worker/worker_int.h"

/* Makes the port for those that come. */
void joining_open(struct worker *w);

/* The HTTP server's callback for those that go. */
void joining_leave(void *user, const struct eio_leaver *l);

#endif
