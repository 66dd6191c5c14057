/* SPDX-License-Identifier: MIT */
/* Events that the application gives a client along with an answer. */
#ifndef SRC_CLIENTS_EMITS_H
#define SRC_CLIENTS_EMITS_H

#include "sio/client.h"

/* Sends them: a JSON array of [event, argument …]. One that clients would refuse is left out, and told. */
void emits_send(struct sio_socket *s, struct eio_bytes events);

#endif
