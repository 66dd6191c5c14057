/* SPDX-License-Identifier: MIT */
/* A worker goes over to another configuration, see workers_prepare() (src/worker/worker.h). */
#ifndef SRC_WORKER_CHANGING_H
#define SRC_WORKER_CHANGING_H

#include "src/worker/worker_int.h"

/* Opens the port by which it is told. */
void changing_open(struct worker *w);

/* What a configuration says to its HTTP server, now that it has clients. */
struct eio_httpd_options changing_httpd_options(const struct worker *w, const struct config *c);

#endif
