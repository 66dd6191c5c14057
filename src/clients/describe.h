/* SPDX-License-Identifier: MIT */
/* Sockets, described in JSON. */
#ifndef SRC_CLIENTS_DESCRIBE_H
#define SRC_CLIENTS_DESCRIBE_H

#include "eio/buf.h"
#include "sio/client.h"

/* As fetchSockets() of Socket.IO has them, for other servers. */
void describe_for_servers(const struct sio_socket *s, struct eio_buf *out);

/* As the page of the Admin UI has them, without what clients say of themselves. */
void describe_for_ui(const struct sio_socket *s, struct eio_buf *out);

#endif
