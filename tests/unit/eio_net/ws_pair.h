/* SPDX-License-Identifier: MIT */
/* The WebSocket edge on a real socket, and the client at its other end. */
#ifndef TESTS_UNIT_EIO_NET_WS_PAIR_H
#define TESTS_UNIT_EIO_NET_WS_PAIR_H

#include "eio/buf.h"
#include "eio/net/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MAX_PAYLOAD = 1000 };

extern const struct eio_bytes key; /* of the handshake */

struct test {
	uv_loop_t loop;
	struct eio_ws_server *server;
	struct eio_ws *ws;
	int peer; /* the client's end */
	struct eio_buf in; /* what the client received */
	struct eio_buf messages; /* what the handler was told */
	int opened, closed, writable;
	bool error;
	void (*at_close)(struct test *t, struct eio_ws *ws); /* is told first of its end; or NULL */
	int reuse; /* the descriptor of the WebSocket, for the test of its number; else 0 */
	struct eio_block *block;
	struct eio_ws *closed_ws; /* as on_closed was told */
};

/* user is a struct test. */
extern const struct eio_ws_handler handler_of_pairs;

/* Two ends of a TCP connection, of which the second is the client's. */
void make_pair(int fds[2]);

/* Runs the loop and reads at the client until n bytes are there, or for a while when they never come. */
void pump(struct test *t, size_t n);

/* Opens one, with an answer to the extensions offered, bytes that came behind the request, and a socket that takes
 * little at once where sndbuf is not 0. */
void start_full(struct test *t, struct eio_bytes extension, struct eio_bytes rest, int sndbuf);
void start_with(struct test *t, struct eio_bytes rest, int sndbuf);
void start(struct test *t);

/* Everything closes; it must have been closed once, and have left nothing open. */
void finish(struct test *t);

/* A client's frame, masked with zeros. */
void send_frame(struct test *t, int first_byte, const char *data, size_t n);

/* What the handler was told since the last time, waiting for it. */
void expect_messages(struct test *t, const char *expected);

struct eio_block *binary_event(size_t n);

#endif
