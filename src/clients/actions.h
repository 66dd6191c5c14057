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
void actions_run_disconnect(struct sio_socket *s, const char *reason); /* as the handlers see it */

/* The same for an SIO_EVENT_MESSAGE. False when it waits behind another: nothing was run. */
bool actions_run_event(const struct sio_event *ev);

/* Goes on with what a socket holds: a run whose answer is there, or an event that waited. Whether there is more that
 * can be done now; to be called until there is none. */
bool actions_go_on(struct sio_socket *s);

#endif
