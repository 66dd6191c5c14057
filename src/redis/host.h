/* SPDX-License-Identifier: MIT */
/* Hosts that a server names. Pure functions. */
#ifndef SRC_REDIS_HOST_H
#define SRC_REDIS_HOST_H

#include "eio/bytes.h"

/* A name or an address: nothing in it could end a field of the log. */
bool redis_is_host(struct eio_bytes s);

#endif
