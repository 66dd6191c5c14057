/* SPDX-License-Identifier: MIT */
/* What a WebSocket says after its handshake goes to its session: as the probe of one that polls, or as its
 * transport. */
#include "eio/net/link.h"

#include "eio/check.h"
#include "eio/net/socket_int.h"

#include <stdlib.h>

/* A WebSocket may have no session, and is counted nevertheless. */
static struct eio_server_stats *
stats_of(const struct eio_ws *ws)
{
	struct eio_server *s = eio_ws_server_user(ws);

	CHECK_MAGIC(s, EIO__SERVER_MAGIC);
	return &s->stats;
}

/* The probe becomes the session's transport. */
static void
link_upgrade(struct eio_link *link, struct eio_socket *s)
{
	s->probe = NULL;
	eio__socket_set_main(s, link);
	link->probe = false;
	s->server->stats.upgraded++;
	s->server->stats.open_websocket++;
	if (s->server->handler.upgraded) s->server->handler.upgraded(s->server->handler.user, s);
}

static void
on_websocket_message(void *user, struct eio_ws *ws, bool binary, char *data, size_t n)
{
	struct eio_link *link = user;
	struct eio_socket *s;

	(void)ws;
	CHECK_MAGIC(link, EIO__LINK_MAGIC);
	s = link->socket;
	if (!s) return;
	eio_session_catch_up(&s->session, eio_clock_now(s->server->clock));
	if (link->probe) {
		eio_session_probe_recv(&s->session, binary, eio_bytes(data, n));
		if (s->probe == link && eio_session_upgraded(&s->session) && !s->main) link_upgrade(link, s);
	} else {
		eio_session_ws_recv(&s->session, binary, data, n);
	}
	eio__socket_pump(s);
}

static void
on_websocket_writable(void *user, struct eio_ws *ws)
{
	struct eio_link *link = user;

	(void)ws;
	CHECK_MAGIC(link, EIO__LINK_MAGIC);
	if (link->socket) eio__socket_pump(link->socket);
}

static void
on_websocket_closed(void *user, struct eio_ws *ws, bool error)
{
	struct eio_link *link = user;
	struct eio_socket *s;

	CHECK_MAGIC(link, EIO__LINK_MAGIC);
	s = link->socket;
	if (ws) stats_of(ws)->websockets--;
	if (s && link->probe) {
		s->probe = NULL;
		eio_session_probe_closed(&s->session);
		eio__socket_pump(s);
	} else if (s) {
		eio__socket_set_main(s, NULL);
		eio_session_ws_closed(&s->session, error);
		eio__socket_pump(s);
	}
	link->magic = 0;
	free(link);
}

static void
on_websocket_open(void *user, struct eio_ws *ws)
{
	struct eio_link *link = user;

	CHECK_MAGIC(link, EIO__LINK_MAGIC);
	link->ws = ws;
	stats_of(ws)->websockets++;
	if (!link->socket) {
		eio_ws_close(ws, EIO_WS_CLOSE_NO_CODE);
	} else if (!link->probe) {
		eio__socket_set_main(link->socket, link);
		eio__socket_opened(link->socket);
	}
}

const struct eio_ws_handler eio__link_handler = {
	.open = on_websocket_open,
	.message = on_websocket_message,
	.writable = on_websocket_writable,
	.closed = on_websocket_closed,
};
