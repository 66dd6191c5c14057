/* SPDX-License-Identifier: MIT */
/* Session ids: as long as official servers make them. The first character names the server that made it, and those
 * behind it the node, where that has a name (eio/net/server.h). */
#ifndef EIO_NET_SID_H
#define EIO_NET_SID_H

#include "eio/net/random.h"
#include "eio/net/server.h"

/* Writes a new sid of EIO_SID_LEN characters, and a NUL. index: of the server, below EIO_MAX_SERVERS. node: its node's
 * name, or empty. */
void eio__sid_make(struct eio_random *random, unsigned index, struct eio_bytes node, char *sid);

/* The number of the server that made a sid, or -1 for what is none. */
int eio__sid_owner(struct eio_bytes sid);

/* The name of the node that made a sid, a part of it; empty when it cannot have one. One that was made without looks as
 * if it had any, by chance. */
struct eio_bytes eio__sid_node(struct eio_bytes sid);

#endif
