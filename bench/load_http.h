/* SPDX-License-Identifier: MIT */
/*
 * Answers of an HTTP/1.1 server on one connection, read one after the other as their bytes come. As much of HTTP as the
 * servers under test speak: Content-Length, chunked, gzip, and an answer without end.
 */
#ifndef BENCH_LOAD_HTTP_H
#define BENCH_LOAD_HTTP_H

#include "eio/buf.h"

#include <sys/types.h>

struct http {
	struct eio_buf in; /* the answer so far */
	size_t head; /* length of its header block, 0 while that is incomplete */
	size_t at, body_n; /* how far it is taken apart; how much body there is */
	ssize_t length; /* of the body or of a chunk, -1: not told */
	int status;
	bool chunked, gzip, close;

	char *body; /* the body of a complete answer, without chunks and uncompressed; valid until http_next */
};

enum http_result { HTTP_MORE, HTTP_DONE, HTTP_BAD };

/* Takes more bytes. HTTP_DONE: the answer is complete. */
enum http_result http_input(struct http *h, const char *p, size_t n);

/* The same for an answer that goes on: what there is of its body is moved to *body, which is appended to.
 * HTTP_DONE: the header block is complete. */
enum http_result http_stream(struct http *h, const char *p, size_t n, struct eio_buf *body);

/* Forgets the answer; keeps or frees the memory. */
void http_next(struct http *h);
void http_deinit(struct http *h);

#endif
