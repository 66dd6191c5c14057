/* SPDX-License-Identifier: MIT */
/* What a proxy in front of several nodes needs to be told: a request with a sid goes where that lives, everything else
 * anywhere. */
#ifndef SRC_TOOLS_LB_NODES_H
#define SRC_TOOLS_LB_NODES_H

#include "src/tools/front.h"

enum { LB_MAX_NODES = PEERS_MAX };

/* Where a node is: "10.0.0.1:3000". No name: there is only this one. */
struct lb_node {
	const char *name, *address;
};

/* Appends it for a proxy of that name. False when it is none of these. */
bool lb_nodes_write(const char *proxy, struct front *f, const struct lb_node *nodes, size_t n, struct eio_buf *out);

#endif
