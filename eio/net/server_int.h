/* SPDX-License-Identifier: MIT */
/*
 * What the files of the Engine.IO server share: server.c (requests and their
 * answers), verify.c (whether they are in order), socket.c (a session and the pump that moves it) and upgrade.c
 * (WebSockets coming in).
 */
#ifndef EIO_NET_SERVER_INT_H
#define EIO_NET_SERVER_INT_H

#include "eio/hash.h"
#include "eio/net/server.h"
#include "eio/net/websocket.h"

/* One WebSocket and what it is to its session. */
struct eio_link {
	struct eio_server *server;
	struct eio_socket *socket; /* NULL: none, the WebSocket is only being closed */
	struct eio_ws *ws; /* NULL: not open yet */
	bool probe;
	bool deflate; /* permessage-deflate was negotiated */
};

struct eio_socket {
	struct eio_server *server;
	struct eio_ws *ws; /* of main; NULL without */
	bool deflate; /* main takes compressed messages */
	struct eio_session session; /* begins with what a broadcast looks at, as this does */
	struct eio_hash_node node; /* in server->sids */
	struct eio_list dirty; /* in server->dirty while the pump is due */
	struct eio_timer timer;
	char *jsonp; /* the handshake's j, NUL-terminated; NULL: not JSONP */
	struct eio_exchange *get, *post; /* held GET, and the POST being received; references */
	struct eio_link *main, *probe; /* WebSockets; a link frees itself when its WebSocket is gone */
	const struct eio_request *request; /* during the open callback */
	void *user;
	bool told_open, handshaken;
	bool late; /* its timer came late, and once more soon after */
	unsigned char coding; /* enum eio_coding: what the client of the held GET takes */
};

struct eio_server {
	uv_loop_t *loop;
	struct eio_clock *clock;
	const struct eio_server_options *options;
	struct eio_server_handler handler;
	struct eio_server_stats stats;
	struct eio_settings settings;
	struct eio_ws_server *ws;
	struct eio_block *probe_pong; /* the frame "3probe" */
	struct eio_block *poll_headers; /* those of the last answer to a poll, which most others have too; or NULL */
	struct eio_buf scratch; /* its memory is kept for the next answer */
	struct eio_hash sids;
	struct eio_list dirty;
	uv_prepare_t prepare; /* pumps dirty sockets before the loop sleeps */
	uint64_t sid_key[2];
	char *prefix; /* what the path of a request begins with */
	char random[512]; /* unused random bytes, from random_used on */
	size_t random_used;
	bool shut; /* no session begins any more */
};

/* socket.c */

/* A new session, in the table and pumped at the end of this turn; tells nobody yet. NULL when out of memory. */
struct eio_socket *eio__socket_new(struct eio_server *s, const struct eio_session_kind *kind);
struct eio_socket *eio__socket_find(struct eio_server *s, struct eio_bytes sid);
void eio__socket_tell_open(struct eio_socket *s, const struct eio_request *req);

/* Makes a link the one that the session's messages take; NULL: none any more. */
static inline void
eio__socket_set_main(struct eio_socket *s, struct eio_link *link)
{
	s->main = link;
	s->ws = link ? link->ws : NULL;
	s->deflate = link && link->deflate;
}

/* Takes the session's events now, and its outputs at the end of this turn. */
void eio__socket_pump(struct eio_socket *s);
void eio__socket_prepare(uv_prepare_t *prepare);

/* server.c */

/* Appends the header lines that an Engine.IO answer to req carries. socket: the polling session that answers, or NULL for an error. */
void eio__server_headers(const struct eio_server *s, const struct eio_request *req, const struct eio_socket *socket,
	struct eio_buf *out);

/* verify.c */

/* Checks what every request must satisfy. Returns EIO_OK or the error to answer. *owner is the server the sid belongs to. */
enum eio_error eio__server_verify(
	struct eio_server *s, const struct eio_request *req, bool upgrade, struct eio_socket **socket, unsigned *owner);

/* What a handshake says about the session to begin. */
struct eio_session_kind eio__server_kind(const struct eio_request *req, enum eio_transport transport);

/* upgrade.c */
extern const struct eio_ws_handler eio__ws_handler;

#endif
