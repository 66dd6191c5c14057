/* SPDX-License-Identifier: MIT */
/*
 * Attendance: which clients are in rooms where presence is kept or clients are counted. Joins and leaves are passed on
 * to src/presence/, and what that has to tell comes back to the clients. A client hears of who joins and leaves from
 * the moment on when it got the list: it is in a room aside then.
 */
#ifndef SRC_CLIENTS_ATTENDANCE_H
#define SRC_CLIENTS_ATTENDANCE_H

#include "src/clients/clients_int.h"

/* A socket has joined a room, which it was not in, or its namespace; or it has left. Where there is no presence in the
 * namespace they do nothing. */
void attendance_begin(struct sio_socket *s, struct sio_room_key key);
void attendance_end(struct sio_socket *s, struct sio_room_key key);

/* It leaves everything. */
void attendance_end_all(struct sio_socket *s);

#endif
