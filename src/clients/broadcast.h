/* SPDX-License-Identifier: MIT */
/*
 * What handlers broadcast: at once to the members of this worker, as in Node, so that what
 * a handler does next finds it done; and to those of other workers by a delivery, as the
 * feed's are. One client's broadcasts keep their order on the way to each other client.
 */
#ifndef SRC_CLIENTS_BROADCAST_H
#define SRC_CLIENTS_BROADCAST_H

#include "src/clients/client.h"

/* Sends a broadcast of a socket's handler. The reference to the bundle is taken over. */
void broadcast_send(struct sio_socket *s, const struct handlers_broadcast *b);

#endif
