/* SPDX-License-Identifier: MIT */
/*
 * What the handlers of a namespace do to its sockets. A handler never ends the socket
 * it runs for: that it asked for it is noted in the client, and done by
 * sockets_after_run().
 */
#ifndef SRC_CLIENTS_ACTIONS_H
#define SRC_CLIENTS_ACTIONS_H

#include "sio/client.h"

/* Run what is configured for it; a namespace may have no handlers. Without memory for it the client ends. */
void actions_run_connection(struct sio_socket *s);
void actions_run_event(const struct sio_event *ev); /* an SIO_EVENT_MESSAGE */
void actions_run_disconnect(struct sio_socket *s, const char *reason); /* as the handlers see it */

#endif
