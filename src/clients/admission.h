/* SPDX-License-Identifier: MIT */
/*
 * Admission: from a client's CONNECT to its socket in a namespace, or to a refusal.
 *
 *     admission_ask ─▶ is there such a namespace? ─▶ its token? ─▶ the application? ─▶ granted: socket, answer,
 *                             │ no                      │ bad         │ waits │ no         handlers of connection
 *                             └─────────────▶ refused: answer, counted ◀──────┘
 *
 * In the place of token and application the namespace of the Admin UI asks for a password.
 *
 * While the application is asked, the client is not in the namespace: as with middlewares in Node, what it sends there
 * is refused (revision 4) or ignored (revision 3), so nothing of it is kept, and the time it has for its first CONNECT
 * runs on. What waits is counted among its namespaces.
 */
#ifndef SRC_CLIENTS_ADMISSION_H
#define SRC_CLIENTS_ADMISSION_H

#include "src/clients/client.h"

struct auth_check;
struct feed_recall;

/* A client asks for a namespace that it is not in. */
struct admission {
	struct client *client;
	/* These bytes are whoever's asks, during the call. */
	struct eio_bytes nsp;
	struct eio_bytes auth; /* raw JSON object, or p is NULL */
	struct eio_bytes query; /* behind the namespace's name, of revision 4 */
};

/* Admits or refuses it, now or later, and runs the handlers of connection. The client may end by it. */
void admission_ask(const struct admission *a);

/* The client is gone: nothing is answered any more. */
void admission_forget(struct client *c);

/* Takes a password that was checked, which is its from then on. */
void admission_take_login(struct auth_check *check);

/* Takes what the feed asks or answers about a client that comes back. */
void admission_take_recall(struct clients *c, struct feed_recall *r);

#endif
