/* SPDX-License-Identifier: MIT */
/* An HTTP request as the parser of http.h leaves it: its method, target, headers and body. */
#ifndef EIO_NET_REQUEST_H
#define EIO_NET_REQUEST_H

#include "eio/buf.h"
#include "eio/net/peer.h"

enum eio_http_method { EIO_HTTP_GET, EIO_HTTP_HEAD, EIO_HTTP_POST, EIO_HTTP_OPTIONS, EIO_HTTP_OTHER };

/* One request; owns its bytes and may move between threads. Nothing but the body changes once the headers are read. */
struct eio_request {
	enum eio_http_method method;
	/* As sent, but without scheme, authority and fragment; path and query are parts of target. */
	struct eio_bytes target, path, query;
	bool keep_alive; /* the connection may serve another request afterwards */
	bool minor0; /* HTTP/1.0 */
	bool websocket; /* asks for an upgrade to WebSocket */
	bool expect_continue;
	bool relayed; /* by another node: it goes to no other; false from the parser */
	struct eio_peer peer; /* of its connection, set by the HTTP server when it is asked to; zero from the parser */
	struct eio_buf subject; /* of the client's certificate, set by the same, see eio_tls_subject(); empty: none */
	struct eio_buf head; /* private: the bytes of target and headers */
	struct eio_buf body;
	struct eio_buf raw; /* private to repeat.c: its head as it came, when it may come again */
	unsigned t, t_n; /* as above: where in the target the value stands that may be another then */
	unsigned count, cap;
	struct eio_http_header {
		unsigned name, name_n, value, value_n;
	} headers[]; /* private: count of them, of cap; offsets into head; names in lower case */
};

void eio_request_free(struct eio_request *r); /* NULL is fine */

/* The value of a header, by its lower-case name; n is 0 when there is none. Valid as long as the request. */
struct eio_bytes eio_request_header(const struct eio_request *r, struct eio_bytes name);

/* The name, in lower case, and value of the line number i, counted from 0 in their order; false behind the last. As
 * above. */
bool eio_request_header_at(const struct eio_request *r, unsigned i, struct eio_bytes *name, struct eio_bytes *value);

/* Appends the values of all lines of a header that is a list, with commas between them (RFC 9110 section 5.3). */
void eio_request_header_list(const struct eio_request *r, struct eio_bytes name, struct eio_buf *out);

#endif
