/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 requests from bytes: heads by llhttp, framed exactly as RFC 9112 has it,
 * whatever llhttp lets pass. No I/O. The parser stops after each request, so that
 * pipelined ones are answered one by one. How the bytes are cut into pieces changes
 * nothing of what comes out.
 */
#ifndef EIO_NET_HTTP_H
#define EIO_NET_HTTP_H

#include "eio/net/request.h"

enum eio_http_result {
	EIO_HTTP_MORE, /* everything was used, the request is not complete */
	EIO_HTTP_COMPLETE, /* a request is complete */
	EIO_HTTP_TOO_LARGE, /* the body exceeds the limit; the rest of it will be thrown away */
	EIO_HTTP_UPGRADE, /* a request for a WebSocket is complete; what follows is not HTTP */
	EIO_HTTP_BAD, /* not HTTP, or more than is taken: answer with eio_http_status and close */
	EIO_HTTP_NOMEM,
};

struct eio_http;

/* A parser for one connection; request line and headers up to max_head bytes together, line ends and empty lines before
 * them included, and as many of trailers and chunk extensions; bodies up to max_body. NULL when out of memory. */
struct eio_http *eio_http_new(size_t max_head, size_t max_body);
void eio_http_free(struct eio_http *h);

/* Feeds bytes; *used says how many were taken, fewer than n when a request ended before. After COMPLETE or TOO_LARGE
 * feed the rest. After UPGRADE and failures feed nothing more. */
enum eio_http_result eio_http_feed(struct eio_http *h, const char *data, size_t n, size_t *used);

/* After BAD, the status to answer with: 400, 413 (chunk extensions), 431 (head or trailers), 501 (transfer coding,
 * CONNECT) or 505 (version). */
int eio_http_status(const struct eio_http *h);

/* The request being read, once its headers are complete; NULL before. The parser keeps it and goes on appending to its
 * body, until eio_http_take. */
struct eio_request *eio_http_request(struct eio_http *h);

/* Hands the request over to the caller. When its body is not complete the rest of it is thrown away. */
struct eio_request *eio_http_take(struct eio_http *h);

/* Whether a body is still arriving. */
bool eio_http_in_body(const struct eio_http *h);

/* Whether nothing of a next request has arrived yet. */
bool eio_http_idle(const struct eio_http *h);

/* The name of a status code, such as "Not Found". */
const char *eio_http_status_text(int status);

#endif
