/* SPDX-License-Identifier: MIT */
/* A new token for a socket that is there already, by the event that the configuration calls "renew". */
#ifndef SRC_CLIENTS_RENEWAL_H
#define SRC_CLIENTS_RENEWAL_H

#include "sio/client.h"

/* Takes an event that renews its socket's identity; false when it is none, and handlers are to see it. The event's
 * argument is a token, or an object with a member "token". Acks {"ok":true}, or {"error":code,"message":…}, and then
 * nothing has changed: the old token holds for as long as it did. A token of somebody else ("sub") is refused, since
 * the rooms stay. */
bool renewal_take(const struct sio_event *ev);

#endif
