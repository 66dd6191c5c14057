/* SPDX-License-Identifier: MIT */
/*
 * What handlers ask of the request that a client came with. The request is gone when
 * they run, so it is kept: of the query, the headers and the cookies only what some
 * handler names, or all of them where one speaks of {query}, {header} or {cookie} as
 * a whole.
 *
 * Threads: struct handlers_needs is immutable once filled.
 */
#ifndef SRC_HANDLERS_REQUEST_H
#define SRC_HANDLERS_REQUEST_H

#include "eio/net/http.h"
#include "src/handlers/handlers.h"

/* Names of one kind; all zero: none. */
struct handlers_names {
	struct eio_bytes *v; /* owned; the bytes are of the handlers */
	size_t n;
	bool all; /* v does not matter */
};

struct handlers_needs {
	struct handlers_names query, headers, cookies; /* query: that of the URL */
	bool auth; /* what a client gives with its CONNECT */
	bool address; /* where it came from */
	bool subject; /* of the certificate that it has shown; kept with the headers */
};

/* Adds what these handlers ask for, which must live longer. 0, or -1 when out of memory: only deinit is allowed
 * then. */
int handlers_needs_add(struct handlers_needs *needs, const struct handlers *h);
int handlers_needs_add_template(struct handlers_needs *needs, const struct template *t); /* the same for one */

/* Adds a name; an empty one stands for all of them. As above; the name must live longer, too. */
int handlers_names_add(struct handlers_names *names, struct eio_bytes name);

void handlers_needs_deinit(struct handlers_needs *needs);

/* Whether there is anything to keep of a query; of the headers. */
bool handlers_needs_query(const struct handlers_needs *needs);
bool handlers_needs_headers(const struct handlers_needs *needs);

/* Appends what is to be kept of a query, as a query. Whether out ran out of memory is for the caller to check. */
void handlers_keep_query(const struct handlers_needs *needs, struct eio_bytes query, struct eio_buf *out);

/* Appends a whole query as a JSON object: of parameters with the same name the last counts, 256 are looked at. */
void handlers_query_object(struct eio_bytes query, struct eio_buf *out);

/* Appends what is to be kept of the headers: JSON for struct handlers_call. Lines of a header with the same name are
 * joined by commas. Of cookies with the same name the first counts; their values are percent-decoded and without
 * quotes around them, as in Node's package "cookie". Whether out ran out of memory is for the caller to check. */
void handlers_keep(const struct handlers_needs *needs, const struct eio_request *req, struct eio_buf *out);

#endif
