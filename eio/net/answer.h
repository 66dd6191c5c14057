/* SPDX-License-Identifier: MIT */
/* The answers of the Engine.IO server, with the headers that they carry. Inside of it. */
#ifndef EIO_NET_ANSWER_H
#define EIO_NET_ANSWER_H

#include "eio/net/socket_int.h"

/* Appends the header lines that an answer to req carries. socket: the polling session that answers, or NULL for an
 * error. */
void eio__answer_headers(const struct eio_server *s, const struct eio_request *req, const struct eio_socket *socket,
	struct eio_buf *out);

/* Answers with a body of a type, for a session or, with NULL, for none. */
void eio__answer_text(struct eio_server *s, struct eio_exchange *ex, const struct eio_socket *socket, int status,
	const char *type, struct eio_bytes body);

/* Answers with an Engine.IO error, which is counted. */
void eio__answer_error(struct eio_server *s, struct eio_exchange *ex, enum eio_error err);

/* Answers with no more than a status. */
void eio__answer_empty(struct eio_server *s, struct eio_exchange *ex, int status);

/* Answers OPTIONS as the cross-origin rules say: of anybody, and of a session where only the legacy rules are in
 * force. */
void eio__answer_preflight(struct eio_server *s, struct eio_exchange *ex);
void eio__answer_options(struct eio_server *s, const struct eio_socket *socket, struct eio_exchange *ex);

#endif
