/* SPDX-License-Identifier: MIT */
/* A broadcast on its way to this worker's members. Beside clients_deliver(), which takes those of the feed. */
#ifndef SRC_CLIENTS_FANOUT_H
#define SRC_CLIENTS_FANOUT_H

#include "src/clients/clients_int.h"

/* Sends a broadcast to all clients here that belong to an audience, but not to one session (NULL: to all). Of the item
 * it uses bundle, slow and stream. */
void fanout_to_audience(
	struct clients *c, const struct audience *a, const struct delivery_item *item, const struct eio_socket *but);

/* The same to those members of one room that fanout_mark() was not called for since fanout_begin_marks(). */
void fanout_begin_marks(struct clients *c);
void fanout_mark(struct client *c);
void fanout_to_unmarked(struct clients *c, struct sio_room_key key, const struct delivery_item *item);

/* The same to the members of one room. With stream 0 it must arrive, and counts as what is sent to a client alone. */
void fanout_to_room(struct clients *c, struct sio_room_key key, const struct delivery_item *item);

#endif
