/* SPDX-License-Identifier: MIT */
/* What files for others say of a configuration: addresses, and times that fit one another. Pure but for the reading of
 * it. */
#ifndef SRC_TOOLS_FRONT_H
#define SRC_TOOLS_FRONT_H

#include "eio/buf.h"
#include "src/config/config.h"

struct front {
	const struct config *config;
	char upstream[160]; /* where a proxy finds it: "127.0.0.1:3000", or "unix:/path" */
	const char *path; /* of the Unix socket, or NULL */
	unsigned port; /* 0 with a Unix socket */
	unsigned admin_port; /* 0: there is none that others may ask */
	unsigned
		idle_s; /* longer than a quiet connection is ever without a byte: pingInterval, pingTimeout, and more */
	unsigned keep_alive_s; /* shorter than siocast keeps an idle connection */
	size_t body_bytes; /* the largest of a POST */
	unsigned drain_s;
	const char *node, *address; /* of the node that a text is about, where there are several; or NULL */
};

void front_of(const struct config *c, struct front *out);

/* Appends text in which each "@NAME@" of these stands for its value: UPSTREAM, PORT, ADMIN, PATH, IDLE, TUNNEL (more
 * than IDLE), KEEP, BODY, DRAIN, STOP, BOUNDING, FILE, PROGRAM; of the node NODE, ADDRESS, HOST and HOSTPORT, which it
 * consists of, and MARK, what stands before its name in a sid. */
void front_write(const struct front *f, const char *text, struct eio_buf *out);

#endif
