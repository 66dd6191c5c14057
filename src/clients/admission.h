/* SPDX-License-Identifier: MIT */
/*
 * Admission: from a client's CONNECT to its socket in a namespace, or to a refusal.
 *
 *     admission_ask ─▶ is there such a namespace? ── yes ─▶ admission granted: socket, answer, handlers of connection
 *                                                 └─ no ──▶ refused: answer, counted
 *
 * Whoever has to think it over first stands between the question and the two ends,
 * which use nothing but a struct admission: with a copy of its bytes they can come later.
 */
#ifndef SRC_CLIENTS_ADMISSION_H
#define SRC_CLIENTS_ADMISSION_H

#include "src/clients/client.h"

/* A client asks for a namespace that it is not in. */
struct admission {
	struct client *client;
	/* These bytes are whoever's asks, during the call. */
	struct eio_bytes nsp;
	struct eio_bytes auth; /* raw JSON object, or p is NULL */
	struct eio_bytes query; /* behind the namespace's name, of revision 4 */
};

/* Admits or refuses it, and runs the handlers of connection. The client may end by it. */
void admission_ask(const struct admission *a);

#endif
