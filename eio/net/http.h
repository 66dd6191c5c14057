/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 requests from bytes, by llhttp. No I/O. The parser stops after each
 * request, so that pipelined ones are answered one by one.
 */
#ifndef EIO_NET_HTTP_H
#define EIO_NET_HTTP_H

#include "eio/buf.h"

enum { EIO_HTTP_MAX_HEADERS = 100 };

enum eio_http_method { EIO_HTTP_GET, EIO_HTTP_HEAD, EIO_HTTP_POST, EIO_HTTP_OPTIONS, EIO_HTTP_OTHER };

/* One request; owns its bytes and may move between threads. Nothing but the body changes once the headers are read. */
struct eio_request {
	enum eio_http_method method;
	struct eio_bytes target, path, query; /* as sent; path and query are parts of target */
	bool keep_alive; /* the connection may serve another request afterwards */
	bool minor0; /* HTTP/1.0 */
	bool websocket; /* asks for an upgrade to WebSocket */
	bool expect_continue;
	struct eio_buf head; /* private: the bytes of target and headers */
	struct eio_buf body;
	unsigned count, cap;
	struct eio_http_header {
		unsigned name, name_n, value, value_n;
	} headers[]; /* private: count of them, of cap; offsets into head; names in lower case */
};

void eio_request_free(struct eio_request *r); /* NULL is fine */

/* The value of a header, by its lower-case name; n is 0 when there is none. Valid as long as the request. */
struct eio_bytes eio_request_header(const struct eio_request *r, struct eio_bytes name);

/* Appends the values of all lines of a header that is a list, with commas between them (RFC 9110 section 5.3). */
void eio_request_header_list(const struct eio_request *r, struct eio_bytes name, struct eio_buf *out);

enum eio_http_result {
	EIO_HTTP_MORE, /* everything was used, the request is not complete */
	EIO_HTTP_COMPLETE, /* a request is complete */
	EIO_HTTP_TOO_LARGE, /* the body exceeds the limit; the rest of it will be thrown away */
	EIO_HTTP_UPGRADE, /* a request for a WebSocket is complete; what follows is not HTTP */
	EIO_HTTP_BAD, /* not HTTP: answer 400 and close */
	EIO_HTTP_HEAD_TOO_LARGE, /* answer 431 and close */
	EIO_HTTP_NOMEM,
};

struct eio_http;

/* A parser for one connection; request line and headers up to max_head bytes together, bodies up to max_body. NULL when
 * out of memory. */
struct eio_http *eio_http_new(size_t max_head, size_t max_body);
void eio_http_free(struct eio_http *h);

/* Feeds bytes; *used says how many were taken, fewer than n when a request ended before. After COMPLETE or TOO_LARGE
 * feed the rest. After UPGRADE and failures feed nothing more. */
enum eio_http_result eio_http_feed(struct eio_http *h, const char *data, size_t n, size_t *used);

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
