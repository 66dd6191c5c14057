/* SPDX-License-Identifier: MIT */
/* WebSockets of other siocasts, which come where clients come, on their way to the hub. */
#ifndef SRC_WORKER_RELAYING_H
#define SRC_WORKER_RELAYING_H

#include "src/worker/worker_int.h"

/* The callback of the HTTP server for handshakes of WebSockets. */
void (*relaying_upgrades(const struct worker *w))(void *user, struct eio_upgrade *up);

#endif
