/* SPDX-License-Identifier: MIT */
/* What one worker serves over HTTP, and in which order it is looked for: client files, Engine.IO, the folder behind
 * it. */
#ifndef SRC_WORKER_SITE_H
#define SRC_WORKER_SITE_H

#include "src/worker/worker_int.h"

/* A callback of the HTTP server, see eio/net/httpd.h; user is the struct worker. */
void site_exchange(void *user, struct eio_exchange *ex, enum eio_stage stage);

/* Answers a whole request by a file. A callback of the Engine.IO server, for what lies outside of its path. */
void site_file(void *user, struct eio_exchange *ex);

#endif
