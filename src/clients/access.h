/* SPDX-License-Identifier: MIT */
/*
 * A client's line in the access log, when it has gone. What is in it beside what is known anyway is kept only where
 * there is such a log.
 *
 * Threads: the client's worker's.
 */
#ifndef SRC_CLIENTS_ACCESS_H
#define SRC_CLIENTS_ACCESS_H

#include "src/clients/client.h"

/* Begins to keep it; false when out of memory. It is in what the client keeps, to be freed by free(). */
bool access_open(struct client *c);

/* An event has come from it. */
void access_note_event(struct client *c);

/* The client is in a namespace from now on. */
void access_note_namespace(struct client *c, struct eio_bytes nsp);

/* Its session has ended: writes the line. c: NULL when there was no memory for a client. */
void access_tell(
	const struct clients *cs, const struct client *c, const struct eio_socket *eio, enum eio_reason reason);

#endif
