/* SPDX-License-Identifier: MIT */
/* Session ids: as long as official servers make them, and the first character names the server that made it. */
#ifndef EIO_NET_SID_H
#define EIO_NET_SID_H

#include "eio/bytes.h"
#include "eio/net/random.h"

/* Writes a new sid of EIO_SID_LEN characters, and a NUL. index: of the server, below EIO_MAX_SERVERS. */
void eio__sid_make(struct eio_random *random, unsigned index, char *sid);

/* The number of the server that made a sid, or -1 for what is none. */
int eio__sid_owner(struct eio_bytes sid);

#endif
