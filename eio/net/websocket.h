/* SPDX-License-Identifier: MIT */
/*
 * WebSockets (RFC 6455) on a libuv loop. The sockets come from the HTTP server
 * with their request already read and checked; complete messages go up, pre-framed
 * blocks go down. Pings are answered here, and so are close frames.
 *
 * Threads: everything here belongs to the loop's thread.
 */
#ifndef EIO_NET_WEBSOCKET_H
#define EIO_NET_WEBSOCKET_H

#include "eio/bundle.h"
#include "eio/net/behind.h"

#include <uv.h>

/* Close codes of RFC 6455 section 7.4.1 that we send; 0 sends a close frame without a code. */
enum {
	EIO_WS_CLOSE_NO_CODE = 0,
	EIO_WS_CLOSE_GOING_AWAY = 1001,
	EIO_WS_CLOSE_PROTOCOL_ERROR = 1002,
	EIO_WS_CLOSE_INVALID_DATA = 1007,
	EIO_WS_CLOSE_TOO_BIG = 1009,
};

struct eio_ws;
struct eio_ws_server;

struct eio_ws_handler {
	/* The handshake is done. */
	void (*open)(void *user, struct eio_ws *ws);
	/* A complete message; text is valid UTF-8. The bytes may be changed and are valid during the call. */
	void (*message)(void *user, struct eio_ws *ws, bool binary, char *data, size_t n);
	/* The socket takes writes again after eio_ws_write said that it did not. */
	void (*writable)(void *user, struct eio_ws *ws);
	/* It is gone; error: without a close frame from the peer. ws is freed after the call. */
	void (*closed)(void *user, struct eio_ws *ws, bool error);
	void *server_user; /* see eio_ws_server_user */
};

/* max_payload: the largest message taken, in bytes, compressed or not. NULL when out of memory or of descriptors:
 * start-up only. */
struct eio_ws_server *eio_ws_server_new(uv_loop_t *loop, size_t max_payload, const struct eio_ws_handler *handler);

/* Lets broadcasts be sent by io_uring, see eio_ws_server_gather. Call it in the thread of the loop. Returns 0, or
 * -errno where that does not work: then nothing changes. */
int eio_ws_server_use_uring(struct eio_ws_server *s);

/* From the one to the other, writes may be gathered: what goes to one socket leaves in one send, and many sends in one
 * system call. wide: sockets may get several blocks. The loop must not run in between. */
void eio_ws_server_gather(struct eio_ws_server *s, bool wide);
void eio_ws_server_send_gathered(struct eio_ws_server *s);

/* What the WebSockets that take no more have in the kernel; to be called now and then, so that it is looked for. */
struct eio_behind_stats eio_ws_server_behind(struct eio_ws_server *s, uint64_t now_ms);

/* Cuts all connections: closed() is called for each. Nothing but eio_ws_server_free may be called afterwards. */
void eio_ws_server_close(struct eio_ws_server *s);

/* Frees a closed server, after the loop has run out or at least once around. */
void eio_ws_server_free(struct eio_ws_server *s);

/* A socket whose WebSocket request was read. The bytes are borrowed for the call of eio_ws_adopt. */
struct eio_ws_adoption {
	int fd; /* owned by the WebSocket from now on, also on failure */
	struct eio_tls *tls; /* the same; NULL: it is plain */
	struct eio_bytes key; /* the Sec-WebSocket-Key, checked by the caller */
	/* The answer to the extensions offered, as eio_negotiate_deflate makes it: frames may come and go compressed.
	 * Or empty. */
	struct eio_bytes extension;
	struct eio_bytes headers; /* lines for the 101, ending in CRLF */
	struct eio_bytes rest; /* what came behind the request */
	void *user; /* for the handler */
};

/* Takes a socket over: answers 101 and goes on from there. open, message and closed may be called before this returns.
 * closed is called once, also when there never was an open; ws is NULL then. */
void eio_ws_adopt(struct eio_ws_server *s, const struct eio_ws_adoption *adoption);

/* Writes a block of complete frames at once, unless writes are gathered. What the kernel does not take waits, and the
 * block is kept until it has left. Ask eio_ws_writable before. Returns 0, or -1 when the connection is over: closed()
 * follows. */
int eio_ws_write(struct eio_ws *ws, struct eio_block *b);

/* What was written and is neither sent nor, as far as the kernel was asked, received; 0 when all of it could be sent.
 */
size_t eio_ws_unsent(const struct eio_ws *ws);

/* The server_user of its server's handler. */
void *eio_ws_server_user(const struct eio_ws *ws);

/* Its descriptor, to be asked about the connection. */
int eio_ws_fd(const struct eio_ws *ws);

/* Brings what a write will look at into the cache. */
void eio_ws_prefetch(const struct eio_ws *ws);

/* Whether a write would be taken now; when it would not, writable() will be called. */
bool eio_ws_writable(struct eio_ws *ws);

/* Sends a close frame behind everything written and waits a while for the peer's; no message is received any more. */
void eio_ws_close(struct eio_ws *ws, int code);

#endif
