/* SPDX-License-Identifier: MIT */
/*
 * What clients are told that were too slow: the event siocast:lag, once they have caught up.
 *
 * Threads: the worker's only.
 */
#ifndef SRC_CLIENTS_LAG_H
#define SRC_CLIENTS_LAG_H

#include "src/clients/client.h"

/* Something of a namespace was dropped for a client, which has been behind since then. It is told about as soon as
 * lag_tell() is called. */
void lag_note(struct client *c, struct eio_bytes nsp, uint64_t dropped, uint64_t since_ms);

/* The client has caught up: it is told what it missed, if anything. */
void lag_tell(struct client *c);

/* The client goes. */
void lag_forget(struct client *c);

#endif
