/* SPDX-License-Identifier: MIT */
/* What an application elsewhere wants to know of sockets here, in the words of Socket.IO's fetchSockets(). */
#ifndef SRC_CLIENTS_INQUIRY_H
#define SRC_CLIENTS_INQUIRY_H

#include "src/clients/clients_int.h"

/* Fills the answer of a move that is a question. Without memory it says that there is nobody, and counts that. */
void inquiry_answer(struct clients *c, const struct feed_move *m);

#endif
