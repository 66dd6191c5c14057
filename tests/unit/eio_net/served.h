/* SPDX-License-Identifier: MIT */
/*
 * An Engine.IO server on real sockets, without HTTP in front, and its clients. A program with it wraps
 * eio__carrier_adopt.
 */
#ifndef TESTS_UNIT_EIO_NET_SERVED_H
#define TESTS_UNIT_EIO_NET_SERVED_H

#include "eio/bundle.h"
#include "eio/net/exchange.h"
#include "eio/net/terms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CLIENTS = 40, TIMEOUT = 20000, DAY = 86400000 };

enum { SMALL = 65536 }; /* of a client's socket that fills up: much less than what is sent to it */

#define OFFER "Sec-WebSocket-Extensions: permessage-deflate\r\n"
extern const struct eio_deflate deflates;

/* What the application does with a session as soon as it hears of it. */
enum ending { LEAVE, CLOSE, DISCARD };

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_server_options options;
	struct eio_server *server;
	struct eio_socket *sockets[CLIENTS];
	int peers[CLIENTS];
	unsigned n, opened, closed;
	enum ending at_open, at_message;
};

void end_session(struct eio_socket *s, enum ending ending);

/* Makes a server; the second one does not ping: nothing comes between, however slow the machine. */
void start_with(struct test *t, struct eio_deflate ws_deflate, unsigned ping_interval);
void start(struct test *t);

/* From now on it says which origin was let in. */
void reflect_origins(struct test *t);

/* Some turns of the loop. */
void turn(struct test *t);

/* Everybody goes, and it ends: all that was opened must be closed by then. */
void finish(struct test *t);

/* What a client has, waiting for n bytes of it. */
struct eio_buf receive(struct test *t, int peer, size_t n);

/* Instead of header lines: the carrier does not take the socket, so the handshake fails after everything was
 * checked. */
extern const char broken[];

/* As peer_websocket does. query: what follows the transport. */
int request_websocket(struct test *t, const char *query, const char *headers, struct eio_bytes rest, int sndbuf);

/* A client connects by WebSocket and has its open packet. */
void connect_with(struct test *t, const char *headers, int sndbuf);
void connect_one(struct test *t, int sndbuf);

struct eio_bundle *event(size_t n, char fill);

/* Noise does not shrink, and so fills a socket. */
struct eio_bundle *noise(size_t n);

/* A GET by polling. Gives its exchange with one reference; it may be held. */
struct eio_exchange *poll_with(struct test *t, const char *query, const char *headers);

/* A handshake by polling from an origin. Gives its exchange, answered, with one reference. */
struct eio_exchange *poll_from(struct test *t, const char *origin);

bool has_line(const struct eio_exchange *ex, const char *line);

#endif
