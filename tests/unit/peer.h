/* SPDX-License-Identifier: MIT */
/* Clients of an Engine.IO server that has no HTTP server in front of it: the test hands their requests over itself. */
#ifndef TESTS_UNIT_PEER_H
#define TESTS_UNIT_PEER_H

#include "eio/net/server.h"

/* A request for a WebSocket with more header lines (each ending in CRLF), and with what its client sends without
 * waiting for the answer: for eio_server_upgrade(). *peer: the client's end. sndbuf: of the server's end, which fills
 * up soon, 0 for the system's own. */
struct eio_upgrade *peer_upgrade(const char *target, const char *headers, struct eio_bytes rest, int sndbuf, int *peer);

/* The same, and it arrives at the server. Returns the client's end. */
int peer_websocket(struct eio_server *s, const char *target, const char *headers, struct eio_bytes rest, int sndbuf);

/* Runs the loop until all WebSockets that were opened have their open packet, which leaves a moment after the 101. */
void peer_await_opened(const struct eio_server *s);

/* A GET arrives, or a POST when there is a body. Returns its exchange with one reference; it may be held. The answer
 * stays in it. */
struct eio_exchange *peer_request(struct eio_server *s, const char *target, const char *headers, const char *body);

#endif
