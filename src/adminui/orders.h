/* SPDX-License-Identifier: MIT */
/*
 * What the page of the Admin UI orders: emit(nsp, filter, event, …), join(nsp, room, filter), leave(nsp, room, filter),
 * _disconnect(nsp, close, filter). A filter is a room, or the id of a socket; null means all of the namespace.
 *
 * Threads: the feed's.
 */
#ifndef SRC_ADMINUI_ORDERS_H
#define SRC_ADMINUI_ORDERS_H

#include "src/feed/feed.h"

/* Carries out one, a list in checked JSON, with the sockets of this server, and writes a line about it. Whatever is no
 * such order has no effect. */
void adminui_order(struct feed *f, struct eio_bytes json);

#endif
