/* SPDX-License-Identifier: MIT */
/* One broadcast to the members of a room, for whoever has no delivery of the feed. */
#ifndef SRC_CLIENTS_FANOUT_H
#define SRC_CLIENTS_FANOUT_H

#include "src/clients/clients_int.h"

/* Sends it; the bundle stays the caller's. slow: what happens to a member that is over its limit. stream 0: it must
 * arrive, and counts as what is sent to a client alone; else what a later broadcast of the same stream may replace. */
void fanout_to_room(
	struct clients *c, struct sio_room_key key, struct eio_bundle *bundle, enum feed_slow slow, uint64_t stream);

#endif
