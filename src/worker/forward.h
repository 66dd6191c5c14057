/* SPDX-License-Identifier: MIT */
/*
 * Requests for sessions of another worker: they are passed to the one that owns the
 * session, and their answers come back. Both on the worker's thread.
 *
 *     home: forward_exchange ──stages──▶ owner: eio_server_exchange
 *           eio_httpd_deliver ◀─answer── owner: eio_exchange_respond
 */
#ifndef SRC_WORKER_FORWARD_H
#define SRC_WORKER_FORWARD_H

#include "src/worker/worker_int.h"

/* Opens the ports for what other workers pass on. */
void forward_open(struct worker *w);

/* Callbacks of the Engine.IO server, see eio/net/server.h; user is the struct worker. */
void forward_exchange(void *user, unsigned owner, struct eio_exchange *ex, enum eio_stage stage);
void forward_upgrade(void *user, unsigned owner, struct eio_upgrade *up);

/* Takes an upgrade, of this worker's own connections or of another's. A callback of the HTTP server. */
void forward_take_upgrade(void *user, struct eio_upgrade *up);

#endif
