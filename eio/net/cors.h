/* SPDX-License-Identifier: MIT */
/*
 * Cross-origin headers, as the `cors` option of Engine.IO 4 and later gives them (protocol section "Headers"). One
 * thing is different: pages of clients 1.x and 2.x always send their requests with credentials, for which browsers do
 * not take "*" as an answer. So requests of revision 3 get their origin back instead, and leave to use credentials, as
 * the servers of their time gave.
 */
#ifndef EIO_NET_CORS_H
#define EIO_NET_CORS_H

#include "eio/net/http.h"

enum eio_cors_origin {
	EIO_CORS_OFF, /* no header at all; OPTIONS is an ordinary request */
	EIO_CORS_ANY, /* "*"; to revision 3 the request's origin, with credentials */
	EIO_CORS_FIXED, /* origins[0], whoever asks */
	EIO_CORS_LIST, /* the request's origin, if it is one of origins */
	EIO_CORS_REFLECT, /* the request's origin */
	EIO_CORS_LEGACY, /* as the servers of revision 3 did, for whatever revision; see eio_cors_append_legacy */
};

/* Strings are borrowed and NUL-terminated; NULL for the default. */
struct eio_cors {
	enum eio_cors_origin origin;
	const char *const *origins;
	size_t origins_n;
	bool credentials;
	const char *methods; /* default GET,HEAD,PUT,PATCH,POST,DELETE */
	const char *allowed_headers; /* default: what the request asks for */
	const char *exposed_headers;
	int64_t max_age; /* seconds; negative for none */
};

/* Whether pages of some origins are kept out. */
bool eio_cors_restricts(enum eio_cors_origin origin);

/* Whether a page of the request's origin may do what browsers let any page do without asking the server: open a
 * WebSocket, run a script. It may when its origin is allowed to read answers, and when it came from where the request
 * went, by the Host or by the X-Forwarded-Host of a proxy: no page can choose these lines. A request without an Origin
 * comes from no page. */
bool eio_cors_admits(const struct eio_cors *c, const struct eio_request *req);

/* Appends the header lines every answer carries, of whatever kind; with the legacy rules there are none. */
void eio_cors_append(const struct eio_cors *c, const struct eio_request *req, struct eio_buf *out);

/* Appends the header lines that the legacy rules know: the request's origin and leave to use credentials, or "*" when
 * it names no origin. Those servers sent them with polling answers to XHR and with errors; with JSONP, the 101 and
 * files they sent none. Nothing is appended under other rules. */
void eio_cors_append_legacy(const struct eio_cors *c, const struct eio_request *req, struct eio_buf *out);

/* Appends the header lines of the 204 that answers OPTIONS; not for the legacy rules, which know no 204. */
void eio_cors_append_preflight(const struct eio_cors *c, const struct eio_request *req, struct eio_buf *out);

#endif
