/* SPDX-License-Identifier: MIT */
/* One WebSocket and what it is to its session. Inside of the Engine.IO server. */
#ifndef EIO_NET_LINK_H
#define EIO_NET_LINK_H

#include "eio/net/websocket.h"

struct eio_socket;

enum { EIO__LINK_MAGIC = 0x6c696e6b };

/* Freed when its WebSocket is gone. */
struct eio_link {
	unsigned magic; /* EIO__LINK_MAGIC */
	bool probe : 1;
	bool deflate : 1; /* permessage-deflate was negotiated */
	struct eio_socket *socket; /* NULL: none, the WebSocket is only being closed */
	struct eio_ws *ws; /* NULL: not open yet */
};

_Static_assert(sizeof(struct eio_link) <= 24, "one for each client with a WebSocket");

/* What WebSockets tell; the user of each is its link, that of all the struct eio_server. */
extern const struct eio_ws_handler eio__link_handler;

#endif
