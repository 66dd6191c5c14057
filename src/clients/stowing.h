/* SPDX-License-Identifier: MIT */
/*
 * Has Redis keep the sessions of sockets whose clients may go to another siocast, and again before they expire there.
 *
 * Threads: the worker's.
 */
#ifndef SRC_CLIENTS_STOWING_H
#define SRC_CLIENTS_STOWING_H

#include "src/clients/recovery.h"

/* The turn of the loop ends: what has changed is handed over. */
void stowing_turn(struct clients *c);

/* Takes the answer. */
void stowing_take(struct clients *c, struct feed_stow *s);

/* A socket ends. What its client may come back to stays. */
void stowing_end(struct sio_socket *s);

/* Of all; and its end. */
void stowing_init(struct clients *c);
void stowing_deinit(struct clients *c);

#endif
