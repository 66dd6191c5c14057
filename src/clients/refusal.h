/* SPDX-License-Identifier: MIT */
/* How a client is told that it is not, or no longer, who it says. */
#ifndef SRC_CLIENTS_REFUSAL_H
#define SRC_CLIENTS_REFUSAL_H

#include "src/auth/jwt.h"
#include "src/clients/client.h"

/* Appends {"code":"…"}: the data that goes with the message of a result. */
void refusal_data(enum auth_result r, struct eio_buf *out);

/* Tells a socket that its token expired. To revision 3 it is the packet ERROR, which its clients take at any time.
 * Those of revision 4 would stop to listen at a CONNECT_ERROR, but believe that they are connected; so to them it is an
 * event, token_expired, as servers in Node send one before they disconnect. */
void refusal_tell_expired(struct sio_socket *s);

#endif
