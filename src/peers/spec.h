/* SPDX-License-Identifier: MIT */
/* The other nodes, as a configuration names them. */
#ifndef SRC_PEERS_SPEC_H
#define SRC_PEERS_SPEC_H

#include "eio/bytes.h"

enum { PEERS_MAX = 64 };

struct peers_spec_node {
	const char *name; /* NULL: whatever node is there says it itself, and there may be several */
	const char *host; /* an address without brackets, or a name that is looked up */
	unsigned port;
	const char *text; /* both, as configured */
};

/* All strings are borrowed. */
struct peers_spec {
	const struct peers_spec_node *v; /* this node may be among them */
	size_t n; /* 0: there are no others */
	struct eio_bytes secret; /* that all nodes have */
};

#endif
