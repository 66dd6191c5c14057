/* SPDX-License-Identifier: MIT */
/*
 * Who of a worker's clients is in which room, and that the feed hears of rooms that
 * get their first member here or lose their last.
 */
#ifndef SRC_CLIENTS_ROOMS_H
#define SRC_CLIENTS_ROOMS_H

#include "src/clients/clients_int.h"

/* Makes c->rooms by c->options. 0, or -1 when out of memory. */
int rooms_init(struct clients *c);

/* The limits of the options are others. */
void rooms_set_limits(struct clients *c);

/* Lets a socket into a room of its namespace. Returns whether it is in: a join over the limits is refused, without
 * memory the client ends. */
bool rooms_join(struct sio_socket *s, struct sio_room_key key);

/* The same for one that it was in before its connection broke: what is retained for it is not asked for. */
bool rooms_join_again(struct sio_socket *s, struct sio_room_key key);

/* The same for a room of that name. NULL, or why it is not in: a constant word, which the client's ack tells. */
const char *rooms_admit(struct sio_socket *s, struct eio_bytes room);

/* Whether it is in the room of that name. */
bool rooms_have(const struct sio_socket *s, struct eio_bytes room);

/* Tells that a room was refused to a socket by the rules of its namespace. */
void rooms_forbid(struct sio_socket *s, struct eio_bytes room);

void rooms_leave(struct sio_socket *s, struct sio_room_key key);

#endif
