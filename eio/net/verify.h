/* SPDX-License-Identifier: MIT */
/* Whether a request is in order, and what it says about its session. Inside of the Engine.IO server. */
#ifndef EIO_NET_VERIFY_H
#define EIO_NET_VERIFY_H

#include "eio/net/socket_int.h"

/* Where the session of a request lives, and what tells the request from others for it. */
struct eio__owner {
	unsigned index; /* of the server, when it is on this node */
	char node[EIO_NODE_MAX + 1]; /* the name of another node; empty: it is this one */
	struct eio_bytes t; /* in its query, as it stands there; empty: it has none (stamp.h) */
};

/* Checks what every request must satisfy. Returns EIO_OK or the error to answer. *owner is whose the sid is; *socket
 * the session that the request is for when that is this server, or NULL for a handshake. */
enum eio_error eio__server_verify(struct eio_server *s, const struct eio_request *req, bool upgrade,
	struct eio_socket **socket, struct eio__owner *owner);

/* Whether the page that a request comes from may make it: a WebSocket handshake (upgrade), or a request of JSONP.
 * For any other the browser asks. */
bool eio__server_admits(const struct eio_server *s, const struct eio_request *req, bool upgrade);

/* Whether a request asks for binary as base64 text: its b64 is anything but empty. */
bool eio__server_wants_b64(const struct eio_request *req);

/* What a handshake says about the session to begin. */
struct eio_session_kind eio__server_kind(
	const struct eio_server_options *o, const struct eio_request *req, enum eio_transport transport);

#endif
