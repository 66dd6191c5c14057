/* SPDX-License-Identifier: MIT */
/* The options of a server, and what its sessions have of them: who began with some keeps them, others are in force by
 * then. */
#ifndef EIO_NET_TERMS_H
#define EIO_NET_TERMS_H

#include "eio/net/server.h"

struct eio_terms {
	size_t refs; /* the server's, while they are in force, and one for each session that began with them */
	struct eio_server_options options;
	struct eio_settings settings;
};

/* Gives a reference back, on the loop's thread. */
void eio__terms_unref(struct eio_terms *t);

#endif
