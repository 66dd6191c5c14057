/* SPDX-License-Identifier: MIT */
/* What is configured of the relay: whether edges come here, and where a hub is. */
#ifndef SRC_RELAY_SPEC_H
#define SRC_RELAY_SPEC_H

#include "eio/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* Where an edge asks on its hub's addresses. */
#define RELAY_PATH "/siocast-relay"
#define RELAY_PROTOCOL "siocast-relay" /* of the WebSocket */

struct relay_spec {
	bool edges; /* edges may come here: this one is a hub */
	size_t queue_bytes; /* what waits for one of them; beyond it its connection is cut, and it has a gap */
	unsigned resume_seconds; /* so long it may be away without one */
	unsigned linger_seconds; /* of an edge: how long a room is kept that nobody is in any more */
	const char *host; /* of the hub, a name or an address without brackets; NULL: this one is no edge */
	unsigned port;
	const char *text; /* the same as it was configured, for logs */
	struct eio_bytes secret; /* of "peerKeyFile" */
	const char *node; /* what this one is called; NULL: it has no name */
};

#endif
